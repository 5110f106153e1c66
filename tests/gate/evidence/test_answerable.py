"""Gates that no run could judge are told before it, by their path."""

import re

import pytest

from assay.errors import EvalConfigError
from assay.gate.evidence.answerable import refuse_unanswerable
from tests.gate.evidence.made_records import config, gate


def refused(threshold, asked=None, *, rubber_stamp=False):
    with pytest.raises(EvalConfigError) as caught:
        refuse_unanswerable(asked or config(), gate(threshold), rubber_stamp=rubber_stamp)
    return str(caught.value)


@pytest.mark.parametrize(
    ("threshold", "message"),
    [
        (
            {"metric": "binary_acuracy", "at_least": 0.5},
            "gate.thresholds[0].metric: no metric has the name 'binary_acuracy'; did you mean 'binary_accuracy'",
        ),
        ({"metric": "binary_accuracy", "at_least": 0.5, "model": "newer"}, "gate.thresholds[0]: nothing computes"),
        ({"metric": "binary_accuracy", "at_least": 0.5, "class_id": 2}, "gate.thresholds[0]: nothing computes"),
        ({"metric": "binary_accuracy", "at_least": 0.5, "model": "old"}, "gate.thresholds[0]: nothing computes"),
        ({"metric": "example_count", "at_least": 100}, "gate.thresholds[0].metric: example_count is no estimate"),
        (
            {"metric": "binary_accuracy", "at_least": 0.5, "slices": [{}, {"feature_keys": ["city"]}]},
            "gate.thresholds[0].slices[1]: no slicing spec makes slices of city",
        ),
    ],
)
def test_they_are_told_by_their_path(threshold, message):
    assert message in refused(threshold)


def test_evidence_needs_confidence_intervals():
    without = config(options={})
    assert refused({"metric": "binary_accuracy", "at_least": 0.5}, without).startswith(
        "gate.thresholds: they ask for evidence, and the eval config computes no confidence intervals; set options"
    )


@pytest.mark.parametrize("question", [{"not_worse": {}}, {"non_inferior": {"margin": 0.1}}])
def test_comparisons_need_a_baseline_except_in_a_first_run(question):
    alone = config(model_specs=[{"label_key": "label", "prediction_key": "new"}], metrics_specs=METRICS)
    asked = {"metric": "binary_accuracy", **question}
    (name,) = question
    assert refused(asked, alone).startswith(f"gate.thresholds[0].{name}: there is no baseline to compare with")
    refuse_unanswerable(alone, gate(asked), rubber_stamp=True)


METRICS = [{"metrics": [{"class_name": "BinaryAccuracy"}, {"class_name": "MeanPrediction"}]}]


def test_a_metric_without_a_better_side_needs_one_to_be_compared():
    asked = config(metrics_specs=[{"model_names": ["new", "old"], "metrics": [{"class_name": "MeanPrediction"}]}])
    wanted = {"metric": "mean_prediction", "not_worse": {}}
    assert re.search("add better: higher or better: lower", refused(wanted, asked))
    refuse_unanswerable(asked, gate({**wanted, "better": "lower"}), rubber_stamp=False)


def test_what_compares_models_already_has_no_change():
    metrics = [{"class_name": "BooleanFlipRates"}]
    asked = config(metrics_specs=[{"model_names": ["new", "old"], "metrics": metrics}])
    assert "use at_most or at_least" in refused({"metric": "flip_rate", "not_worse": {}}, asked)
    refuse_unanswerable(asked, gate({"metric": "flip_rate", "at_most": 0.1}), rubber_stamp=False)
