"""The works of a checkpointed plan, one for each kind of task: what it makes, out of what, and what decides that."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

import apache_beam as beam

from assay.checkpoints import elements, pins
from assay.checkpoints.commit import new_attempt
from assay.checkpoints.manifest import Manifest, Shard, Step
from assay.checkpoints.transforms import Folder, ReadExtracts, WriteExtracts, WriteOutputs, read_output
from assay.engine.remote import Remote
from assay.evaluators.merge import merge_records
from assay.evaluators.validations import validate
from assay.gate.found_slices import found_threshold
from assay.plan.plan import Plan, Task
from assay.plan.tasks import extracts_from, runs_models
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.proto.validation_result_pb2 import ValidationResult
from assay.run.build import evaluators_of, extractors_of
from assay.run.call import Checkpoints
from assay.run.context import Context
from assay.run.inputs import check_inputs, check_models, input_files, wanted_of, with_files_named
from assay.run.judging import verdict_of
from assay.run.pipeline import Evaluate, Extract
from assay.run.reading import reader_of
from assay.storage.framing import framed
from assay.types import FOUND_SLICES_KEY, GATE_STAGE_NAME, METRICS_KEY, READ_INPUTS_STAGE_NAME, VALIDATIONS_KEY
from assay.verdict import Counts, total

Pipeline: TypeAlias = tuple[beam.PTransform, beam.PTransform]
"""A reader, and what is done with what it reads."""


@dataclass(frozen=True)
class TaskCall:
    """A call of one task of a checkpointed plan.

    Attributes:
        plan: with its parameters, and with the baseline that is blessed today where it asks for that.
        task: which of its tasks.
        before: the checkpoints of the tasks before it, by task.
        checkpoints: where they are, and the run that they are for.
        options: flags of Beam pipeline options.
        remote: how to treat a job on Dataflow.
        asked: digest of the plan as its record has it, of which the baseline that is blessed today is no part.
        noted: what reading notes for later tasks, beside the models.
    """

    plan: Plan
    task: Task
    before: Mapping[str, Manifest]
    checkpoints: Checkpoints
    options: tuple[str, ...]
    remote: Remote
    asked: str
    noted: Mapping[str, Any] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """Where all checkpoints lie."""
        return self.checkpoints.root

    @property
    def lineage(self) -> dict[str, Step]:
        """The steps of all tasks that the checkpoints before it came from, each once."""
        return {task: step for manifest in self.before.values() for task, step in manifest.lineage.items()}


class TaskOutput(NamedTuple):
    """What an attempt left in its folder."""

    shards: tuple[Shard, ...]
    counts: Counts
    verdict: Mapping[str, Any] | None = None


class Work(Protocol):
    """What a task makes, unless somebody has made it before."""

    @property
    def extra(self) -> Mapping[str, Any]:
        """What else decides what is made, beside settings and checkpoints.

        `files` or `models`: what each file of the inputs or models was; `run`: of a reader of the user's own, of which
        nobody knows what it reads, the run that it is read for.
        """

    @property
    def pinned(self) -> Mapping[str, Any]:
        """Fields of the manifest that are no part of what is made, but that later tasks rely on."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Keys of its outputs; none for Extracts."""


@runtime_checkable
class PipelineWork(Work, Protocol):
    """Work of Beam, which may run as a job somewhere else."""

    def pipeline(self, folder: Folder) -> Pipeline:
        """The pipeline that writes into the folder of an attempt; checks before that what it reads."""


@runtime_checkable
class SmallWork(Work, Protocol):
    """Work that needs no Beam."""

    def run(self, folder: Folder) -> TaskOutput:
        """Does it, and leaves its shards in the folder of an attempt."""


@dataclass(frozen=True)
class Reading:
    """The inputs as Extracts."""

    context: Context
    extra: Mapping[str, Any]
    pinned: Mapping[str, Any]
    outputs: tuple[str, ...] = ()

    def pipeline(self, folder: Folder) -> Pipeline:
        """All declared columns, so that the checkpoint serves other configs too."""
        check_inputs(self.context, everything=True)
        return reader_of(self.context, everything=True), WriteExtracts(folder)


def reading(call: TaskCall, context: Context) -> Reading:
    """Pins what is there now: files and models."""
    has_files = "factory" not in call.plan.inputs
    context = with_files_named(context) if has_files else context
    check_models(context)
    if has_files:
        extra: dict[str, Any] = {"files": pins.pinned_inputs(input_files(context))}
    else:
        extra = {"run": call.checkpoints.run or new_attempt()}
    models = pins.pinned_models(call.plan)
    return Reading(context, extra, {"models": models, **call.noted} if models or call.noted else {})


