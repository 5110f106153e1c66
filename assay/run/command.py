"""The stage command: a plan in, a result out, with progress that an orchestrator's log shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from assay.engine.progress import shown
from assay.engine.remote import Remote
from assay.errors import ConfigError
from assay.plan.plan import Plan
from assay.plan.tasks import is_checkpointed, kind_of, task_named
from assay.run.call import Checkpoints
from assay.run.dataflow import is_chosen
from assay.run.outcome import ANALYSE
from assay.run.stage import run_stage
from assay.text.counted import counted


def run_command(
    plan: Plan,
    kind: str,
    task: str,
    checkpoints: Checkpoints | None,
    *,
    options: Sequence[str],
    progress: TextIO,
    remote: Remote | None = None,
) -> str:
    """Runs a task and returns its result as JSON.

    Args:
        plan: a plan whose parameters are resolved.
        kind: of the task, which must be what the plan says.
        task: its name.
        checkpoints: where they are; None for a plan without.
        options: of Beam pipelines.
        progress: where to show rows, rows/s and shards.
        remote: how to treat a job on Dataflow.

    Raises:
        AssayError: whatever went wrong on purpose.
    """
    _check_kind(plan, task, kind)
    remote = remote or Remote()
    if (remote.detach or remote.job) and not is_chosen((*plan.options, *options)):
        raise ConfigError("--detach and --job are for jobs on Dataflow; expected --runner=DataflowRunner among OPTIONS")

    with shown(progress):
        result = run_stage(plan, task, checkpoints=checkpoints, options=options, remote=remote)
    if result.is_detached:
        progress.write(f"{task}: left to its job; the same call without --detach collects what it makes\n")
        return result.to_json()

    did = "nothing to do, checkpoint found" if result.reused else f"done in {result.seconds:.1f} s"
    progress.write(f"{task}: {did}; {counted(result.rows, 'row')}{f'; {result.verdict}' if result.verdict else ''}\n")
    return result.to_json()


def _check_kind(plan: Plan, task: str, kind: str) -> None:
    try:
        chosen = task_named(plan, task)
    except LookupError:
        return  # run_stage says which there are
    expected = kind_of(plan, chosen) if is_checkpointed(plan) else ANALYSE
    if kind != expected:
        raise ConfigError(f"stage {task!r} is of kind {expected} in the plan, and was called as {kind}")
