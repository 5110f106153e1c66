"""`run_stage`: the one door through which every caller, in process or in a container, runs a task of a plan."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace

from assay import blessed, publishing
from assay.checkpointed import run_task
from assay.errors import PipelineError
from assay.near_miss import one_of
from assay.plan import Plan, Task
from assay.runner import run_pipeline
from assay.shapes import is_checkpointed, task_named
from assay.stage_call import Checkpoints, checked, record
from assay.stage_result import ANALYSE, StageResult
from assay.stages import analysis_of, check_inputs, context_of, reader_of


def run_stage(
    plan: Plan, task: str, *, checkpoints: Checkpoints | None = None, options: Sequence[str] = ()
) -> StageResult:
    """Runs one task of a resolved plan to its end.

    Args:
        plan: a plan whose parameters are resolved.
        task: name of one of its tasks.
        checkpoints: of a plan with several tasks: where they are; of any plan: where to record what was done.
        options: flags of Beam pipeline options; without a runner among them, the in-memory runner is used.

    Raises:
        AssayError: whatever went wrong on purpose, also where the runner only hands back its text.
    """
    started = time.monotonic()
    checkpoints = checked(checkpoints) if checkpoints is not None else None
    try:
        chosen = task_named(plan, task)
    except LookupError as error:
        raise PipelineError(f"the plan has no task {task!r}{one_of(task, [t.name for t in plan.tasks])}") from error
    if not is_checkpointed(plan):
        result = _analyse(plan, chosen, options)
    elif checkpoints is None:
        raise PipelineError(f"task {task!r}: the plan has checkpoints; expected a root for them")
    else:
        result = run_task(plan, chosen, checkpoints, options)
    result = replace(result, seconds=time.monotonic() - started)
    if checkpoints is not None:
        record(plan, result, checkpoints)
    return result


def _analyse(plan: Plan, task: Task, options: Sequence[str]) -> StageResult:
    """The whole plan as one Beam job."""
    publishing.check_output(plan.output)
    plan = blessed.with_baseline(plan, blessed.today(plan))
    context = context_of(plan)
    check_inputs(context)
    foreign = publishing.withdraw(plan.output)
    with publishing.cleaning_up(plan.output):
        counts = run_pipeline(reader_of(context), analysis_of(context), options)
    verdict = publishing.judge(plan, counts)
    publishing.publish(plan, verdict, counts, foreign)
    return StageResult(
        task=task.name,
        kind=ANALYSE,
        counts=asdict(counts),
        rows=counts.rows,
        verdict=verdict.status,
        output=plan.output,
    )
