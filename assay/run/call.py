"""The call of one task: the arguments of `assay stage`, and what it leaves for the caller. Standard library only.

Every caller outside of Beam, be it a thread of `assay run` or an orchestrator, builds its calls here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace

from assay import storage
from assay.checkpoints.layout import RECORD_SUFFIX, RUNS, name_in_run
from assay.errors import CheckpointError, ConfigError
from assay.plan.as_json import digest
from assay.plan.plan import Plan
from assay.results.latest import RUN_NAME
from assay.run.outcome import StageResult
from assay.text import json_text


@dataclass(frozen=True, kw_only=True)
class Checkpoints:
    """Where a task finds and leaves checkpoints.

    Attributes:
        root: folder or `gs://` URI of all checkpoints.
        inputs: task -> URI of its manifest, for each task that this one comes after.
        run: name of the run, under which what it used is recorded; "" for none.
        stored_plan: digest by which the plan lies under the root, which may be that of open parameters; "" for none.
    """

    root: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    run: str = ""
    stored_plan: str = ""


def checked(checkpoints: Checkpoints) -> Checkpoints:
    """The same with an absolute root; ConfigError if root or run cannot be used."""
    if checkpoints.run and not RUN_NAME.fullmatch(checkpoints.run):
        raise ConfigError(f"--run: expected letters, digits and _ . : + -, found {checkpoints.run!r}")
    return replace(checkpoints, root=storage.check_root(checkpoints.root))


def stage_arguments(
    kind: str,
    plan: str,
    task: str,
    checkpoints: Checkpoints,
    result: str,
    params: Mapping[str, str] | None = None,
    options: Iterable[str] = (),
) -> tuple[str, ...]:
    """The arguments of `assay` that run one task; `plan` and `result` are URIs."""
    inputs = [word for name, uri in checkpoints.inputs.items() for word in ("--input", f"{name}={uri}")]
    param_flags = [word for name, value in (params or {}).items() for word in ("--param", f"{name}={value}")]
    run = ("--run", checkpoints.run) if checkpoints.run else ()
    return (
        *("stage", kind, "--plan", plan, "--stage", task, "--root", checkpoints.root, *inputs, *param_flags, *run),
        *("--result", result, "--", *options),
    )


def remotely(arguments: Sequence[str], *, detach: bool = False, job: str = "") -> tuple[str, ...]:
    """The same call that leaves its job on Dataflow, or that collects the one of that id."""
    flags = (*(("--detach",) if detach else ()), *(("--job", job) if job else ()))
    at = list(arguments).index("--")
    return (*arguments[:at], *flags, *arguments[at:])


def record(plan: Plan, result: StageResult, checkpoints: Checkpoints) -> None:
    """Notes under `runs/` what the run used, which keeps it from being cleared away and tells the caller the result."""
    if checkpoints.run:
        content = {"plan": digest(plan), "stored_plan": checkpoints.stored_plan, **asdict(result)}
        storage.write(_record_uri(plan, result.task, checkpoints), json.dumps(content, sort_keys=True).encode())


def recorded(plan: Plan, task: str, checkpoints: Checkpoints) -> StageResult:
    """What a task of a run did.

    Args:
        plan: with its parameters, as the task ran it.
        task: its name.
        checkpoints: with root and run.

    Raises:
        MissingFileError: it is not recorded.
        CheckpointError: what lies there is no record, or that of another plan or task.
    """
    uri, expected = _record_uri(plan, task, checkpoints), {"plan": digest(plan), "task": task}
    try:
        content = json_text.loads(storage.read(uri))
        noted = {name: content[name] for name in expected}
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{uri}: expected the record of a task; {error!r}; run the task again") from error
    if noted != expected:
        raise CheckpointError(
            f"{uri}: expected the record of task {task!r} of the plan {expected['plan']}, found that of task "
            f"{noted['task']!r} of the plan {noted['plan']}; give the run a name of its own"
        )
    return StageResult(**{known.name: content[known.name] for known in fields(StageResult) if known.name in content})


def _record_uri(plan: Plan, task: str, checkpoints: Checkpoints) -> str:
    name = f"{name_in_run(task, digest(plan))}{RECORD_SUFFIX}"
    return storage.join(checkpoints.root, RUNS, checkpoints.run, name)
