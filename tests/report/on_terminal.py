"""What `assay show` prints, without colours."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from assay.report.evidence import evidence_of
from assay.report.grids.printed import for_terminal, to_width
from assay.report.terminal.overview import overview
from assay.report.terminal.selection import Selection


def shown(results: str, width: int = 200, **wanted: Any) -> list[str]:
    """The lines for a terminal that is so wide.

    Args:
        results: folder of a run.
        width: in characters.
        wanted: fields of Selection.
    """
    console = Console(file=io.StringIO(), width=width, soft_wrap=True, highlight=False, markup=False)
    sections = overview(evidence_of(results), Selection(**wanted), to_width(width))
    for text in for_terminal(sections, console):
        console.print(text)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()
