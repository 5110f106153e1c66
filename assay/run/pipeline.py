"""The four steps as transforms: Extracts in, evaluators after the extractors that they name, results out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import reduce
from typing import Any

import apache_beam as beam

from assay import types
from assay.errors import PipelineError
from assay.evaluators.merge import merge_evaluations
from assay.evaluators.validations import Validate
from assay.extractors.each_batch import EachBatch
from assay.extracts.contents import check_extracts, check_output
from assay.gate.found_slices import FoundThreshold
from assay.proto.config_pb2 import EvalConfig
from assay.types import (
    GATE_STAGE_NAME,
    LAST_EXTRACTOR_STAGE_NAME,
    WRITE_RESULTS_STAGE_NAME,
    Evaluation,
    Evaluator,
    Extractor,
    Extracts,
    Writer,
)

_OWN_STAGES = frozenset(value for name, value in vars(types).items() if name.endswith("_STAGE_NAME"))
"""Names of assay's own stages, whose contents need no check."""


def check_stages(
    extractors: Sequence[Extractor], evaluators: Sequence[Evaluator], writers: Sequence[Writer] = ()
) -> None:
    """Checks that stages fit together.

    Raises:
        PipelineError: two stages of one name, or a `run_after` that names no extractor.
    """
    stages: tuple[Extractor | Evaluator | Writer, ...] = (*extractors, *evaluators, *writers)
    names = [stage.stage_name for stage in stages]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PipelineError(f"two stages have the name {twice[0]!r}; rename one of them")
    extractor_names = [extractor.stage_name for extractor in extractors]
    for evaluator in evaluators:
        if evaluator.run_after and evaluator.run_after not in (*extractor_names, LAST_EXTRACTOR_STAGE_NAME):
            raise PipelineError(
                f"evaluator {evaluator.stage_name!r}: run_after names {evaluator.run_after!r}, which is not an "
                f"extractor; expected one of {extractor_names}, {LAST_EXTRACTOR_STAGE_NAME!r}, or '' for the Extracts "
                "as read"
            )


class ExtractAndEvaluate(beam.PTransform):
    """PCollection[Extracts] -> Evaluation. Each evaluator sees the Extracts exactly as its `run_after` left them.

    Args:
        extractors: run one after the other.
        evaluators: run beside them; outputs of one key are joined, see `merge_evaluations`.

    Raises:
        PipelineError: the stages do not fit together.
    """

    def __init__(self, extractors: Sequence[Extractor], evaluators: Sequence[Evaluator]) -> None:
        super().__init__()
        check_stages(extractors, evaluators)
        self._extractors, self._evaluators = extractors, evaluators

    def expand(self, extracts: beam.PCollection[Extracts]) -> Evaluation:
        states = {"": extracts}
        waited_for = {evaluator.run_after for evaluator in self._evaluators}
        for together in neighbours(self._extractors, waited_for):
            extracts = _extracted(extracts, together)
            states |= dict.fromkeys((extractor.stage_name for extractor in together), extracts)
        states[LAST_EXTRACTOR_STAGE_NAME] = extracts
        return merge_evaluations({e.stage_name: _evaluated(states[e.run_after or ""], e) for e in self._evaluators})


class Extract(beam.PTransform):
    """PCollection[Extracts] -> PCollection[Extracts]: extractors, one after the other."""

    def __init__(self, extractors: Sequence[Extractor]) -> None:
        super().__init__()
        self._extractors = extractors

    def expand(self, extracts: beam.PCollection[Extracts]) -> beam.PCollection[Extracts]:
        for together in neighbours(self._extractors, frozenset()):
            extracts = _extracted(extracts, together)
        return extracts


class Evaluate(beam.PTransform):
    """PCollection[Extracts] -> Evaluation, of one evaluator."""

    def __init__(self, evaluator: Evaluator) -> None:
        super().__init__()
        self._evaluator = evaluator

    def expand(self, extracts: beam.PCollection[Extracts]) -> Evaluation:
        return _evaluated(extracts, self._evaluator)


