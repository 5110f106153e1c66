"""How extractors, evaluators and writers fit together."""

import apache_beam as beam
import numpy as np
import pytest

from assay.engine.recovery import recover
from assay.errors import PipelineError
from assay.evaluators.analysis_table import AnalysisTableEvaluator
from assay.extractors.each_batch import EachBatch
from assay.proto.config_pb2 import EvalConfig
from assay.proto.metrics_for_slice_pb2 import MetricKey, MetricsForSlice
from assay.run.pipeline import ExtractAndEvaluate, ExtractEvaluateAndWriteResults, WriteResults, neighbours
from assay.types import (
    FEATURES_EXTRACTOR_STAGE_NAME,
    LABELS_EXTRACTOR_STAGE_NAME,
    LAST_EXTRACTOR_STAGE_NAME,
    SLICE_KEY_EXTRACTOR_STAGE_NAME,
    Evaluator,
    Extractor,
    Writer,
)
from tests.beam_runs import run


def adds(name):
    """An extractor that adds a key of its own name."""
    return Extractor(name, beam.Map(lambda extracts: {**extracts, name: np.arange(2)}))


class Keys(beam.PTransform):
    """An evaluator that puts out the keys that it saw."""

    def __init__(self, output):
        super().__init__()
        self._output = output

    def expand(self, extracts):
        return {self._output: extracts | beam.Map(lambda e: sorted(e))}


class Constant(beam.PTransform):
    def __init__(self, output, value):
        super().__init__()
        self._output, self._value = output, value

    def expand(self, extracts):
        return {self._output: extracts | beam.Map(lambda _, value: value, self._value)}


READ = {"features": np.arange(2)}


def test_an_evaluator_sees_exactly_what_the_extractor_of_its_run_after_left():
    evaluators = [
        Evaluator("AsRead", "", Keys("as read")),
        Evaluator("AfterA", "A", Keys("after A")),
        Evaluator("AfterB", "B", Keys("after B")),
        Evaluator("AtTheEnd", LAST_EXTRACTOR_STAGE_NAME, Keys("at the end")),
    ]
    assert run([READ], ExtractAndEvaluate([adds("A"), adds("B"), adds("C")], evaluators)) == {
        "as read": [["features"]],
        "after A": [["A", "features"]],
        "after B": [["A", "B", "features"]],
        "at the end": [["A", "B", "C", "features"]],
    }


def test_an_unknown_run_after_is_refused_when_the_pipeline_is_built():
    with pytest.raises(PipelineError, match=r"evaluator 'E': run_after names 'Z'.*\['A'\]"):
        ExtractAndEvaluate([adds("A")], [Evaluator("E", "Z", Keys("x"))])


def test_two_stages_of_one_name_are_refused():
    with pytest.raises(PipelineError, match="two stages have the name 'A'"):
        ExtractAndEvaluate([adds("A"), adds("A")], [])
    with pytest.raises(PipelineError, match="two stages have the name 'A'"):
        ExtractEvaluateAndWriteResults(
            eval_config=EvalConfig(), extractors=[adds("A")], evaluators=[], writers=[Writer("A", beam.Map(print))]
        )


def test_an_output_key_with_two_owners_is_refused():
    twice = [Evaluator(name, "", Keys("mine")) for name in ("E", "F")]
    with pytest.raises(PipelineError, match="output 'mine' has two owners, 'E' and 'F'"):
        run([READ], ExtractAndEvaluate([], twice))


def record(*names, rows=0):
    message = MetricsForSlice(rows=rows)
    for name in names:
        message.metric_keys_and_values.add(key=MetricKey(name=name)).value.double_value.value = 1.0
    return message.SerializeToString()


def test_metrics_of_several_evaluators_meet_by_slice():
    evaluators = [
        Evaluator("E", "", Constant("metrics", record("a", rows=5))),
        Evaluator("F", "", Constant("metrics", record("b"))),
    ]
    (merged,) = run([READ], ExtractAndEvaluate([], evaluators))["metrics"]
    message = MetricsForSlice.FromString(merged)
    assert [item.key.name for item in message.metric_keys_and_values] == ["a", "b"]
    assert message.rows == 5


def test_the_same_metric_of_two_evaluators_is_an_error_that_names_both():
    evaluators = [Evaluator(name, "", Constant("metrics", record("a"))) for name in ("E", "F")]
    with pytest.raises(Exception) as caught:  # noqa: PT011 - Beam wraps it
        run([READ], ExtractAndEvaluate([], evaluators))
    assert "'a' of one slice comes from both 'E' and 'F'" in str(recover(caught.value))


def test_each_writer_gets_the_whole_evaluation():
    class Sees(beam.PTransform):
        def expand(self, evaluation):
            return evaluation["x"] | beam.Map(lambda value, keys: (keys, value), sorted(evaluation))

    class Both(beam.PTransform):
        def expand(self, numbers):
            return {"x": numbers, "y": numbers} | WriteResults([Writer("W", Sees()), Writer("V", Sees())])

    assert run([1], Both()) == {"W": [(["x", "y"], 1)], "V": [(["x", "y"], 1)]}


def test_the_analysis_table_holds_the_final_extracts_without_private_keys():
    evaluator = AnalysisTableEvaluator(exclude=("A",))
    (table,) = run([{**READ, "_private": np.arange(2)}], ExtractAndEvaluate([adds("A"), adds("B")], [evaluator]))[
        "analysis"
    ]
    assert sorted(table) == ["B", "features"]


# What shares a step


def test_extractors_that_work_batch_by_batch_share_a_step_unless_an_evaluator_waits_between():
    features, labels, slices = (
        Extractor(name, EachBatch(dict))
        for name in (FEATURES_EXTRACTOR_STAGE_NAME, LABELS_EXTRACTOR_STAGE_NAME, SLICE_KEY_EXTRACTOR_STAGE_NAME)
    )
    own = Extractor("Own", beam.Map(dict))
    assert neighbours([features, labels, slices], set()) == [[features, labels, slices]]
    assert neighbours([features, labels, slices], {labels.stage_name}) == [[features, labels], [slices]]
    assert neighbours([features, own, slices], set()) == [[features], [own], [slices]]
