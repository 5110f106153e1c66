import importlib
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that

from assay.engine.recovery import recover
from assay.errors import ModelError, PipelineError
from assay.extractors.predictions import PredictionsExtractor, predict
from assay.models.model import ModelRef, load


@pytest.fixture(autouse=True)
def functions_on_path(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "models"))


def model(name, function, **args):
    return ModelRef(name, f"model_functions:{function}", "callable", args=args)


def batch(start, stop):
    return {"features": {"x": np.arange(start, stop, dtype=np.float64)}, "labels": np.zeros(stop - start)}


def loaded(*refs):
    return {ref.name: load(ref) for ref in refs}


def test_predictions_of_one_model_are_a_column_and_the_batch_is_not_changed():
    given = batch(0, 3)
    result = predict(given, loaded(model("", "doubled")))
    assert result["predictions"].tolist() == [0, 2, 4]
    assert result["labels"] is given["labels"]
    assert set(given) == {"features", "labels"}


def test_predictions_of_two_models_are_a_dict_by_name():
    models = loaded(model("candidate", "doubled"), model("baseline", "scaled", scale=3))
    result = predict(batch(0, 2), models)["predictions"]
    assert {name: column.tolist() for name, column in result.items()} == {"candidate": [0, 2], "baseline": [0, 3]}


def test_a_prediction_key_picks_one_of_several_outputs():
    models = loaded(model("m", "two_outputs"), model("n", "two_outputs"), model("o", "doubled"))
    result = predict(batch(1, 2), models, {"m": "b", "o": "ignored: there is but one output"})["predictions"]
    assert result["m"].tolist() == [[1, -1]]
    assert set(result["n"]) == {"a", "b"}
    assert result["o"].tolist() == [2]


def test_an_output_for_each_class_is_a_prediction_of_several_classes():
    models = loaded(model("m", "three_flat_outputs"))
    result = predict(batch(1, 3), models, {"m": ("c", "a", "b")})["predictions"]
    assert result.tolist() == [[3, 1, 2], [6, 2, 4]]
    with pytest.raises(ModelError, match="output 'b' has 2 values a row; expected one"):
        predict(batch(1, 3), loaded(model("m", "two_outputs")), {"m": ("a", "b")})
    with pytest.raises(ModelError, match=r"has no output 'x' \(its prediction_keys\); it has a, b"):
        predict(batch(1, 3), loaded(model("m", "two_outputs")), {"m": ("a", "x")})
    with pytest.raises(ModelError, match="one output without a name, and prediction_keys names a, b"):
        predict(batch(1, 3), loaded(model("m", "doubled")), {"m": ("a", "b")})


def test_outputs_go_by_the_names_that_the_config_gives_them():
    models = loaded(model("m", "two_outputs"), model("o", "doubled"))
    keys = {"m": {"click": "b", "buy": "a"}, "o": {"only": "whatever it is called"}}
    result = predict(batch(1, 2), models, keys)["predictions"]
    assert list(result["m"]) == ["click", "buy"]
    assert result["m"]["click"].tolist() == [[1, -1]]
    assert result["o"]["only"].tolist() == [2]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("two_outputs", r"model 'm' has no output 'c' \(its prediction_keys\['x'\]\); it has a, b"),
        ("doubled", r"model 'm' has one output without a name, and prediction_keys names c, d"),
    ],
)
def test_names_for_outputs_that_are_not_there_are_refused(name, message):
    with pytest.raises(ModelError, match=message):
        predict(batch(0, 1), loaded(model("m", name)), {"m": {"x": "c", "y": "d"}})


def test_a_prediction_key_without_an_output_is_refused():
    with pytest.raises(ModelError, match=r"model 'm' has no output 'c' \(its prediction_key\); it has a, b"):
        predict(batch(0, 1), loaded(model("m", "two_outputs")), {"m": "c"})


def _predicts(expected):
    def check(batches):
        assert sorted(b["predictions"].tolist() for b in batches) == expected

    return check


def test_the_extractor_predicts_every_batch_of_a_pipeline_and_loads_once():
    model_functions = importlib.import_module("model_functions")
    model_functions.made.clear()
    extractor = PredictionsExtractor([model("m", "scaled", scale=7)])
    assert extractor.stage_name == "ExtractPredictions"
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        batches = pipeline | beam.Create([batch(0, 2), batch(2, 3), batch(3, 3)])
        assert_that(batches | extractor.stage_name >> extractor.ptransform, _predicts([[], [0, 7], [14]]))
    assert len(model_functions.made) == 1


def test_an_error_of_a_model_keeps_its_kind_and_text_through_the_pipeline():
    pipeline = beam.Pipeline(runner=FnApiRunner())
    extractor = PredictionsExtractor([model("m", "too_few")])
    pipeline | beam.Create([batch(0, 2)]) | extractor.stage_name >> extractor.ptransform
    with pytest.raises(Exception, match="returned 1 predictions for 2 rows") as raised:
        pipeline.run()
    assert isinstance(recover(raised.value), ModelError)


def test_a_prediction_key_without_a_model_name_is_that_of_the_only_model():
    extractor = PredictionsExtractor([model("m", "two_outputs")], {"": "b"})
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        predicted = pipeline | beam.Create([batch(1, 2)]) | extractor.stage_name >> extractor.ptransform
        assert_that(predicted, _predicts([[[1, -1]]]))


@pytest.mark.parametrize(
    ("models", "keys", "message"),
    [
        ([], {}, "no model to run"),
        ([model("m", "doubled"), model("m", "scaled", scale=1)], {}, "two models are named 'm'"),
        ([model("m", "doubled")], {"n": "score"}, "prediction key for model 'n'; there are m"),
    ],
)
def test_models_that_do_not_fit_together_are_refused_when_the_pipeline_is_built(models, keys, message):
    with pytest.raises(PipelineError, match=message):
        PredictionsExtractor(models, keys)


def test_a_column_in_arrow_is_predicted_as_one_in_numpy():
    extracts = {"features": {"x": pa.array([1, 2, None])}}
    np.testing.assert_array_equal(predict(extracts, loaded(model("m", "doubled")))["predictions"], [2, 4, np.nan])
