"""Sums of cells by slice as a list: where lanes are many, and each has few rows, a table would be nearly empty."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from assay.metrics.arithmetic import stable_order, sums_by_bin
from assay.metrics.states.contributions import Cells
from assay.metrics.states.marks import Marks, joined
from assay.metrics.states.sparse import Sparse
from assay.metrics.values import Floats, Ints

_FEW = 1 << 18
"""Additions that wait until they are added up, however little is held so far."""


class ListedCells:
    """[slice, cell] sums of those that occur. Additions wait until they are as many as what is held.

    All additions to a cell are one after the other in the order of the rows, as in a table. With marks, it also keeps
    the common mark of cells 2i and 2i + 1, of all that was added to the two.
    """

    def __init__(self, cells: int, *, has_marks: bool) -> None:
        self._cells, self._has_marks = cells, has_marks
        self._positions, self._sums = np.zeros(0, np.int64), np.zeros(0)
        self._marks: Marks | None = np.zeros(0, np.uint16) if has_marks else None
        self._waiting: list[tuple[Ints, Floats, Marks | None]] = []

    def add(self, slices: Ints | None, count: int, added: Cells) -> None:
        """Adds values at [slices, cells]; see `Store`."""
        there = np.flatnonzero(added.values)  # what is 0 adds nothing, nor does its mark
        positions = added.cells[there] if slices is None else slices[there] * self._cells + added.cells[there]
        marks = None if added.marks is None else added.marks[there]
        self._waiting.append((positions, added.values[there], marks))
        if sum(len(positions) for positions, _, _ in self._waiting) > max(len(self._positions), _FEW):
            self._add_up()

    def _add_up(self) -> None:
        positions = np.concatenate([self._positions, *(positions for positions, _, _ in self._waiting)])
        values = np.concatenate([self._sums, *(values for _, values, _ in self._waiting)])
        order = stable_order(positions)  # stable: equal ones keep their order
        positions = positions[order]
        is_first = _begins(positions)
        first = np.flatnonzero(is_first)

        if self._marks is not None:
            of_all = [self._marks, *(marks for _, _, marks in self._waiting if marks is not None)]
            is_first_of_pair = _begins(positions >> 1)
            of_pairs = joined(np.concatenate(of_all)[order], np.flatnonzero(is_first_of_pair))
            self._marks = of_pairs[np.cumsum(is_first_of_pair)[first] - 1]
        self._sums = sums_by_bin(np.cumsum(is_first) - 1, values[order], len(first))
        self._positions, self._waiting = positions[first], []

    def take(self, slices: Ints) -> Sparse:
        """The sums of the given slices, in that order; slices without any contribution have no entries."""
        if self._waiting:
            self._add_up()
        start = np.searchsorted(self._positions, np.arange(int(slices.max(initial=-1)) + 2) * self._cells)
        cells = (self._positions % self._cells).astype(np.int32)
        return Sparse(start, cells, self._sums, self._marks).take(slices)


def _begins(ascending: Ints) -> npt.NDArray[np.bool_]:
    """Whether each number (m,) is the first of its kind."""
    return np.append(True, ascending[1:] != ascending[:-1])[: len(ascending)]
