"""`run_stage`: the one door through which every caller, in process or in a container, runs a task of a plan."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions

from assay.checkpoints import digests, pins, runs
from assay.checkpoints.commit import new_attempt
from assay.checkpoints.heartbeat import alive
from assay.checkpoints.layout import name_in_run
from assay.engine import progress
from assay.engine.remote import Remote
from assay.errors import PipelineError
from assay.plan import blessed
from assay.plan.as_json import digest
from assay.plan.plan import Plan, Task
from assay.plan.tasks import is_checkpointed, kind_of, task_named
from assay.results.latest import check_no_runs
from assay.run import dataflow, publishing
from assay.run.build import analysis_of
from assay.run.call import Checkpoints, checked, record
from assay.run.context import Context, InMemory, context_of
from assay.run.counted import run_counted
from assay.run.default_metrics import plan_with_metrics
from assay.run.inputs import check_inputs, input_files, with_files_named
from assay.run.outcome import ANALYSE, StageResult
from assay.run.output import check_output
from assay.run.reading import reader_of
from assay.run.task import run_task
from assay.run.writing import results_written
from assay.text.near_miss import one_of
from assay.verdict import Counts, Verdict


def run_stage(
    plan: Plan,
    task: str,
    *,
    checkpoints: Checkpoints | None = None,
    options: PipelineOptions | Sequence[str] = (),
    remote: Remote | None = None,
    in_memory: InMemory | None = None,
) -> StageResult:
    """Runs one task of a resolved plan to its end.

    Args:
        plan: a plan whose parameters are resolved.
        task: name of one of its tasks.
        checkpoints: of a plan with several tasks: where they are; of any plan: where to record what was done.
        options: flags of Beam pipeline options, after those of the plan, which they override; without a runner among
            all of them, the in-memory runner is used.
        remote: how to treat a job on Dataflow, where that is the runner; None waits for it.
        in_memory: what stands in place of parts of a plan without checkpoints.

    Returns:
        What was done; of a job that is left to itself, which one it is.

    Raises:
        AssayError: whatever went wrong on purpose, also where the runner only hands back its text.
    """
    started = time.monotonic()
    progress.round_rows_to(plan.round_counts_to)
    checkpoints = checked(checkpoints) if checkpoints is not None else None
    try:
        chosen = task_named(plan, task)
    except LookupError as error:
        raise PipelineError(f"the plan has no task {task!r}{one_of(task, [t.name for t in plan.tasks])}") from error

    remote = remote or Remote()
    options = options if isinstance(options, PipelineOptions) else (*plan.options, *options)
    try:
        with _alive(checkpoints):
            _lease(plan, task, checkpoints)
            result = _finished(plan, chosen, checkpoints, options, remote, in_memory)
    except dataflow.Detached:
        result = StageResult(task=task, kind=kind_of(plan, chosen) if is_checkpointed(plan) else ANALYSE)

    job = asdict(remote.used) if remote.used else {}
    result = replace(result, seconds=time.monotonic() - started, job=job)
    if checkpoints is not None:
        record(plan, result, checkpoints)
    return result


def _alive(checkpoints: Checkpoints | None) -> AbstractContextManager[None]:
    """Says that the run goes on, and for a while after: whoever calls the next task takes a moment."""
    if checkpoints is None or not checkpoints.run:
        return nullcontext()
    return alive(runs.folder_of(checkpoints.root, checkpoints.run), lasting=True)


def _lease(plan: Plan, task: str, checkpoints: Checkpoints | None) -> None:
    """Keeps plan and inputs from being cleared away; of what the task makes it will say so once it knows."""
    if checkpoints is not None and checkpoints.run:
        name, inputs = name_in_run(task, digest(plan)), checkpoints.inputs.values()
        runs.lease(checkpoints.root, checkpoints.run, name, inputs, checkpoints.stored_plan)


def _finished(
    plan: Plan,
    task: Task,
    checkpoints: Checkpoints | None,
    options: PipelineOptions | Sequence[str],
    remote: Remote,
    in_memory: InMemory | None,
) -> StageResult:
    if not is_checkpointed(plan):
        return _analyse(plan, task, options, checkpoints.run if checkpoints else "", remote, in_memory)
    if checkpoints is None:
        raise PipelineError(f"task {task.name!r}: the plan has checkpoints; expected a root for them")
    return run_task(plan, task, checkpoints, options, remote)


def _analyse(
    plan: Plan,
    task: Task,
    options: PipelineOptions | Sequence[str],
    run: str,
    remote: Remote,
    in_memory: InMemory | None,
) -> StageResult:
    """The whole plan as one Beam job."""
    started = time.time()
    check_output(plan.output)
    asked = digest(plan)
    progress.phase("Checking data and models")
    plan, left_out = plan_with_metrics(blessed.with_baseline(plan, blessed.today(plan)), in_memory)
    for line in left_out:
        progress.say(line)
    context = context_of(plan, in_memory)
    check_inputs(context)
    progress.phase("Reading and evaluating", then="Computing metrics")
    if context.in_memory.writers is not None:
        return _written_by_own_writers(context, task, options)

    seen = _digest(context, run) if dataflow.is_chosen(options) else ""
    folder = publishing.results_folder_of(plan.output, run, asked, seen)
    reader, analysis = reader_of(context), analysis_of(context, folder)
    with results_written(
        folder, task.name, seen, reader, analysis, options, remote, is_named=bool(run or seen)
    ) as counts:
        progress.phase("Judging and writing results")
        judge = publishing.judge if context.in_memory.evaluators is None else publishing.judge_if_possible
        verdict = judge(plan, folder, counts)
        publishing.publish(plan, folder, task.name, verdict, counts, started)
    return _result(task, folder, counts.shown(plan.min_slice_size, plan.round_counts_to), verdict)


def _written_by_own_writers(context: Context, task: Task, options: PipelineOptions | Sequence[str]) -> StageResult:
    """The same where nobody knows what is written where: there is a verdict if the output has what it needs."""
    folder = context.plan.output
    check_no_runs(folder)
    reader, analysis = reader_of(context), analysis_of(context, folder)
    with publishing.removed_on_failure(folder, is_named=True):
        publishing.withdraw(folder)  # what these do not write would be judged, and opened, as if they had
        counts = run_counted(reader, analysis, options, folder)
        verdict = publishing.judge_if_possible(context.plan, folder, counts)
        publishing.write_verdict(folder, verdict)
    return _result(task, folder, counts.shown(context.plan.min_slice_size, context.plan.round_counts_to), verdict)


def _result(task: Task, folder: str, counts: Counts, verdict: Verdict | None) -> StageResult:
    return StageResult(
        task=task.name,
        kind=ANALYSE,
        counts=asdict(counts),
        rows=counts.rows,
        verdict=verdict.status if verdict else "",
        output=folder,
    )


def _digest(context: Context, run: str) -> str:
    """Digest of a whole plan and of what it reads; nobody knows what a reader of the user's own reads."""
    if "factory" in context.plan.inputs:
        read: dict[str, Any] = {"run": run or new_attempt()}
    else:
        read = {"run": run, "files": pins.pinned_inputs(input_files(with_files_named(context)))}
    return digests.digest_of({"plan": digest(context.plan), "models": pins.pinned_models(context.plan), **read})
