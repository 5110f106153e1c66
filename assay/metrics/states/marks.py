"""Marks of scores: whether all scores of a cell are equal.

Each score has a mark, 16 bits that its own bits make. A table keeps the mark of each cell as long as all scores there
have the same one. Of two different scores, one pair in some 65,000 has one mark and passes for equal.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from assay.metrics.states.growing import Growing
from assay.metrics.values import Floats, Ints

Marks: TypeAlias = npt.NDArray[np.uint16]

NO_MARK, SEVERAL = 0, 1
"""What stands for a cell without scores, and for one whose scores have several marks; marks are above both."""


def marks_of(scores: Floats, weights: Floats) -> Marks:
    """The marks (n,) of scores (n,); none where the weight (n,) is 0, since such a row adds nothing to its cell."""
    bits = (scores + 0.0).view(np.uint64)  # -0.0 becomes 0.0
    marks = np.maximum((bits * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(48)).astype(np.uint16), SEVERAL + 1)
    return marks if weights.all() else np.where(weights != 0, marks, NO_MARK).astype(np.uint16)


class MarkTable:
    """The mark that all scores of each position have so far."""

    def __init__(self, size: int) -> None:
        self._marks = Growing(size, np.uint16)

    def add(self, positions: Ints, marks: Marks, size: int) -> None:
        """Takes note of marks (m,) at positions (m,), which are below `size`."""
        self._marks.reserve(size)
        table = self._marks.array
        known = table.take(positions)  # which is quicker than an index

        # Most marks are known already, or do not matter any more.
        at = np.flatnonzero((known != marks) & (known != SEVERAL))
        at = at[marks[at] != NO_MARK]
        if not len(at):
            return

        # Of the marks that are new at one position the last one stays, and the others see that it is not theirs.
        positions, marks = positions[at], marks[at]
        table[positions] = np.where(known[at] == NO_MARK, marks, SEVERAL)
        table[positions[table[positions] != marks]] = SEVERAL

    def at(self, positions: Ints) -> Marks:
        """The marks of positions."""
        return self._marks.array.take(positions)


def joined(marks: Marks, first: Ints) -> Marks:
    """The marks of cells that are put together: one ends where the next one has its `first`."""
    of_cell = marks[first]

    # A mark that is not its cell's first one says that the cell has several.
    differs = np.flatnonzero(marks != np.repeat(of_cell, np.diff(np.append(first, len(marks)))))
    of_cell[np.searchsorted(first, differs, "right") - 1] = SEVERAL
    return of_cell
