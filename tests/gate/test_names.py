"""A threshold is for the values of its own metric, never for those of another one of the same name."""

import pyarrow as pa
import pytest

import assay
from tests.doors import DOORS, refusal_by

ROWS = pa.table(
    {
        "label": [0, 1, 0, 1],
        "new": [0.9, 0.1, 0.8, 0.2],
        "old": [0.1, 0.9, 0.2, 0.8],
        "age": [30, 40, 50, 60],
        "size": [1, 2, 3, 4],
        "w": [1.0, 0.0, 0.0, 0.0],
    }
)
NEW = {"name": "new", "label_key": "label", "prediction_key": "new"}
OLD = {"name": "old", "label_key": "label", "prediction_key": "old", "is_baseline": True}
BOTH = {"model_specs": [NEW, OLD]}
ONE = {"model_specs": [{**NEW, "example_weight_key": "w"}]}


def metric(class_name, threshold=None, **settings):
    return {"class_name": class_name, "config": settings, **({"threshold": threshold} if threshold else {})}


def mean(column, **more):
    return metric("Mean", feature_key_path=["features", column], **more)


def at_least(bound):
    return {"value_threshold": {"lower_bound": bound}}


M = {"name": "m"}
CLASHES = {
    "of two models": {**BOTH, "metrics_specs": [{"metrics": [metric("AUC", at_least(0.99), **M), mean("age", **M)]}]},
    "the other way round": {**BOTH, "metrics_specs": [{"metrics": [mean("age", **M), metric("Recall", **M)]}]},
    "in two specs": {
        **BOTH,
        "metrics_specs": [{"metrics": [mean("age", **M)]}, {"model_names": ["new"], "metrics": [metric("FPR", **M)]}],
    },
    "of one model with weights": {**ONE, "metrics_specs": [{"metrics": [metric("AUC", **M), mean("age", **M)]}]},
    "for a class": {
        **ONE,
        "metrics_specs": [
            {"binarize": {"class_ids": {"values": [0]}}, "metrics": [metric("AUC", **M)]},
            {"metrics": [mean("age", **M)]},
        ],
    },
    "of a usual name": {**BOTH, "metrics_specs": [{"metrics": [metric("AUC"), mean("age", name="auc")]}]},
    "of two columns": {
        **BOTH,
        "metrics_specs": [
            {"metrics": [mean("age", **M), mean("size", **M, example_weights_key_path=["features", "w"])]}
        ],
    },
}


@pytest.mark.parametrize("config", CLASHES.values(), ids=CLASHES)
def test_a_metric_with_the_name_of_a_column_s_is_refused_naming_both_and_the_cure(config, tmp_path):
    message = refusal_by("memory", ROWS, config, tmp_path)
    paths = [
        f"metrics_specs[{i}].metrics[{j}]"
        for i, spec in enumerate(config["metrics_specs"])
        for j, _ in enumerate(spec["metrics"])
    ]
    assert all(path in message for path in paths)
    assert "set another name in the config of one of them" in message


@pytest.mark.parametrize("door", DOORS)
def test_every_door_refuses_two_metrics_of_one_name(door, tmp_path):
    config = CLASHES["of two models"]
    assert "AUC has the name 'm', which is that of Mean of the column 'features.age'" in refusal_by(
        door, ROWS, config, tmp_path
    )


@pytest.mark.parametrize(
    ("bounds", "status"),
    [((45, 30), "BLESSED"), ((46, 30), "NOT_BLESSED"), ((45, 31), "NOT_BLESSED"), ((45.0, 29.5), "BLESSED")],
)
@pytest.mark.parametrize("models", [ONE, BOTH])
def test_a_column_s_mean_with_weights_and_the_one_without_have_thresholds_of_their_own(bounds, status, models):
    plain, weighted = bounds
    metrics = [
        {**mean("age"), "threshold": at_least(plain)},
        {**mean("age", example_weights_key_path=["features", "w"]), "threshold": at_least(weighted)},
    ]
    verdict = assay.analyze_raw_data(ROWS, {**models, "metrics_specs": [{"metrics": metrics}]}).verdict
    assert verdict.status == status
    assert [check.met for check in verdict.checks] == [1, 1]