@dataclass(frozen=True)
class Extracting:
    """Extracts with more columns."""

    call: TaskCall
    context: Context
    extra: Mapping[str, Any]
    pinned: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()

    def pipeline(self, folder: Folder) -> Pipeline:
        """The task's extractors, one after the other."""
        call, source = self.call, _extracts_before(self.call)
        extract = Extract(extractors_of(self.context, call.task.stages))
        return ReadExtracts(call.root, source.task, source.shards), _Then(extract, WriteExtracts(folder))


def extracting(call: TaskCall, context: Context) -> Extracting:
    """Models have to be those that were pinned when the run began."""
    return Extracting(call, context, _pinned_models(call))


@dataclass(frozen=True)
class Evaluating:
    """The outputs of one evaluator."""

    call: TaskCall
    context: Context
    extra: Mapping[str, Any]
    outputs: tuple[str, ...]
    pinned: Mapping[str, Any] = field(default_factory=dict)

    def pipeline(self, folder: Folder) -> Pipeline:
        """Reads the columns that the evaluator needs, as far as that is known."""
        call, source = self.call, _extracts_before(self.call)
        stage = call.plan.stage(call.task.name)
        reader = ReadExtracts(call.root, source.task, source.shards, wanted_of(self.context, stage))
        (evaluator,) = evaluators_of(self.context, call.task.stages, again=reader)
        return reader, _Then(Evaluate(evaluator), WriteOutputs(folder, stage.name))


def evaluating(call: TaskCall, context: Context) -> Evaluating:
    """As `extracting`."""
    return Evaluating(call, context, _pinned_models(call), call.plan.stage(call.task.name).outputs)


@dataclass(frozen=True)
class Judging:
    """Validations and the verdict. The work is small, and needs no Beam."""

    call: TaskCall
    context: Context
    extra: Mapping[str, Any] = field(default_factory=dict)
    pinned: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[str, ...] = (VALIDATIONS_KEY,)

    def run(self, folder: Folder) -> TaskOutput:
        """Holds the metrics of all evaluators against the thresholds."""
        plan, config = self.call.plan, self.context.eval_config
        records = {
            name: list(read_output(self.call.root, name, manifest.shards, METRICS_KEY))
            for name, manifest in self.call.before.items()
        }
        merged, found = merge_records(METRICS_KEY, records), list(self._found())
        result = validate(
            merged,
            found,
            config=config.SerializeToString(),
            rubber_stamp=plan.rubber_stamp,
            gate=plan.gate,
            threshold=found_threshold(plan),
        )

        metrics = list(map(MetricsForSlice.FromString, merged))
        counts = total(step.counts for step in self.call.lineage.values())
        judged = verdict_of(
            plan,
            config,
            ValidationResult.FromString(result),
            lambda: metrics,
            lambda: next(iter(found), None),
            counts,
        )

        content = framed(elements.encode(result, GATE_STAGE_NAME, VALIDATIONS_KEY))
        shard = folder.store(".tfrecord", content, rows=1, output=VALIDATIONS_KEY)
        return TaskOutput((shard,), Counts(0), json.loads(judged.to_json()))

    def _found(self) -> Iterator[dict[str, Any]]:
        """The record of a search for slices, where the gate waits for one."""
        for name, manifest in self.call.before.items():
            yield from read_output(self.call.root, name, manifest.shards, FOUND_SLICES_KEY)


def _extracts_before(call: TaskCall) -> Manifest:
    return call.before[extracts_from(call.plan, call.task)]


def _pinned_models(call: TaskCall) -> dict[str, Any]:
    """The models that the task runs, as they were when the run began."""
    if not runs_models(call.plan, call.task):
        return {}
    pinned = call.before[READ_INPUTS_STAGE_NAME].models
    pins.check_models(call.plan, pinned)
    return {"models": {name: dict(files) for name, files in pinned.items()}}


class _Then(beam.PTransform):
    """One transform after the other."""

    def __init__(self, first: beam.PTransform, second: beam.PTransform) -> None:
        super().__init__()
        self._first, self._second = first, second

    def expand(self, values: Any) -> Any:
        return values | "Do" >> self._first | "Checkpoint" >> self._second
