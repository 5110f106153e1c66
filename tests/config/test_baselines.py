"""The baseline is told in two places, its model and its model spec, which must say the same."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import assay
from assay.config.baselines import has_baseline_model
from assay.config.resolved import parse_eval_config
from assay.errors import ConfigError
from assay.models.model import ModelRef
from tests.doors import OF_FILES, refusal_by

ROWS = pa.table({"label": [0, 1, 0, 1], "good": [0.1, 0.9, 0.2, 0.8], "bad": [0.9, 0.1, 0.8, 0.2]})
RISE = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": 0}}


def good(features):
    return features["good"]


def bad(features):
    return features["bad"]


def spec(name, *, is_baseline=False, **more):
    return {"name": name, "label_key": "label", **({"is_baseline": True} if is_baseline else {}), **more}


def model(name, *, baseline=False, function="good"):
    uri = f"tests.config.test_baselines:{function}"
    return {"name": name, "type": "callable", "uri": uri, **({"baseline": True} if baseline else {})}


def config(*specs, threshold=RISE):
    return {"model_specs": specs, "metrics_specs": [{"metrics": [{"class_name": "AUC", "threshold": threshold}]}]}


NO_SPEC = "found true, but no model spec has is_baseline: true; add the model spec {name: k, is_baseline: true}"
DISAGREE = {
    "only the spec": (
        [model("m"), model("k")],
        [spec("m"), spec("k", is_baseline=True)],
        "models[1].baseline: expected what the model spec 'k' says, found false here and is_baseline: true there; "
        "set both to true, or neither",
    ),
    "only the model": (
        [model("m"), model("k", baseline=True)],
        [spec("m"), spec("k")],
        "models[1].baseline: expected what the model spec 'k' says, found true here and is_baseline: false there; "
        "set both to true, or neither",
    ),
    "one another": (
        [model("m", baseline=True), model("k")],
        [spec("m"), spec("k", is_baseline=True)],
        "models[0].baseline: expected what the model spec 'm' says, found true here and is_baseline: false there",
    ),
    "of three, only the spec": (
        [model("m"), model("n"), model("k")],
        [spec("m"), spec("n"), spec("k", is_baseline=True)],
        "models[2].baseline: expected what the model spec 'k' says, found false here",
    ),
    "a model without a spec": ([model("m"), model("k", baseline=True)], [spec("m")], f"models[1].baseline: {NO_SPEC}"),
    "no specs": ([model("m"), model("k", baseline=True)], [], f"models[1].baseline: {NO_SPEC}"),
    "another name": (
        [model("m"), model("kk")],
        [spec("m"), spec("k", is_baseline=True)],
        "models[1].name: no model spec is named 'kk', and no model is named 'k' as the model spec with is_baseline",
    ),
}


@pytest.mark.parametrize("threshold", [RISE, {"value_threshold": {"lower_bound": 0.5}}], ids=["change", "value"])
@pytest.mark.parametrize(("models", "specs", "message"), DISAGREE.values(), ids=DISAGREE)
def test_the_two_places_must_agree_and_the_message_says_which_says_what(models, specs, message, threshold):
    roles = {one["name"]: one.get("baseline", False) for one in models}
    with pytest.raises(ConfigError) as error:
        has_baseline_model(parse_eval_config(config(*specs, threshold=threshold)), roles)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize("door", OF_FILES)
@pytest.mark.parametrize("case", ["only the spec", "only the model", "another name"])
def test_every_door_says_so(door, case, tmp_path):
    models, specs, message = DISAGREE[case]
    assert message in refusal_by(door, ROWS, config(*specs), tmp_path, models=models)


@pytest.mark.parametrize(
    ("models", "specs", "expected"),
    [
        ({}, [spec("m"), spec("k", is_baseline=True)], None),
        ({"m": False, "k": True}, [spec("m"), spec("k", is_baseline=True)], True),
        ({"m": False, "k": True}, [spec("")], True),  # one spec is copied for the baseline
        ({"m": False}, [spec("m"), spec("k", is_baseline=True)], False),  # a first run
        ({"other": False}, [spec("m"), spec("k", is_baseline=True)], False),
        ({"m": False, "k": False}, [spec("m"), spec("k")], False),
        ({"m": False}, [spec("m"), spec("k", is_baseline=True, prediction_key="bad")], False),
    ],
)
def test_where_they_agree_the_models_decide(models, specs, expected):
    assert has_baseline_model(parse_eval_config(config(*specs)), models) is expected


def test_the_cure_gives_the_change_from_the_baseline(tmp_path):
    pq.write_table(ROWS, tmp_path / "rows.parquet")
    result = assay.run_model_analysis(
        config(spec("m"), spec("k", is_baseline=True)),
        data_location=tmp_path / "rows.parquet",
        file_format="parquet",
        columns=["label", "good", "bad"],
        models=[ModelRef(**model("m")), ModelRef(**model("k", baseline=True, function="bad"))],
    )
    (check,) = result.verdict.checks
    assert (result.verdict.status, check.value) == ("BLESSED", 1.0)  # from 0, all wrong, to 1, all right
