"""What is held of the rows: for each feature and each pair of features, rows and losses of every cell, in two halves.

All of it are whole numbers that add up, so parts meet in any order with the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from assay.discovery import amounts
from assay.discovery.amounts import Amounts
from assay.discovery.cells import Cells, joined, places
from assay.metrics.values import Floats, Ints

HALVES = 2
ROWS_AT_ONCE = 1 << 14
"""Rows that are counted together: their codes fit into a cache, and their sums are exact in floats."""


@dataclass(frozen=True)
class Tables:
    """What is held of some rows.

    A table is int64 (1 + parts, cells ..., 2): rows and amounts of each cell, in each half.

    Attributes:
        bounded: whether losses have a bound.
        level: features of a slice at most.
        cells: feature -> its cells.
        total: the table of all rows (1 + parts, 2).
        singles: feature -> its table (1 + parts, cells, 2).
        pairs: two features, in order -> their table (1 + parts, cells, cells, 2).
        reference: the baseline's losses of the same rows, without features, where two models are compared.
        top: see `Amounts`.
        left_out: rows without a loss.
    """

    bounded: bool
    level: int
    cells: Mapping[str, Cells] = field(default_factory=dict)
    total: Ints = field(default_factory=lambda: np.zeros((0, HALVES), np.int64))
    singles: Mapping[str, Ints] = field(default_factory=dict)
    pairs: Mapping[tuple[str, str], Ints] = field(default_factory=dict)
    reference: Tables | None = None
    top: int | None = None
    left_out: int = 0

    @property
    def rows(self) -> int:
        """Rows with a loss."""
        return int(self.total[0].sum()) if len(self.total) else 0

    def joined_on_arrival(self, other: Tables) -> Tables:
        """Both as one; see `Joining` of worker processes."""
        return merged(self, other)


def pairs_of(cells: Mapping[str, Cells], level: int) -> list[tuple[str, str]]:
    """The pairs of features that are counted."""
    return list(combinations(sorted(name for name, one in cells.items() if one.in_pairs), 2)) if level > 1 else []


# A batch --------------------------------------------------------------------------------------------------------------


def counted(
    held: Tables, codes: Mapping[str, Ints], cells: Mapping[str, Cells], halves: Ints, added: Amounts
) -> Tables:
    """What is held of earlier rows and of a batch. The tables of `held` may be changed, and are not to be used again.

    Args:
        held: of earlier rows, or without rows.
        codes: feature -> code (n,) of each row.
        cells: feature -> the cells that the codes are of.
        halves: (n,) 0 or 1, the half that each row belongs to.
        added: what each row adds.
    """
    depth = 1 + len(added.parts)
    if not len(held.total):
        held = replace(held, total=np.zeros((depth, HALVES), np.int64))
    both = _joined_cells(held.cells, cells)
    top = _higher(held.top, added.top)
    moved = _moved(held, both, top)
    parts = list(added.parts) if added.top is None or top is None else amounts.lowered_parts(added, top)
    nothing = np.zeros(len(halves), np.int64)
    to = {name: places(cells.get(name, Cells()), both[name]) for name in moved.singles}
    own = {name: to[name][codes.get(name, nothing)] for name in moved.singles}
    for start in range(0, len(halves), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        _count_into(moved, {name: code[rows] for name, code in own.items()}, halves[rows], [p[rows] for p in parts])
    return replace(moved, cells=both, top=top)


def _count_into(tables: Tables, codes: Mapping[str, Ints], half: Ints, parts: Sequence[Floats]) -> None:
    """Adds rows to tables of the same cells."""
    depth = len(tables.total)
    count_cells(half, parts, tables.total)
    low = {name: code * HALVES + half for name, code in codes.items()}
    for name, table in tables.singles.items():
        count_cells(low[name], parts, table.reshape(depth, -1))
    for (one, other), table in tables.pairs.items():
        count_cells(codes[one] * (table.shape[2] * HALVES) + low[other], parts, table.reshape(depth, -1))


def count_cells(at: Ints, parts: Sequence[Floats], table: Ints) -> None:
    """Adds rows and amounts to a table (1 + parts, m); each sum is exact, as it stays below 2^53."""
    size = table.shape[1]
    table[0] += np.bincount(at, minlength=size)
    for part, row in zip(parts, table[1:], strict=True):
        row += np.bincount(at, part, minlength=size).astype(np.int64)


# Two parts ------------------------------------------------------------------------------------------------------------


def merged(one: Tables, other: Tables) -> Tables:
    """The tables of the rows of both, whichever comes first."""
    if not len(one.total) or not len(other.total):
        held = other if len(other.total) else one
        return _with_left_out(held, one.left_out + other.left_out)
    cells = _joined_cells(one.cells, other.cells)
    top = _higher(one.top, other.top)
    mine, theirs = (_moved(held, cells, top) for held in (one, other))
    return Tables(
        one.bounded,
        one.level,
        cells,
        mine.total + theirs.total,
        {name: table + theirs.singles[name] for name, table in mine.singles.items()},
        {pair: table + theirs.pairs[pair] for pair, table in mine.pairs.items()},
        None if one.reference is None or other.reference is None else merged(one.reference, other.reference),
        top,
        one.left_out + other.left_out,
    )


def _joined_cells(one: Mapping[str, Cells], other: Mapping[str, Cells]) -> dict[str, Cells]:
    return {name: joined(one.get(name, Cells()), other.get(name, Cells())) for name in sorted({*one, *other})}


def _higher(one: int | None, other: int | None) -> int | None:
    return max((top for top in (one, other) if top is not None), default=None)


def _with_left_out(tables: Tables, rows: int) -> Tables:
    return tables if rows == tables.left_out else replace(tables, left_out=rows)


def _moved(held: Tables, cells: Mapping[str, Cells], top: int | None) -> Tables:
    """The tables by other cells, which are those of more rows."""
    by = 0 if top is None or held.top is None else top - held.top
    total = _lowered(held.total, by)
    singles = {name: _lowered(table, by) for name, table in held.singles.items()}
    nothing = Cells()
    to = {name: places(held.cells.get(name, nothing), one) for name, one in cells.items()}
    return replace(
        held,
        total=total,
        singles={
            name: recoded(_single(singles, total, name), 1, to[name], one.size)
            for name, one in cells.items()
            if one.is_searched
        },
        pairs={
            (left, right): recoded(
                recoded(_pair(held, singles, total, left, right, by), 1, to[left], cells[left].size),
                2,
                to[right],
                cells[right].size,
            )
            for left, right in pairs_of(cells, held.level)
        },
    )


def _single(singles: Mapping[str, Ints], total: Ints, name: str) -> Ints:
    """The table of a feature; rows of a part that has no such feature have no value of it."""
    return singles[name] if name in singles else total[:, None].copy()


def _pair(held: Tables, singles: Mapping[str, Ints], total: Ints, left: str, right: str, by: int) -> Ints:
    """The table of a pair, likewise."""
    if (left, right) in held.pairs:
        return _lowered(held.pairs[left, right], by)
    if left in singles:
        return singles[left][:, :, None].copy()
    return (singles[right][:, None] if right in singles else total[:, None, None]).copy()


def _lowered(table: Ints, by: int) -> Ints:
    return table if by == 0 else np.concatenate([table[:1], amounts.lowered(table[1:], by)])


def recoded(table: Ints, axis: int, to: Ints, size: int) -> Ints:
    """A table whose cells along an axis are put together: those of code i into `to[i]`."""
    if table.shape[axis] == size and np.array_equal(to, np.arange(size)):
        return table
    shape = (*table.shape[:axis], size, *table.shape[axis + 1 :])
    moved = np.zeros(shape, np.int64)
    np.add.at(np.moveaxis(moved, axis, 0), to, np.moveaxis(table, axis, 0))
    return moved
