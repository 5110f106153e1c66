"""With `exact` all distinct scores are kept: rank metrics are scikit-learn's, whatever the scores are."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn import metrics as sk

import assay
from assay.errors import EvalConfigError
from assay.metrics.binding.bound import metrics_of
from assay.metrics.computations.distinct import keys_of, scores_of
from assay.verdict import Status

from .asked import asked
from .engine import EVERY_SLICE, config_of, cut, evaluated, whole
from .hard_data import hard_batch
from .score_distributions import METRICS, SPREADS, exact_values, rows_of

ALL = " ".join(asked(name, **{**own, "name": key, "exact": True}) for key, (name, own) in METRICS.items())
RNG = np.random.default_rng(11)


def batch_of(labels, scores, weights=None, **features):
    weights = np.ones(len(scores)) if weights is None else weights
    return {"features": features, "labels": labels, "predictions": scores, "example_weights": weights}


def values_of(batch, config):
    return {metric.key.name: float(value) for metric, value in whole(batch, config)[()].items()}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("spread", SPREADS)
def test_values_are_those_of_scikit_learn(spread, weighted):
    rows = rows_of(spread, 20_000, weighted=weighted)
    found = values_of(batch_of(*rows), config_of(ALL))
    for metric, value in exact_values(*rows).items():
        assert found[metric] == pytest.approx(value, rel=1e-12, abs=1e-12), metric


@pytest.mark.parametrize("scores", [[1e300, -1e300, 5e-324, 0.0, -0.0, -5e-324], [2024 + 1e-9 * i for i in range(9)]])
def test_scores_of_any_size_and_however_close_are_told_apart(scores):
    labels, at = (RNG.random(500) < 0.4).astype(float), RNG.integers(0, len(scores), 500)
    score = np.array(scores)[at]
    value = values_of(batch_of(labels, score), config_of(asked("AUC", exact=True)))["auc"]
    assert value == pytest.approx(sk.roc_auc_score(labels, score), abs=1e-12)


def test_a_label_between_counts_as_both_in_part():
    labels, scores, weights = RNG.random(300), np.round(RNG.random(300), 2), RNG.lognormal(size=300)
    both = np.repeat([1.0, 0.0], 300), np.tile(scores, 2), np.concatenate([weights * labels, weights * (1 - labels)])
    found = values_of(batch_of(labels, scores, weights), config_of(ALL))
    for metric, value in exact_values(*both).items():
        assert found[metric] == pytest.approx(value, rel=1e-12, abs=1e-12), metric


def test_every_slice_has_its_own_distinct_scores():
    batch = hard_batch(3000)
    exact, group = asked("AUC", exact=True), np.array(batch["features"]["group"].to_pylist())
    found = whole(batch, config_of(exact + asked("AUC", name="usual"), EVERY_SLICE))  # beside a table of another size
    for key, values in found.items():
        inside = np.ones(3000, bool) if not key else group == key[0][1]
        if len(key) == 2:
            inside &= batch["features"]["level"].to_numpy() == key[1][1]
        (value,) = (value for metric, value in values.items() if metric.key.name == "auc")
        labels, scores, weights = (batch[name][inside] for name in ("labels", "predictions", "example_weights"))
        both = len(np.unique(labels)) == 2
        expected = sk.roc_auc_score(labels, scores, sample_weight=weights) if both else np.nan
        assert value == pytest.approx(expected, abs=1e-12, nan_ok=True), key


def test_bits_do_not_depend_on_how_a_split_is_cut_into_batches():
    rows = batch_of(*rows_of("logits", 9000, weighted=True))
    one = evaluated([(0, [rows])], config_of(ALL))[()]
    other = evaluated([(0, cut(rows, 10, 4000, 1, 999))], config_of(ALL))[()]
    assert [value.tobytes() for value in one.values()] == [value.tobytes() for value in other.values()]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
@example([-0.0, 0.0, 5e-324, -5e-324, 1.7976931348623157e308, -1.7976931348623157e308])
def test_keys_ascend_with_scores_and_tell_them(scores):
    ascending = np.unique(np.array(scores) + 0.0)
    keys = keys_of(ascending)
    assert (keys[1:] > keys[:-1]).all()
    np.testing.assert_array_equal(scores_of(keys), ascending)
    assert keys_of(np.array([-0.0])) == keys_of(np.array([0.0]))


@pytest.mark.parametrize("recall", [0.1, 0.5, 0.9, 1.0])
def test_above_the_threshold_of_a_recall_there_is_that_recall(recall):
    labels, scores = (RNG.random(400) < 0.4).astype(float), np.round(RNG.normal(size=400), 1)
    asks = asked("ThresholdAtRecall", recall=recall, exact=True)
    threshold = values_of(batch_of(labels, scores), config_of(asks))["threshold_at_recall"]
    reached = values_of(batch_of(labels, scores), config_of(asked("Recall", thresholds=[threshold])))["recall"]
    assert reached >= recall
    assert scores[labels == 1][scores[labels == 1] > threshold + 1e-9].size < recall * (labels == 1).sum()


@pytest.mark.parametrize("other", [{"num_thresholds": 200}, {"num_thresholds": 10_000}, {"thresholds": [0.5]}])
@pytest.mark.parametrize("metric", ["AUC", "AUCPrecisionRecall", "RecallAtPrecision", "ThresholdAtRecall"])
def test_other_thresholds_beside_all_of_them_are_refused(metric, other):
    (name,) = other
    with pytest.raises(EvalConfigError, match=f"exact keeps a threshold at each score, which excludes {name}"):
        metrics_of(config_of(asked(metric, exact=True, **other)))
    metrics_of(config_of(asked(metric, exact=False, **other)))


def test_exact_is_true_or_false():
    with pytest.raises(EvalConfigError, match="exact of AUC: expected true or false, found 'yes'"):
        metrics_of(config_of(asked("AUC", exact="yes")))


def frame_and_config(**settings):
    """Two models whose scores are years, told apart by their digits behind the point alone."""
    labels = (RNG.random(3000) < 0.3).astype(float)
    new, old = (2024 + RNG.random(3000) * 0.5 + 0.1 * k * labels for k in (3, 1))
    metric = {"class_name": "AUC", "config": {"exact": True, **settings}}
    models = [{"name": n, "label_key": "label", "prediction_key": n, "is_baseline": n == "old"} for n in ("new", "old")]
    config = {"model_specs": models, "metrics_specs": [{"metrics": [metric]}]}
    return pd.DataFrame({"label": labels, "new": new, "old": old}), config


def test_models_differ_by_the_difference_of_their_values(tmp_path):
    frame, config = frame_and_config()
    assay.analyze_raw_data(frame, config, output_path=tmp_path)
    found = {("change" if row.is_diff else row.model): row for row in assay.metrics_frame(tmp_path).itertuples()}
    new, old = (sk.roc_auc_score(frame.label, frame[name]) for name in ("new", "old"))
    assert found["new"].value == pytest.approx(new, abs=1e-12)
    assert found["change"].value == pytest.approx(new - old, abs=1e-12)
    assert assay.metrics_frame(tmp_path).error_bound.isna().all()


def test_the_gate_takes_a_value_for_what_it_is():
    frame, config = frame_and_config()
    value = sk.roc_auc_score(frame.label, frame.new)
    for bound, blessed in ((value - 1e-9, True), (value + 1e-9, False)):
        config["metrics_specs"][0]["metrics"][0]["threshold"] = {"value_threshold": {"lower_bound": bound}}
        verdict = assay.analyze_raw_data(frame, json.loads(json.dumps(config))).verdict
        assert (verdict.status == Status.BLESSED) == blessed
