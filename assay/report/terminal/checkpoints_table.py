"""Checkpoints for a terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.table import Table

from assay.checkpoints.listing import ListedCheckpoint
from assay.checkpoints.runs import Run
from assay.report.grids.terminal_text import harmless

_COLOURS = {"done": "green", "running": "cyan", "damaged": "red", "abandoned": "yellow"}
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def checkpoints_table(checkpoints: Sequence[ListedCheckpoint], runs: Sequence[Run]) -> Table:
    """A row for each checkpoint: stage, digest, state, rows, size, age, number of runs that use it."""
    table = Table(caption=f"{len(checkpoints)} checkpoints, {len(runs)} runs")
    for name in ("stage", "digest", "state"):
        table.add_column(name)
    for name in ("rows", "size", "age", "runs"):
        table.add_column(name, justify="right", no_wrap=True)
    for item in checkpoints:
        table.add_row(
            harmless(item.task),
            harmless(item.digest[:12]),
            harmless(item.state, _COLOURS[item.state]),
            f"{item.rows:,}",
            size_text(item.size),
            age_text(time.time() - item.updated),
            str(len(item.runs)),
        )
    return table


def size_text(size: float) -> str:
    """Bytes for people: 512 B, 1.5 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def age_text(seconds: float) -> str:
    """Seconds for people: 12 s, 3 h, 40 d."""
    for length, unit in _UNITS:
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return "0 s"
