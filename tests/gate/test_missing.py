"""A reason says which value is missing, the candidate's or the baseline's, and why; and shows nobody else's."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import assay
from assay.cli import main
from tests.wrong_calls import analysis

ROWS = pa.table(
    {
        "label": [0, 1, 0, 1],
        "new": [0.9, 0.1, 0.8, 0.2],
        "old": [0.1, 0.9, 0.2, 0.8],
        "w": [1.0, 2.0, 3.0, 4.0],
        "g": ["a", "a", "b", "b"],
    }
)
NEW = {"name": "new", "label_key": "label", "prediction_key": "new"}
OLD = {"name": "old", "label_key": "label", "prediction_key": "old", "is_baseline": True}
THIRD = {"name": "third", "label_key": "label", "prediction_key": "new"}
WEIGHT = {"example_weight_key": "w"}
ANY_CHANGE = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": -1}}
ANY_SHARE = {"change_threshold": {"direction": "LOWER_IS_BETTER", "relative": 9}}

ADD_OLD = (
    "auc [new{}]: the baseline 'old' has no value of it to compare with; "
    "add 'old' to model_names of the metrics spec that asks for it."
)
OTHER_WEIGHTS = (
    "auc [new{}]: the baseline 'old' has no value of it to compare with that is {}, only one that is {}; "
    "give both model specs an example_weight_key, or set example_weights of the metrics spec to {{unweighted: true}}."
)


def spec(threshold=None, **more):
    return {"metrics": [{"class_name": "AUC", **({"threshold": threshold} if threshold else {})}], **more}


def config(*specs, models=(NEW, OLD), **more):
    return {"model_specs": list(models), "metrics_specs": list(specs), **more}


CASES = {
    "of the candidate alone": (config(spec(ANY_CHANGE, model_names=["new"])), [ADD_OLD.format("")]),
    "as a share": (config(spec(ANY_SHARE, model_names=["new"])), [ADD_OLD.format("")]),
    "by name": (config(spec(thresholds={"auc": ANY_CHANGE}, model_names=["new"])), [ADD_OLD.format("")]),
    "beside another metric of the baseline": (
        config(
            spec(ANY_CHANGE, model_names=["new"]), {"model_names": ["old"], "metrics": [{"class_name": "MeanLabel"}]}
        ),
        [ADD_OLD.format("")],
    ),
    "of two candidates": (
        config(spec(ANY_CHANGE, model_names=["new", "third"]), models=(NEW, OLD, THIRD)),
        [ADD_OLD.format(""), ADD_OLD.format("").replace("[new", "[third")],
    ),
    "beside a candidate that is compared with nobody": (
        config(spec(ANY_CHANGE, model_names=["new"]), spec(model_names=["third"]), models=(NEW, OLD, THIRD)),
        [ADD_OLD.format("")],
    ),
    "with weights of the candidate alone": (
        config(spec(ANY_CHANGE), models=({**NEW, **WEIGHT}, OLD)),
        [OTHER_WEIGHTS.format(", weighted", "weighted", "unweighted")],
    ),
    "with weights of the baseline alone": (
        config(spec(ANY_CHANGE), models=(NEW, {**OLD, **WEIGHT})),
        [OTHER_WEIGHTS.format("", "unweighted", "weighted")],
    ),
    "with both weightings of the candidate": (
        config(
            spec(ANY_CHANGE, model_names=["new"], example_weights={"weighted": True, "unweighted": True}),
            spec(model_names=["old"], example_weights={"unweighted": True}),
            models=({**NEW, **WEIGHT}, {**OLD, **WEIGHT}),
        ),
        [OTHER_WEIGHTS.format(", weighted", "weighted", "unweighted")],
    ),
    "of what is no number": (
        config(
            {
                "metrics": [
                    {"class_name": "FalsePositiveFeatureSampler", "config": {"feature_key": "g", "sample_size": 1}}
                ],
                "thresholds": {"false_positive_feature_sampler": ANY_CHANGE},
            }
        ),
        ["false_positive_feature_sampler [new]: it has no change, because it is not one number."],
    ),
}


@pytest.mark.parametrize(("asked", "expected"), CASES.values(), ids=CASES)
def test_the_reason_names_what_a_change_lacks(asked, expected):
    verdict = assay.analyze_raw_data(ROWS, asked).verdict
    assert verdict.status == "NOT_BLESSED"
    assert sorted(reason.message for reason in verdict.reasons) == sorted(expected)
    assert {(reason.value, reason.baseline) for reason in verdict.reasons} == {(None, None)}


@pytest.mark.parametrize("case", ["of the candidate alone", "with weights of the candidate alone"])
def test_the_command_says_the_same_for_every_slice(case, tmp_path):
    asked, (message,) = CASES[case]
    pq.write_table(ROWS, tmp_path / "rows.parquet")
    call = {
        "files": "rows.parquet",
        "format": "parquet",
        "eval_config": {**asked, "slicing_specs": [{}, {"feature_keys": ["g"]}]},
    }
    (tmp_path / "analysis.json").write_text(json.dumps(analysis(call)))
    main(["run", str(tmp_path / "analysis.json"), "--quiet"])
    reasons = assay.load_verdict(tmp_path / "out").reasons
    assert [(reason.slice, reason.message, reason.baseline) for reason in reasons] == [
        (name, message, None) for name in ("Overall", "g=a", "g=b")
    ]


@pytest.mark.parametrize(
    ("models", "candidates"),
    [((NEW, OLD), ["new"]), ((OLD, NEW), ["new"]), ((NEW, THIRD, OLD), ["new", "third"])],
    ids=["candidate first", "baseline first", "two candidates"],
)
def test_a_change_that_fails_is_shown_with_the_value_of_the_baseline(models, candidates):
    rise = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": 0}}
    reasons = assay.analyze_raw_data(ROWS, config(spec(rise), models=models)).verdict.reasons
    # The scores of `old` rank all rows right, those of the others all wrong.
    assert [(r.model, r.value, r.baseline) for r in reasons] == [(name, -1.0, 1.0) for name in candidates]


def test_without_a_baseline_the_reason_says_so():
    from assay.config.resolved import parse_eval_config
    from assay.gate import validate as gate
    from assay.proto.metrics_for_slice_pb2 import MetricsForSlice

    asked = parse_eval_config({"model_specs": [{"label_key": "label"}], "metrics_specs": [spec(ANY_CHANGE)]})
    result = gate.validate([MetricsForSlice(rows=3)], asked)
    (failure,) = result.metric_validations_per_slice[0].failures
    assert failure.message == "There is no baseline to compare with: no model spec has is_baseline."
