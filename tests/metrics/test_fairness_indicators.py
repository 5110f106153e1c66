"""`FairnessIndicators`: ten rates at each of several thresholds, by the names that its users know."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

import assay
from assay.errors import EvalConfigError
from assay.results.files import load_validation_result

RNG = np.random.default_rng(4)
LABELS = RNG.integers(0, 2, 300)
SCORES = np.clip(RNG.normal(0.35 + 0.3 * LABELS, 0.25), 0, 1)
FRAME = pd.DataFrame({"label": LABELS, "score": SCORES, "group": RNG.choice(["a", "b"], 300)})


def config(settings='"thresholds": [0.4, 0.4125, 0.5]', **spec):
    return {
        "model_specs": [{"label_key": "label", "prediction_key": "score"}],
        "slicing_specs": [{}, {"feature_keys": ["group"]}],
        "metrics_specs": [{"metrics": [{"class_name": "FairnessIndicators", "config": settings}], **spec}],
    }


def rates(rows, threshold):
    """The ten rates from scikit-learn's confusion matrix."""
    tn, fp, fn, tp = confusion_matrix(rows["label"], rows["score"] > threshold).ravel()
    return {
        "false_positive_rate": fp / (fp + tn),
        "false_negative_rate": fn / (fn + tp),
        "true_positive_rate": tp / (tp + fn),
        "true_negative_rate": tn / (tn + fp),
        "positive_rate": (tp + fp) / len(rows),
        "negative_rate": (tn + fn) / len(rows),
        "false_discovery_rate": fp / (fp + tp),
        "false_omission_rate": fn / (fn + tn),
        "precision": tp / (tp + fp),
        "recall": tp / (tp + fn),
    }


def values(result, key):
    return {name: value["doubleValue"] for name, value in result.get_metrics_for_slice(key).items()}


@pytest.mark.parametrize("key", [(), (("group", "a"),)])
def test_each_rate_has_a_value_at_each_threshold_named_with_as_many_decimals_as_the_longest(key):
    rows = FRAME if not key else FRAME[FRAME["group"] == "a"]
    expected = {
        f"fairness_indicators_metrics/{name}@{shown}": value
        for threshold, shown in ((0.4, "0.4000"), (0.4125, "0.4125"), (0.5, "0.5000"))
        for name, value in rates(rows, threshold).items()
    }
    assert values(assay.analyze_raw_data(FRAME, config()), key) == pytest.approx(expected)


def test_there_are_nine_thresholds_unless_others_are_asked_for():
    names = values(assay.analyze_raw_data(FRAME, config("")), ())
    assert len(names) == 90
    assert "fairness_indicators_metrics/recall@0.9" in names


def test_a_threshold_finds_a_rate_by_its_name(tmp_path):
    name = "mine/false_positive_rate@0.5"
    bound = {name: {"value_threshold": {"upper_bound": 0.0}}}
    asked = config('"thresholds": [0.5], "name": "mine"', thresholds=bound)
    assay.analyze_raw_data(FRAME, asked, str(tmp_path))
    failures = load_validation_result(str(tmp_path)).metric_validations_per_slice
    assert {failure.metric_key.name for one in failures for failure in one.failures} == {name}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ('"thresholds": []', r"thresholds: expected numbers, at least one, found \[\]"),
        ('"thresholds": 0.5', r"thresholds: expected numbers, at least one, found 0.5"),
        ('"thresholds": [true]', r"thresholds: expected numbers, at least one, found \[True\]"),
        ('"threshold": [0.5]', r"FairnessIndicators has no setting 'threshold'.*'thresholds'"),
    ],
)
def test_settings_that_it_does_not_have_are_refused(settings, message):
    with pytest.raises(EvalConfigError, match=message):
        assay.analyze_raw_data(FRAME, config(settings))
