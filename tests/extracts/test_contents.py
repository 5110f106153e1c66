"""What may be handed on between stages."""

import numpy as np
import pyarrow as pa
import pytest

from assay.engine.recovery import recover
from assay.errors import PipelineError
from assay.extracts.contents import check_extracts, check_output
from assay.proto.config_pb2 import EvalConfig
from assay.run.pipeline import ExtractAndEvaluate
from assay.types import Evaluator, Extractor
from tests.beam_runs import run

GOOD = {
    "features": {"a": np.arange(3), "b": pa.array(["x", None, "y"]), "c": pa.array([[1], [], [2, 3]])},
    "predictions": {"m": {"out": np.zeros((3, 4), np.float32)}},
    "when": np.array(["2026-11-01"] * 3, "datetime64[D]"),
}


def test_columns_of_numpy_and_arrow_may_be_nested():
    assert check_extracts(GOOD, "S") is GOOD
    assert check_extracts({}, "S") == {}


@pytest.mark.parametrize(
    ("leaf", "message"),
    [
        (np.array([{}, {}, {}]), "features.z is an array of object"),
        ([1, 2, 3], "features.z is list"),
        (1.5, "features.z is float"),
        (np.float32(1), "features.z is float32"),
        (np.zeros(2), "features.z has 2 rows and features.a has 3"),
        (pa.chunked_array([[1, 2, 3]]), "features.z is ChunkedArray"),
        (np.ma.masked_array([1, 2, 3], mask=[True, False, False]), "features.z is a masked array"),
    ],
    ids=["objects", "list", "number", "scalar", "length", "chunks", "masked"],
)
def test_any_other_leaf_is_refused_with_its_stage_key_and_type(leaf, message):
    with pytest.raises(PipelineError, match=f"stage 'S': {message}"):
        check_extracts({"features": {"a": np.arange(3), "z": leaf}}, "S")


@pytest.mark.parametrize("value", [b"x", "text", None, True, 3, 0.5, [1, ["a"]], {"a": [1.0]}, EvalConfig(), GOOD])
def test_outputs_may_be_bytes_text_json_messages_and_extracts(value):
    assert check_output(value, "S", "out") is value


@pytest.mark.parametrize(
    ("value", "kind"), [((1, 2), "tuple"), ({1, 2}, "set"), (np.float32(1), "float32"), ([(1, 2)], "list with tuple")]
)
def test_any_other_output_is_refused_with_its_stage_key_and_type(value, kind):
    with pytest.raises(PipelineError, match=f"stage 'S': output 'out' has an element of type {kind}"):
        check_output(value, "S", "out")


def test_stages_of_ones_own_are_checked_when_they_run():
    import apache_beam as beam

    class Tuples(beam.PTransform):
        def expand(self, extracts):
            return {"out": extracts | beam.Map(lambda e: (1, 2))}

    lists = Extractor("Mine", beam.Map(lambda e: {**e, "list": [1, 2, 3]}))
    for extractors, evaluators, name in (
        ([lists], [Evaluator("E", "Mine", Tuples())], "Mine"),
        ([], [Evaluator("E", "", Tuples())], "E"),
    ):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - Beam wraps it
            run([GOOD], ExtractAndEvaluate(extractors, evaluators))
        error = recover(caught.value)
        assert isinstance(error, PipelineError)
        assert f"stage '{name}'" in str(error)
