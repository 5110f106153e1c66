"""Plans of the parity suite on an engine, and in process, to which they are held."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pytest

from assay.plan.filled import with_params
from assay.run import local
from tests.parity.cases import CASE_OF
from tests.parity.in_bucket import download, upload
from tests.parity.results import parts_of


class Here(NamedTuple):
    """A run in process.

    Attributes:
        data: folder of what it read.
        parts: of the results.
    """

    data: Path
    parts: dict[str, Any]


class RunsHere(Protocol):
    """What `runs_here` returns."""

    def __call__(self, case: str, *, checkpointed: bool = False) -> Here: ...


def runs_here(temporary: pytest.TempPathFactory) -> RunsHere:
    """A function that writes the data of a case and runs it in process, once."""

    @cache
    def run(case: str, *, checkpointed: bool = False) -> Here:
        data = temporary.mktemp("data")
        CASE_OF[case].write(data)
        return Here(data, parts_of_run(case, data, temporary.mktemp("here"), checkpointed=checkpointed))

    return run


def parts_of_run(
    case: str, data: Path, folder: Path, options: Sequence[str] = (), *, checkpointed: bool = False
) -> dict[str, Any]:
    """Runs a case with options of Beam pipelines, in one job or task by task; the parts of its results."""
    plan = with_params(CASE_OF[case].plan(), {"data": str(data), "out": str(folder)})
    local.run(plan, checkpoints=str(folder / "checkpoints") if checkpointed else None, options=options)
    return parts_of(folder)


def parts_of_run_in_bucket(
    case: str, data: Path, uri: str, folder: Path, options: Sequence[str], *, checkpointed: bool = False
) -> dict[str, Any]:
    """The same for workers that see no folder of this machine: data and results are below a URI."""
    upload(data, f"{uri}/data")
    plan = with_params(CASE_OF[case].plan(), {"data": f"{uri}/data", "out": f"{uri}/out"})
    local.run(plan, checkpoints=f"{uri}/checkpoints" if checkpointed else None, options=options)
    download(f"{uri}/out", folder)
    return parts_of(folder)
