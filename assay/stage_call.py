"""The call of one task: the arguments of `assay stage`, and what it leaves for the caller. Standard library only.

Every caller outside of Beam, be it a thread of `assay run` or an orchestrator, builds its calls here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace

from assay import json_text, storage
from assay.errors import ConfigError
from assay.plan import Plan, digest
from assay.stage_result import StageResult

_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]*")


@dataclass(frozen=True, kw_only=True)
class Checkpoints:
    """Where a task finds and leaves checkpoints.

    Attributes:
        root: folder or `gs://` URI of all checkpoints.
        inputs: task -> URI of its manifest, for each task that this one comes after.
        run: name of the run, under which what it used is recorded; "" for none.
    """

    root: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    run: str = ""


def checked(checkpoints: Checkpoints) -> Checkpoints:
    """The same with the root as places name it; ConfigError if root or run cannot be used."""
    if checkpoints.run and not _RUN.fullmatch(checkpoints.run):
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
    """The arguments of `assay` that run one task; `plan` and `result` are places."""
    inputs = [word for name, uri in checkpoints.inputs.items() for word in ("--input", f"{name}={uri}")]
    given = [word for name, value in (params or {}).items() for word in ("--param", f"{name}={value}")]
    run = ("--run", checkpoints.run) if checkpoints.run else ()
    return (
        *("stage", kind, "--plan", plan, "--stage", task, "--root", checkpoints.root, *inputs, *given, *run),
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
        place = _place_of_record(checkpoints.root, checkpoints.run, result.task)
        storage.write(place, json.dumps({"plan": digest(plan), **asdict(result)}, sort_keys=True).encode())


def recorded(root: str, run: str, task: str) -> StageResult:
    """What a task of a run did.

    Raises:
        MissingFileError: it is not recorded.
    """
    found = json_text.loads(storage.read(_place_of_record(root, run, task)))
    return StageResult(**{known.name: found[known.name] for known in fields(StageResult) if known.name in found})


def _place_of_record(root: str, run: str, task: str) -> str:
    return storage.join(root, "runs", run, f"{task}.json")
