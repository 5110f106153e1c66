"""Runs a plan on this machine: all in one Beam job, or task by task with checkpoints between them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TextIO

from apache_beam.options.pipeline_options import PipelineOptions

from assay import storage
from assay.checkpoints import runs
from assay.checkpoints.heartbeat import alive
from assay.engine.progress import phase, say, shown
from assay.engine.recovery import recover_from_text
from assay.engine.workers.options import shared_flags
from assay.errors import AssayError, BusyError, PipelineError
from assay.plan.plan import Plan, Task
from assay.plan.stored import publish_plan, stored_digest
from assay.plan.tasks import CUTS, NO_CHECKPOINTS, is_checkpointed, kind_of, reshaped
from assay.results.latest import VERDICT_FILE, new_run
from assay.run.call import Checkpoints, stage_arguments
from assay.run.context import InMemory
from assay.run.outcome import StageResult
from assay.run.stage import run_stage
from assay.text.counted import counted
from assay.verdict import Counts, Verdict


@dataclass(frozen=True)
class RunResult:
    """What a run left behind.

    Attributes:
        output: folder of the run's results.
        verdict: whether the candidate may be released, and why not.
        counts: rows read, and bad rows by reason.
        seconds: wall time.
        stages: what each task did.
    """

    output: str
    verdict: Verdict
    counts: Counts
    seconds: float
    stages: tuple[StageResult, ...] = ()


def run(
    plan: Plan, *, checkpoints: str | None = None, progress: TextIO | None = None, options: Sequence[str] = ()
) -> RunResult:
    """Runs a resolved plan and publishes the results in a folder of the run below `plan.output`.

    The results of other runs stay as they are; this run is the latest once its results are whole.

    Args:
        plan: a plan whose parameters are resolved.
        checkpoints: folder or `gs://` URI under which each task leaves a checkpoint, and finds those that are there
            already; None runs everything as one Beam job.
        progress: where to show what is done and how far it is; None shows nothing.
        options: Beam pipeline options as on a command line; the default runner is the in-memory one.

    Raises:
        AssayError: whatever went wrong on purpose.
    """
    started = time.monotonic()
    results = run_tasks(plan, checkpoints=checkpoints, progress=progress, options=options)
    output = results[-1].output
    verdict = Verdict.from_json(storage.read(storage.join(output, VERDICT_FILE)).decode())
    return RunResult(output, verdict, Counts(**results[-1].counts), time.monotonic() - started, tuple(results))


def run_tasks(
    plan: Plan,
    *,
    checkpoints: str | None = None,
    progress: TextIO | None = None,
    options: PipelineOptions | Sequence[str] = (),
    in_memory: InMemory | None = None,
) -> list[StageResult]:
    """Runs all tasks of a resolved plan: one, or with checkpoints those that it is cut into.

    Args:
        plan: see `run`; likewise `checkpoints` and `progress`.
        checkpoints: not beside `in_memory` or options that are an object, which other processes could not have.
        progress: see `run`.
        options: of Beam pipelines.
        in_memory: what stands in place of parts of the plan.
    """
    with shown(progress) if progress is not None else nullcontext():
        if checkpoints is None:
            fused = reshaped(plan, NO_CHECKPOINTS)
            return [run_stage(fused, fused.tasks[0].name, options=options, in_memory=in_memory)]
        if in_memory is not None or isinstance(options, PipelineOptions):
            raise PipelineError("checkpoints: expected a plan and flags alone, which other processes can be given")
        cut = plan if is_checkpointed(plan) else reshaped(plan, CUTS)
        return _run_tasks(cut, checkpoints, progress, options)


def _run_tasks(plan: Plan, root: str, progress: TextIO | None, options: Sequence[str]) -> list[StageResult]:
    """Runs tasks as soon as those before them are done; several at once in processes of their own."""
    root = storage.check_root(root)
    run = new_run()
    with alive(runs.folder_of(root, run)):
        plan_uri = publish_plan(plan, root)
        checkpoints = Checkpoints(root=root, run=run, stored_plan=stored_digest(plan_uri))
        return _run_each(plan, plan_uri, checkpoints, progress, options)


def _run_each(
    plan: Plan, plan_uri: str, checkpoints: Checkpoints, progress: TextIO | None, options: Sequence[str]
) -> list[StageResult]:
    """Runs the tasks, each once those before it are done; those that need not wait for each other side by side.

    Where an engine runs one job at a time, those that it did not take come in the next round.
    """
    results: dict[str, StageResult] = {}

    def inputs_of(task: Task) -> Checkpoints:
        return replace(checkpoints, inputs={name: results[name].manifest for name in task.after})

    while len(results) < len(plan.tasks):
        ready = [task for task in plan.tasks if task.name not in results and set(task.after) <= set(results)]
        if len(ready) == 1:
            finished = [run_stage(plan, ready[0].name, checkpoints=inputs_of(ready[0]), options=options)]
        else:
            phase(f"Running {', '.join(task.name for task in ready)}")
            run = partial(_unless_busy, plan, plan_uri, options=shared_flags(options, len(ready)))
            with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
                tried = [*pool.map(run, ready, map(inputs_of, ready))]
            finished = [result for result in tried if isinstance(result, StageResult)]
            if not finished:  # somebody else's job keeps the engine busy
                raise next(error for error in tried if isinstance(error, BusyError))

        for result in finished:
            results[result.task] = result
            _tell(result, progress)
    return [results[task.name] for task in plan.tasks]


def _unless_busy(
    plan: Plan, plan_uri: str, task: Task, checkpoints: Checkpoints, options: Sequence[str]
) -> StageResult | BusyError:
    try:
        return _in_process(plan, plan_uri, task, checkpoints, options)
    except BusyError as error:
        return error


def _in_process(plan: Plan, plan_uri: str, task: Task, checkpoints: Checkpoints, options: Sequence[str]) -> StageResult:
    """Runs a task as an orchestrator would: by the stage command."""
    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        file = Path(folder, "result.json")
        command = stage_arguments(kind_of(plan, task), plan_uri, task.name, checkpoints, str(file), options=options)
        whole = (sys.executable, "-P", "-m", "assay", *command)  # what is installed, not the current folder
        process = subprocess.run(whole, stderr=subprocess.PIPE, text=True, check=False)
        if process.returncode:
            raise _error(process.returncode, process.stderr, task.name)
        return StageResult.from_json(file.read_text())


def _error(code: int, stderr: str, task: str) -> AssayError:
    """The error that a stage command told by its last line."""
    error = recover_from_text(stderr)
    last = stderr.strip().splitlines()[-1:] or [f"ended with {code}"]
    return error or AssayError(f"task {task!r}: {last[0].removeprefix('error: ')}")


def _tell(result: StageResult, progress: TextIO | None) -> None:
    if progress is not None:
        did = "nothing to do, checkpoint found" if result.reused else f"{result.seconds:.1f} s"
        rows = f", {counted(result.rows, 'row')}" if result.manifest else ""
        say(f"{result.task}: {did}{rows}")
