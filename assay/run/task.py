"""Tasks of a checkpointed plan: what each reads, whether it has to work at all, what it leaves."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import apache_beam as beam

import assay
from assay import storage
from assay.checkpoints import digests, elements, pins
from assay.checkpoints.commit import commit, fault_of, find, is_being_cleared, load, new_attempt
from assay.checkpoints.heartbeat import alive
from assay.checkpoints.layout import manifest_place, name_in_run
from assay.checkpoints.manifest import Manifest, Step, root_of, total
from assay.checkpoints.runs import lease
from assay.checkpoints.transforms import (
    Folder,
    ReadExtracts,
    ReadOutput,
    WriteExtracts,
    WriteOutputs,
    listed,
    read_output,
)
from assay.engine.remote import Remote
from assay.engine.runner import run_pipeline
from assay.errors import AssayError, CheckpointError, MissingFileError, PipelineError, TransientError
from assay.evaluators.merge import merge_evaluations, merge_records
from assay.evaluators.validations import validate
from assay.gate import validate as gate
from assay.plan import blessed
from assay.plan.as_json import digest
from assay.plan.plan import EXTRACT, GATE, READ_INPUTS, WRITE_RESULTS, Plan, Task
from assay.plan.tasks import extracts_from, kind_of, runs_models
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.proto.validation_result_pb2 import ValidationResult
from assay.run import dataflow, publishing
from assay.run.build import evaluators_of, extractors_of, writers_of
from assay.run.call import Checkpoints
from assay.run.context import Context, context_of
from assay.run.outcome import StageResult
from assay.run.pipeline import Evaluate, Extract, WriteResults
from assay.run.reading import check_inputs, check_models, input_files, reader_of, wanted_of, with_files_named
from assay.run.writing import results_written
from assay.storage.framing import framed
from assay.types import GATE_STAGE_NAME, METRICS_KEY, READ_INPUTS_STAGE_NAME, VALIDATIONS_KEY, Evaluation
from assay.verdict import Counts, Verdict


def run_task(
    plan: Plan, task: Task, checkpoints: Checkpoints, options: Sequence[str] = (), remote: Remote | None = None
) -> StageResult:
    """Runs a task, or finds that there is nothing to do; see `assay.run.stage.run_stage`."""
    run = _Run(plan, task, checkpoints, tuple(options), remote or Remote(), digest(plan))
    before = {name: run.given(name) for name in task.after}
    if not blessed.place_of(plan):
        return run.result(before)
    baseline = before[READ_INPUTS_STAGE_NAME].baseline if before else blessed.today(plan)
    return replace(run, plan=blessed.with_baseline(plan, baseline), noted={"baseline": baseline}).result(before)


@dataclass(frozen=True)
class _Run:
    """One task of a checkpointed plan."""

    plan: Plan
    task: Task
    checkpoints: Checkpoints
    options: tuple[str, ...]
    remote: Remote
    asked: str
    """Digest of the plan as its record has it, of which the baseline that is blessed today is no part."""
    noted: Mapping[str, Any] = field(default_factory=dict)
    """What reading notes for later tasks, beside the models."""

    @property
    def root(self) -> str:
        return self.checkpoints.root

    def result(self, before: Mapping[str, Manifest]) -> StageResult:
        """Does what is left to do."""
        kind, context = kind_of(self.plan, self.task), context_of(self.plan)
        if kind == WRITE_RESULTS:
            return self._published(context, before)
        if kind == READ_INPUTS and "factory" not in self.plan.inputs:
            context = with_files_named(context)
        extra = self._extra(kind, context, before)
        contents = {name: manifest.content for name, manifest in before.items()}
        content = digests.content_digest(self.plan, self.task, contents, extra)
        models = pins.pinned_models(self.plan) if kind == READ_INPUTS else {}
        pinned = {"models": models, **self.noted} if kind == READ_INPUTS and (models or self.noted) else {}
        digest = digests.digest_of({"content": content, **pinned}) if pinned else content
        self._lease(digest, content)
        found = find(self.root, self.task.name, digest)
        kept = found or (find(self.root, self.task.name, content) if digest != content else None)
        manifest = kept or self._content(kind, context, before, content, extra)
        if found is None and digest != content:
            manifest = commit(self.root, _pinning(manifest, digest, pinned))
        return self._result(manifest, reused=kept is not None)

    def _lease(self, *found: str) -> None:
        """Keeps from being cleared away what is found from now on, before a record does."""
        if self.checkpoints.run:
            places = [manifest_place(self.root, self.task.name, digest) for digest in found]
            used = (*self.checkpoints.inputs.values(), *places)
            name = name_in_run(self.task.name, self.asked)
            lease(self.root, self.checkpoints.run, name, used, self.checkpoints.stored_plan)

    def _result(self, manifest: Manifest, *, reused: bool) -> StageResult:
        return StageResult(
            task=self.task.name,
            kind=manifest.kind,
            manifest=manifest_place(self.root, self.task.name, manifest.digest),
            digest=manifest.digest,
            counts=asdict(manifest.counts),
            rows=manifest.rows,
            reused=reused,
            verdict=manifest.verdict["status"] if manifest.verdict else "",
        )

    def given(self, name: str) -> Manifest:
        """The checkpoint of a task before this one, as the caller names it."""
        place = self.checkpoints.inputs.get(name)
        if place is None:
            raise PipelineError(f"task {self.task.name!r}: expected the manifest of {name}: --input {name}=URI")
        if root_of(place) != self.root.rstrip("/") or place.split("/")[-3] != name:
            raise CheckpointError(f"--input {name}: expected a manifest of {name} under {self.root}, found {place}")
        try:
            manifest = load(place)
        except MissingFileError as error:
            raise CheckpointError(f"--input {name}: there is no manifest at {place}; run {name} first") from error
        except CheckpointError as error:
            raise TransientError(f"--input {name}: {error}; run {name} again, then this stage") from error
        if is_being_cleared(self.root, manifest):
            raise TransientError(f"--input {name}: {place} is being cleared away; run {name} again, then this stage")
        return manifest

    def _extra(self, kind: str, context: Context, before: Mapping[str, Manifest]) -> dict[str, Any]:
        """What else decides what the task makes: the files that it reads, the models that it runs."""
        if kind == READ_INPUTS:
            check_models(context)
            if "factory" in self.plan.inputs:  # nobody knows what a reader of the user's own reads
                return {"run": self.checkpoints.run or new_attempt()}
            return {"files": pins.pinned_inputs(input_files(context))}
        if runs_models(self.plan, self.task):
            pinned = before[READ_INPUTS_STAGE_NAME].models
            pins.check_models(self.plan, pinned)
            return {"models": {name: dict(files) for name, files in pinned.items()}}
        return {}

    def _content(
        self, kind: str, context: Context, before: Mapping[str, Manifest], content: str, extra: Mapping[str, Any]
    ) -> Manifest:
        """The checkpoint: made and committed, or that of another attempt that was quicker."""
        if kind != GATE and dataflow.is_chosen(self.options):
            return self._content_by_job(kind, context, before, content, extra)
        started, attempt = time.time(), new_attempt()
        folder = self._folder(content, attempt)
        with alive(folder.place), _discarding(folder):
            made = self._judged(context, before, folder) if kind == GATE else self._piped(kind, context, before, folder)
            self._check_pins(kind, extra)
            facts = {"inputs": extra.get("files", {}), **made}
            manifest = commit(self.root, self._manifest(kind, before, content, attempt, started, facts))
        if manifest.attempt != attempt:
            _discard(folder)
        return manifest

    def _content_by_job(
        self, kind: str, context: Context, before: Mapping[str, Manifest], content: str, extra: Mapping[str, Any]
    ) -> Manifest:
        """The same by a job on Dataflow, which goes on if this process dies: what it writes is left alone."""
        dataflow.check_place("--root", self.root)
        inputs = {"inputs": extra.get("files", {})}

        def pipeline(attempt: str) -> tuple[beam.PTransform, beam.PTransform]:
            if kind == READ_INPUTS:
                check_inputs(context, everything=True)
            return self._pipeline(kind, context, before, self._folder(content, attempt))

        def made(attempt: str, counts: Counts, started: float) -> Manifest:
            facts = {**inputs, "shards": listed(self._folder(content, attempt)), "counts": counts}
            return self._manifest(kind, before, content, attempt, started, facts)

        def is_whole(attempt: str) -> bool:
            try:
                return fault_of(self.root, made(attempt, Counts(0), 0.0)) is None
            except MissingFileError:
                return False

        digest = dataflow.digest_with_root(self.root, self.task.name, content)
        work = dataflow.Work(task=self.task.name, digest=digest, pipeline=pipeline, is_whole=is_whole)
        done = dataflow.run(work, self.options, self.remote)
        self._check_pins(kind, extra)
        manifest = commit(self.root, made(done.attempt, done.counts, done.started))
        if manifest.attempt != done.attempt:
            _discard(self._folder(content, done.attempt))
        return manifest

    def _folder(self, content: str, attempt: str) -> Folder:
        return Folder(self.root, self.task.name, f"{content}/{attempt}")

    def _piped(self, kind: str, context: Context, before: Mapping[str, Manifest], folder: Folder) -> dict[str, Any]:
        """Shards and counts of a task that is a Beam job."""
        if kind == READ_INPUTS:
            check_inputs(context, everything=True)
        counts = run_pipeline(*self._pipeline(kind, context, before, folder), self.options)
        return {"shards": listed(folder), "counts": counts}

    def _pipeline(
        self, kind: str, context: Context, before: Mapping[str, Manifest], folder: Folder
    ) -> tuple[beam.PTransform, beam.PTransform]:
        """The reader, and what is done with what it reads."""
        if kind == READ_INPUTS:
            return reader_of(context, everything=True), WriteExtracts(folder)
        source = before[extracts_from(self.plan, self.task)]
        if kind == EXTRACT:
            chosen = extractors_of(context, self.task.stages)
            return ReadExtracts(self.root, source.task, source.shards), _Then(Extract(chosen), WriteExtracts(folder))
        stage = self.plan.stage(self.task.name)
        (evaluator,) = evaluators_of(context, self.task.stages)
        reader = ReadExtracts(self.root, source.task, source.shards, wanted_of(context, stage))
        return reader, _Then(Evaluate(evaluator), WriteOutputs(folder, stage.name))

    def _judged(self, context: Context, before: Mapping[str, Manifest], folder: Folder) -> dict[str, Any]:
        """The gate: its shard and the verdict. Its work is small, and needs no Beam."""
        records = {
            name: list(read_output(self.root, name, manifest.shards, METRICS_KEY)) for name, manifest in before.items()
        }
        metrics = merge_records(METRICS_KEY, records)
        config, rubber_stamp = context.eval_config.SerializeToString(), self.plan.rubber_stamp
        result = validate(metrics, config, rubber_stamp)
        records_of_slices = list(map(MetricsForSlice.FromString, metrics))
        verdict = gate.verdict(
            ValidationResult.FromString(result),
            records_of_slices,
            counts=total(step.counts for step in lineage_of(before).values()),
            limits=publishing.limits_of(self.plan),
            checks=gate.checks_of(records_of_slices, context.eval_config, rubber_stamp=rubber_stamp),
        )
        content = framed(elements.encode(result, GATE_STAGE_NAME, VALIDATIONS_KEY))
        shard = folder.store(".tfrecord", content, rows=1, output=VALIDATIONS_KEY)
        return {"shards": (shard,), "counts": Counts(0), "verdict": json.loads(verdict.to_json())}

    def _check_pins(self, kind: str, extra: Mapping[str, Any]) -> None:
        """What was pinned must have stayed as it was until all of it was read."""
        if kind == READ_INPUTS:
            pins.check_unchanged(extra.get("files", {}))
        elif "models" in extra:
            pins.check_models(self.plan, extra["models"])

    def _manifest(
        self,
        kind: str,
        before: Mapping[str, Manifest],
        content: str,
        attempt: str,
        started: float,
        facts: Mapping[str, Any],
    ) -> Manifest:
        step = Step(digest=content, counts=facts["counts"])
        is_pinned = kind != READ_INPUTS or "factory" not in self.plan.inputs
        return Manifest(
            task=self.task.name,
            kind=kind,
            digest=content,
            content=content if is_pinned else digests.of_shards(facts["shards"]),
            attempt=attempt,
            created=time.time(),
            seconds=time.time() - started,
            version=assay.__version__,
            lineage={**lineage_of(before), self.task.name: step},
            shards=facts["shards"],
            inputs=facts["inputs"],
            outputs=(VALIDATIONS_KEY,) if kind == GATE else self.plan.stage(self.task.name).outputs,
            verdict=facts.get("verdict"),
        )

    def _published(self, context: Context, before: Mapping[str, Manifest]) -> StageResult:
        """Writes the results; it always does, since somebody may have taken them away."""
        publishing.check_output(self.plan.output)
        gated = next(manifest for manifest in before.values() if manifest.kind == GATE)
        verdict = Verdict.from_json(json.dumps(gated.verdict))
        counts = total(step.counts for step in lineage_of(before).values())

        run, started = self.checkpoints.run, time.time()
        read = digests.digest_of({"plan": digest(self.plan), "inputs": dict(self.checkpoints.inputs), "run": run})
        job = read if dataflow.is_chosen(self.options) else ""
        folder = publishing.results_folder_of(self.plan.output, run, self.asked, job)
        with results_written(
            folder,
            self.task.name,
            read,
            _ReadEvaluation(self.root, before),
            WriteResults(writers_of(context, folder)),
            self.options,
            self.remote,
            is_named=bool(run or job),
        ):
            publishing.publish(self.plan, folder, verdict, counts, started)
        return StageResult(
            task=self.task.name,
            kind=WRITE_RESULTS,
            counts=asdict(counts),
            verdict=verdict.status,
            output=folder,
        )


def lineage_of(before: Mapping[str, Manifest]) -> dict[str, Step]:
    """The steps of all tasks that some checkpoints came from, each once."""
    return {task: step for manifest in before.values() for task, step in manifest.lineage.items()}


def _pinning(manifest: Manifest, digest: str, pinned: Mapping[str, Any]) -> Manifest:
    """The same shards under another digest, which stands for the models too."""
    step = replace(manifest.lineage[manifest.task], digest=digest)
    lineage = {**manifest.lineage, manifest.task: step}
    return replace(manifest, digest=digest, lineage=lineage, attempt=new_attempt(), **pinned)


def _discard(folder: Folder) -> None:
    with suppress(AssayError):
        storage.delete_folder(folder.place)


@contextmanager
def _discarding(folder: Folder) -> Iterator[None]:
    """Clears away what an attempt that failed has written."""
    try:
        yield
    except BaseException:
        _discard(folder)
        raise


class _Then(beam.PTransform):
    """One transform after the other."""

    def __init__(self, first: beam.PTransform, second: beam.PTransform) -> None:
        super().__init__()
        self._first, self._second = first, second

    def expand(self, values: Any) -> Any:
        return values | "Do" >> self._first | "Checkpoint" >> self._second


class _ReadEvaluation(beam.PTransform):
    """PBegin -> the Evaluation that the checkpoints of evaluators and gate hold together."""

    def __init__(self, root: str, before: Mapping[str, Manifest]) -> None:
        super().__init__()
        self._root, self._before = root, dict(before)

    def expand(self, pbegin: Any) -> Evaluation:
        read = {name: self._outputs(pbegin, manifest) for name, manifest in self._before.items()}
        return merge_evaluations(read)

    def _outputs(self, pbegin: Any, manifest: Manifest) -> Evaluation:
        keys = manifest.outputs
        return {
            key: pbegin | f"Read({manifest.task}, {key})" >> ReadOutput(self._root, manifest.task, manifest.shards, key)
            for key in keys
        }