def neighbours(extractors: Sequence[Extractor], waited_for: AbstractSet[str]) -> list[list[Extractor]]:
    """Cuts extractors into runs that share a step: each works batch by batch, and no evaluator waits in between."""
    runs: list[list[Extractor]] = []
    for extractor in extractors:
        last = runs[-1][-1] if runs else None
        if last and last.stage_name not in waited_for and _by_batch(last) and _by_batch(extractor):
            runs[-1].append(extractor)
        else:
            runs.append([extractor])
    return runs


def _by_batch(extractor: Extractor) -> bool:
    return extractor.stage_name in _OWN_STAGES and isinstance(extractor.ptransform, EachBatch)


def _extracted(extracts: beam.PCollection[Extracts], together: Sequence[Extractor]) -> beam.PCollection[Extracts]:
    """Applies extractors; what one of the user's own leaves has to be fit for a checkpoint, in every shape of run."""
    stage_name = "+".join(extractor.stage_name for extractor in together)
    extracts = extracts | stage_name >> reduce(EachBatch.then, (extractor.ptransform for extractor in together))
    if together[0].stage_name in _OWN_STAGES:
        return extracts
    return extracts | f"Check({stage_name})" >> beam.Map(check_extracts, stage=stage_name).with_output_types(Extracts)


def _evaluated(extracts: beam.PCollection[Extracts], evaluator: Evaluator) -> Evaluation:
    """Applies an evaluator; likewise."""
    evaluation = extracts | evaluator.stage_name >> evaluator.ptransform
    if evaluator.stage_name in _OWN_STAGES or not isinstance(evaluation, Mapping):
        return evaluation
    return {
        key: output | f"Check({evaluator.stage_name}, {key})" >> beam.Map(check_output, evaluator.stage_name, key)
        for key, output in evaluation.items()
    }


class WriteResults(beam.PTransform):
    """Evaluation -> written files, by each of the writers."""

    def __init__(self, writers: Sequence[Writer]) -> None:
        super().__init__()
        check_stages((), (), writers)
        self._writers = writers

    def expand(self, evaluation: Evaluation) -> dict[str, Any]:
        return {stage_name: evaluation | stage_name >> transform for stage_name, transform in self._writers}


class ExtractEvaluateAndWriteResults(beam.PTransform):
    """PCollection[Extracts] -> written files: extractors, evaluators, the gate, writers.

    Args:
        eval_config: a resolved config, whose thresholds the gate applies.
        extractors: see `ExtractAndEvaluate`.
        evaluators: see `ExtractAndEvaluate`.
        writers: see `WriteResults`.
        rubber_stamp: let a model without a baseline pass its change thresholds.
        gate: thresholds that ask for evidence, as `assay.plan.gate_section` reads them; None for none.
        found: the threshold on found slices; None for none.
    """

    def __init__(
        self,
        *,
        eval_config: EvalConfig,
        extractors: Sequence[Extractor],
        evaluators: Sequence[Evaluator],
        writers: Sequence[Writer],
        rubber_stamp: bool = False,
        gate: Mapping[str, Any] | None = None,
        found: FoundThreshold | None = None,
    ) -> None:
        super().__init__()
        check_stages(extractors, evaluators, writers)
        self._evaluate = ExtractAndEvaluate(extractors, evaluators)
        self._gate = Validate(eval_config, rubber_stamp=rubber_stamp, gate=gate, found=found)
        self._write = WriteResults(writers)

    def expand(self, extracts: beam.PCollection[Extracts]) -> dict[str, Any]:
        evaluation = extracts | "ExtractAndEvaluate" >> self._evaluate
        evaluation = evaluation | GATE_STAGE_NAME >> self._gate
        written: dict[str, Any] = evaluation | WRITE_RESULTS_STAGE_NAME >> self._write
        return written
