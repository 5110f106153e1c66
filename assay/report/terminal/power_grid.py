"""The rows that thresholds with evidence need, as a table: the slices that need most first."""

from __future__ import annotations

import math
from collections.abc import Sequence

from assay.gate.evidence.power import Needed
from assay.report.grids.grid import Column, Grid, Value
from assay.report.grids.printed import Sentence
from assay.slicing.text import slice_text
from assay.text.counted import counted

NEVER = "never"


def power_grid(needed: Sequence[Needed], all_rows: int) -> Grid:
    """A row for each threshold and slice.

    Args:
        needed: in the order of the rows.
        all_rows: of the run; with a slice's share of them, `data` is the rows that a run needs.
    """
    columns = [
        Column("metric"),
        Column("question"),
        Column("slice"),
        Column("rows", "number"),
        Column("needed", "number"),
        Column("data", "number"),
        Column("shows", "number"),
        Column("note"),
    ]
    return Grid(columns, [_row(one, all_rows) for one in needed])


def summary(lines: Sequence[Needed], shown: int, power: float, all_rows: int) -> list[Sentence | Grid]:
    """What a run needs so that all lines are decided with that power, and what never is.

    Args:
        lines: all of them.
        shown: how many of them stand in the table.
        power: of each line.
        all_rows: of the run that was planned from.
    """
    sizes = [one.rows * all_rows / one.found.rows for one in lines if math.isfinite(one.rows) and one.found.rows]
    never = sum(math.isinf(one.rows) for one in lines)
    unknown = sum(math.isnan(one.rows) for one in lines)
    more = len(lines) - shown
    texts = [f"... and {counted(more, 'line')} more; --top N shows N"] if more else []
    if sizes:
        whole = counted(math.ceil(max(sizes)), "row")
        texts.append(f"Power {power:.6g} in each of {counted(len(sizes), 'line')} needs {whole} of data.")
    texts += [f"Never decided: {counted(never, 'line')}."] if never else []
    texts += [f"Not known: {counted(unknown, 'line')}; see the notes."] if unknown else []
    return [Sentence(text) for text in texts]


def hardest_first(needed: Sequence[Needed]) -> list[Needed]:
    """What is never decided, then what needs the most data, then what nothing is known of."""

    def rank(one: Needed) -> tuple[bool, float]:
        return math.isnan(one.rows), -(0.0 if math.isnan(one.rows) else one.rows / max(one.found.rows, 1))

    return sorted(needed, key=rank)


def _row(one: Needed, all_rows: int) -> list[Value]:
    found = one.found
    data = one.rows * all_rows / found.rows if found.rows else math.nan
    return [
        found.name,
        found.threshold.question,
        None if found.slice is None else slice_text(found.slice),
        found.rows if found.slice is not None else None,
        _count(one.rows),
        _count(data),
        None if math.isnan(one.detectable) else one.detectable,
        one.problem or ("the value lies on its bound" if math.isinf(one.rows) else None),
    ]


def _count(rows: float) -> Value:
    if math.isnan(rows):
        return None
    return NEVER if math.isinf(rows) else math.ceil(rows)
