"""The parity suite's plans on an engine: the bits of the run in process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from assay.plan.filled import with_params
from assay.run import local
from tests.parity.cases import CASE_OF
from tests.parity.results import differing, parts_of


def cases(quick: Sequence[str]) -> Iterator[Any]:
    """All cases as parameters of a test; those that are not quick are slow."""
    for name in CASE_OF:
        yield pytest.param(name, marks=() if name in quick else pytest.mark.slow, id=name)


def check_same_bits(case: str, options: Sequence[str], folder: Path, *, checkpointed: bool = False) -> None:
    """Runs a case here and with options, and compares all that they leave."""
    data = folder / "data"
    data.mkdir()
    CASE_OF[case].write(data)
    for place, given in (("here", ()), ("there", options)):
        out = folder / place
        out.mkdir()
        checkpoints = str(out / "checkpoints") if checkpointed else None
        plan = with_params(CASE_OF[case].plan(), {"data": str(data), "out": str(out)})
        local.run(plan, checkpoints=checkpoints, options=given)
    assert differing(parts_of(folder / "there"), parts_of(folder / "here")) == {}
