"""Cells of a feature put together to what slices are formed of: values, bins of numbers, and the rare values as one."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Context, Decimal
from typing import NamedTuple

import numpy as np

from assay.discovery.cells import NUMBER, Cells, number_of
from assay.metrics.values import Ints
from assay.slicing.feature_bins import Bins


class Group(NamedTuple):
    """Rows that are one slice by one feature.

    Attributes:
        value: of the feature, or the name of its bin; None for rows without a value.
        rare: how many rare values it stands for; 0 if for none, as nearly always.
    """

    value: str | None
    rare: int = 0


class Groups(NamedTuple):
    """The groups of a feature.

    Attributes:
        of_cells: (size,) the group of each code.
        groups: all of them have rows.
        edges: where the bins of a number begin; none where the groups are values.
    """

    of_cells: Ints
    groups: list[Group]
    edges: tuple[float, ...] = ()


def groups_of(cells: Cells, rows: Ints, *, bins: int, min_rows: int) -> Groups:
    """The groups of a feature; they follow from its rows alone, and not from any loss.

    Args:
        cells: of the feature.
        rows: (size,) rows of each code.
        bins: how many bins numbers are put into.
        min_rows: values with fewer rows are rare.
    """
    known = rows[:-1]
    if cells.kind == NUMBER:
        of_cells, groups, edges = _of_numbers(cells, known, bins)
    else:
        of_cells, groups, edges = *_of_texts(cells, known, min_rows), ()
    if rows[-1]:
        groups = [*groups, Group(None)]
    return Groups(np.append(of_cells, max(len(groups) - 1, 0)), groups, edges)


def _of_texts(cells: Cells, rows: Ints, min_rows: int) -> tuple[Ints, list[Group]]:
    rare = rows < min_rows
    of_cells = np.cumsum(~rare) - 1
    groups = [Group(text) for text, is_rare in zip(cells.texts, rare, strict=True) if not is_rare]
    if rare.any():
        of_cells = np.where(rare, len(groups), of_cells)
        groups.append(Group("", int(rare.sum())))
    return of_cells.astype(np.int64), groups


def _of_numbers(cells: Cells, rows: Ints, bins: int) -> tuple[Ints, list[Group], tuple[float, ...]]:
    if cells.edges:
        names = Bins(cells.edges).names
        return np.arange(len(rows)), [Group(names[at]) for at in cells.numbers], cells.edges
    values = [number_of(cell) for cell in cells.numbers]
    if not cells.dropped and len(values) <= bins and all(value.is_integer() for value in values):
        return np.arange(len(rows)), [Group(str(int(value))) for value in values], ()
    of_cells = _equal_shares(rows, bins)
    first = np.flatnonzero(np.diff(of_cells, prepend=-1))[1:]
    edges = tuple(_edge(cells, int(at)) for at in first)
    return of_cells, [Group(name) for name in (Bins(edges).names if edges else ["(-inf, inf)"])], edges


def _equal_shares(rows: Ints, bins: int) -> Ints:
    """Puts neighbouring cells together until each has its share of the rows; a small rest joins the last."""
    share, held, at = rows.sum() / bins, 0, 0
    of_cells = np.zeros(len(rows), np.int64)
    for i, count in enumerate(rows.tolist()):
        of_cells[i] = at
        held += count
        if held >= share:
            held, at = 0, at + 1
    if 0 < held < share / 2 and at:
        of_cells[of_cells == at] = at - 1
    return of_cells


def _edge(cells: Cells, at: int) -> float:
    """The number with the fewest digits that is above the cell before, and not above the beginning of this one."""
    begins = number_of(cells.numbers[at] << cells.dropped)
    before = number_of(((cells.numbers[at - 1] + 1) << cells.dropped) - 1)
    for digits in range(1, 18):
        edge = float(Context(prec=digits, rounding=ROUND_FLOOR).plus(Decimal(repr(begins))))
        if before < edge <= begins:
            return edge
    return begins
