"""Runs one task of a checkpointed plan: opens the checkpoints before it, and hands it to the work of its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from assay.checkpoints.commit import is_being_cleared, load
from assay.checkpoints.manifest import Manifest, root_of
from assay.engine import progress
from assay.engine.remote import Remote
from assay.errors import CheckpointError, MissingFileError, PipelineError, TransientError
from assay.plan import blessed
from assay.plan.as_json import digest
from assay.plan.default_metrics import may_ask_models
from assay.plan.plan import EVALUATE, EXTRACT, GATE, READ_INPUTS, WRITE_RESULTS, Plan, Task
from assay.plan.tasks import kind_of
from assay.run.call import Checkpoints
from assay.run.context import Context, InMemory, context_of, models_of
from assay.run.default_metrics import found_in, from_noted, noted, plan_with_metrics
from assay.run.make_once import make_once
from assay.run.outcome import StageResult
from assay.run.publish_results import publish_results
from assay.run.works import Judging, TaskCall, evaluating, extracting, reading
from assay.types import (
    FIND_SLICES_EVALUATOR_STAGE_NAME,
    METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME,
    READ_INPUTS_STAGE_NAME,
)

_DONE_BY: Mapping[str, Callable[[TaskCall, Context], StageResult]] = {
    READ_INPUTS: lambda call, context: make_once(call, reading(call, context)),
    EXTRACT: lambda call, context: make_once(call, extracting(call, context)),
    EVALUATE: lambda call, context: make_once(call, evaluating(call, context)),
    GATE: lambda call, context: make_once(call, Judging(call, context)),
    WRITE_RESULTS: publish_results,
}

_KNOW_METRICS = frozenset({METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME, FIND_SLICES_EVALUATOR_STAGE_NAME})
"""Evaluators that import the modules which metrics come from."""

_PHASES: Mapping[str, tuple[str, str]] = {
    READ_INPUTS: ("Reading inputs", "Writing the checkpoint"),
    EXTRACT: ("Extracting", "Writing the checkpoint"),
    EVALUATE: ("Evaluating", "Computing metrics"),
    GATE: ("Judging", ""),
    WRITE_RESULTS: ("Writing results", ""),
}
"""Kind of a task -> what it does, and what it does once all is read, for people."""


def run_task(
    plan: Plan, task: Task, checkpoints: Checkpoints, options: Sequence[str] = (), remote: Remote | None = None
) -> StageResult:
    """Runs a task, or finds that there is nothing to do; see `assay.run.stage.run_stage`."""
    before = {name: _manifest_of(name, task, checkpoints) for name in task.after}
    call = TaskCall(plan, task, before, checkpoints, tuple(options), remote or Remote(), digest(plan))
    if blessed.blessed_uri(plan):
        baseline = before[READ_INPUTS_STAGE_NAME].baseline if before else blessed.today(plan)
        call = replace(call, plan=blessed.with_baseline(plan, baseline), noted={"baseline": baseline})
    if may_ask_models(call.plan):
        call = _with_metrics_of_models(call)
    kind = kind_of(call.plan, task)
    progress.phase(*_PHASES[kind])
    return _DONE_BY[kind](call, context_of(call.plan, own_metrics=_knows_metrics(kind, task)))


def _knows_metrics(kind: str, task: Task) -> bool:
    """Whether a task imports the modules that metrics come from; the images of all others need not have them."""
    return kind in (GATE, WRITE_RESULTS) or not _KNOW_METRICS.isdisjoint(task.stages)


def _with_metrics_of_models(call: TaskCall) -> TaskCall:
    """The plan with the metrics that its models were compiled with, which reading notes for all tasks after it."""
    if call.before:
        found = from_noted(call.before[READ_INPUTS_STAGE_NAME].compiled)
        return replace(call, plan=plan_with_metrics(call.plan, found=found).plan)

    found = found_in(models_of(call.plan, InMemory()))
    plan, left_out = plan_with_metrics(call.plan, found=found)
    for line in left_out:
        progress.say(line)
    return replace(call, plan=plan, noted={**call.noted, "compiled": noted(found)})


def _manifest_of(name: str, task: Task, checkpoints: Checkpoints) -> Manifest:
    """The checkpoint of a task before this one, as the caller names it."""
    root, uri = checkpoints.root, checkpoints.inputs.get(name)
    if uri is None:
        raise PipelineError(f"task {task.name!r}: expected the manifest of {name}: --input {name}=URI")
    if root_of(uri) != root.rstrip("/") or uri.split("/")[-3] != name:
        raise CheckpointError(f"--input {name}: expected a manifest of {name} under {root}, found {uri}")

    # What is there and cannot be read may be replaced by another attempt; what is not there was never made.
    try:
        manifest = load(uri)
    except MissingFileError as error:
        raise CheckpointError(f"--input {name}: there is no manifest at {uri}; run {name} first") from error
    except CheckpointError as error:
        raise TransientError(f"--input {name}: {error}; run {name} again, then this stage") from error
    if is_being_cleared(root, manifest):
        raise TransientError(f"--input {name}: {uri} is being cleared away; run {name} again, then this stage")
    return manifest
