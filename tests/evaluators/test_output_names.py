"""Metrics of an output: of one that the predictions have under that name, and of no other one."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import assay
from assay.errors import EvalConfigError, MissingColumnError
from assay.models.model import ModelRef
from tests.doors import DOORS, frame_by, refusal_by

TABLE = pa.table(
    {"label": [0, 1, 0, 1], "score": [0.2, 0.4, 0.6, 0.8], "other": [0.1, 0.1, 0.1, 0.3], "w": [1.0, 2.0, 3.0, 4.0]}
)
ONE = {"label_key": "label", "prediction_key": "score"}
TWO = {"label_key": "label", "prediction_keys": {"click": "score", "buy": "other"}}


def config(outputs, metric="MeanPrediction", models=(ONE,), **spec):
    metrics_spec = {"output_names": outputs, "metrics": [{"class_name": metric}], **spec}
    return {"model_specs": list(models), "metrics_specs": [metrics_spec]}


@pytest.mark.parametrize("metric", ["MeanPrediction", "AUC", "MeanLabel", "ExampleCount"])
@pytest.mark.parametrize("outputs", [["click", "buy"], ["score"], ["click"]])
def test_one_prediction_column_is_no_output_with_a_name(metric, outputs):
    with pytest.raises(EvalConfigError) as error:
        assay.analyze_raw_data(TABLE, config(outputs, metric))
    cure = f"name its outputs in prediction_keys, such as {{{outputs[0]}: score}}, or remove output_names"
    wrong = f"metrics_specs[0].output_names[0]: found {outputs[0]!r}, but model_specs[0] has no outputs with names"
    assert str(error.value).startswith(wrong)
    assert str(error.value).endswith(cure)


@pytest.mark.parametrize("metric", ["MeanPrediction", "MeanLabel", "ExampleCount"])
def test_an_output_that_no_prediction_key_has_comes_with_the_near_one(metric):
    with pytest.raises(EvalConfigError, match=r"^metrics_specs\[0\].output_names\[1\]: .*'clik' .*mean 'click'"):
        assay.analyze_raw_data(TABLE, config(["buy", "clik"], metric, [TWO]))


def test_every_model_of_a_metrics_spec_has_its_outputs():
    models = [{**TWO, "name": "new"}, {**ONE, "name": "old", "is_baseline": True}]
    with pytest.raises(EvalConfigError, match=r"output_names\[0\]: .*model_specs\[1\] has no outputs"):
        assay.analyze_raw_data(TABLE, config(["click"], models=models))
    result = assay.analyze_raw_data(TABLE, config(["click"], models=models, model_names=["new"]))
    assert result.slicing_metrics[0][1]["click"][""]["mean_prediction"]["doubleValue"] == pytest.approx(0.5)


@pytest.mark.parametrize("door", DOORS)
def test_every_door_refuses_outputs_of_one_prediction_column(door, tmp_path):
    message = refusal_by(door, TABLE, config(["click", "buy"]), tmp_path)
    assert "metrics_specs[0].output_names[0]: found 'click', but model_specs[0] has no outputs" in message


@pytest.mark.parametrize("door", DOORS)
def test_every_door_computes_each_output_from_its_own_column(door, tmp_path):
    frame = frame_by(door, TABLE, config(["click", "buy"], models=[TWO]), tmp_path)
    assert dict(zip(frame["output"], frame["value"], strict=True)) == pytest.approx({"click": 0.5, "buy": 0.15})


def test_what_the_cure_says_gives_the_values_of_the_column():
    named = {"label_key": "label", "prediction_keys": {"click": "score"}, "example_weight_key": "w"}
    result = assay.analyze_raw_data(TABLE, config(["click"], models=[named]))
    expected = np.average([0.2, 0.4, 0.6, 0.8], weights=[1, 2, 3, 4])
    assert result.slicing_metrics[0][1]["click"][""]["mean_prediction"]["doubleValue"] == pytest.approx(expected)


# ---- of models that are run ----

MODELS = {
    "one array": "tests.evaluators.test_output_names:one",
    "a dict of one": "tests.evaluators.test_output_names:named",
    "two": "tests.evaluators.test_output_names:two",
}


def one(features):
    return features["score"]


def named(features):
    return {"click": features["score"]}


def two(features):
    return {"click": features["score"], "buy": features["other"]}


@pytest.mark.parametrize("metric", ["MeanPrediction", "MeanLabel", "ExampleCount"])
@pytest.mark.parametrize("kind", MODELS)
def test_a_model_that_has_no_such_output_is_refused(kind, metric, tmp_path):
    pq.write_table(TABLE, tmp_path / "rows.parquet")
    asked = config(["gone"], metric, [{"label_key": "label"}])
    with pytest.raises(MissingColumnError, match=r"output 'gone'; there .*set prediction_keys of the model spec"):
        assay.run_model_analysis(
            asked,
            data_location=tmp_path / "rows.parquet",
            file_format="parquet",
            columns=["label", "score", "other"],
            models=[ModelRef(name="m", uri=MODELS[kind], type="callable")],
        )


@pytest.mark.parametrize("kind", MODELS)
def test_an_output_that_prediction_keys_names_is_that_of_the_model(kind, tmp_path):
    pq.write_table(TABLE, tmp_path / "rows.parquet")
    asked = config(["click"], models=[{"label_key": "label", "prediction_keys": {"click": "click"}}])
    result = assay.run_model_analysis(
        asked,
        data_location=tmp_path / "rows.parquet",
        file_format="parquet",
        columns=["label", "score", "other"],
        models=[ModelRef(name="m", uri=MODELS[kind], type="callable")],
    )
    assert result.slicing_metrics[0][1]["click"][""]["mean_prediction"]["doubleValue"] == pytest.approx(0.5)


@pytest.mark.parametrize("door", DOORS)
def test_the_mean_over_outputs_has_no_output_name(door, tmp_path):
    weights = {"click": 1, "buy": 3}
    frame = frame_by(door, TABLE, config(["click", "buy"], models=[TWO], output_weights=weights), tmp_path)
    values = dict(zip(frame["output"], frame["value"], strict=True))
    assert values == pytest.approx({"click": 0.5, "buy": 0.15, "": (0.5 + 3 * 0.15) / 4})


def test_the_mean_over_outputs_has_intervals_differences_and_thresholds():
    models = [{**TWO, "name": "new"}, {**TWO, "name": "old", "is_baseline": True}]
    asked = config(["click", "buy"], models=models, output_weights={"click": 1, "buy": 1})
    asked["metrics_specs"][0]["metrics"][0]["threshold"] = {"value_threshold": {"lower_bound": 0.325 - 1e-9}}
    asked["metrics_specs"][0]["metrics"].append({"class_name": "ExampleCount"})  # which has no interval
    asked["options"] = {"compute_confidence_intervals": True}
    result = assay.analyze_raw_data(TABLE, asked)
    of_mean = result.slicing_metrics[0][1][""][""]
    assert of_mean["mean_prediction"]["boundedValue"]["value"] == pytest.approx(0.325)
    assert of_mean["mean_prediction_diff"]["boundedValue"]["value"] == 0


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"click": 1, "other": 1}, r"output_weights\['other'\]: expected one of output_names .* 'click', 'buy'"),
        ({"click": -1}, r"output_weights\['click'\]: expected a weight of 0 or more"),
        ({"click": 0}, "output_weights: expected a weight above 0"),
    ],
)
def test_weights_that_have_no_mean_are_refused(weights, message):
    with pytest.raises(EvalConfigError, match=message):
        assay.analyze_raw_data(TABLE, config(["click", "buy"], models=[TWO], output_weights=weights))
