"""Scores between the same two thresholds: which are really tied, and how many pairs of both classes have no order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from assay.metrics.arithmetic import sums_by_bin
from assay.metrics.states.cell_entries import Entries
from assay.metrics.states.marks import SEVERAL, joined
from assay.metrics.values import Floats, Ints


class Untied(NamedTuple):
    """Pairs of a positive and a negative between the same two thresholds that are not tied.

    Attributes:
        slices: (g,) ascending, one for each pair of thresholds with scores between them, lower thresholds first.
        pairs: (g,) the weight of the pairs there, 0 where all are tied.
        all_pairs: (s,) the weight of all pairs of the slice, wherever they are.
    """

    slices: Ints
    pairs: Floats
    all_pairs: Floats

    def doubt_of_roc(self) -> Floats:
        """By how much the area under the ROC curve may be off, (s,): they count half; 0 without pairs."""
        count = len(self.all_pairs)
        doubted = sums_by_bin(self.slices, self.pairs, count)
        return np.divide(doubted, 2 * self.all_pairs, out=np.zeros(count), where=self.all_pairs > 0)


def untied(entries: Entries, passed: Ints, intervals: Ints) -> Untied:
    """Finds them.

    Args:
        entries: weights and marks by score cell and label, of a table that is fine.
        passed: exact thresholds below each score cell.
        intervals: interval that each score cell lies in; none is narrower than a cell without exact thresholds.
    """
    assert entries.marks is not None
    cell = entries.cells >> 1

    # Entries of one score cell, whatever the exact thresholds and labels, stand together and are a group.
    begins = entries.begins(cell - passed.take(cell))
    starts, group = np.flatnonzero(begins), np.cumsum(begins) - 1

    is_positive = entries.cells & 1
    negative, positive = sums_by_bin(2 * group + is_positive, entries.sums, 2 * len(starts)).reshape(-1, 2).T
    tied = joined(entries.marks, starts) > SEVERAL

    slices, interval = entries.slices[starts], intervals[cell[starts]]
    return _by_interval(slices, interval, negative, positive, tied, entries.slice_count)


def _by_interval(
    slices: Ints, interval: Ints, negative: Floats, positive: Floats, tied: npt.NDArray[np.bool_], count: int
) -> Untied:
    all_pairs = sums_by_bin(slices, negative, count) * sums_by_bin(slices, positive, count)
    fresh = (slices[1:] != slices[:-1]) | (interval[1:] != interval[:-1])
    if fresh.all():  # each cell is an interval of its own, as mostly
        return Untied(slices, np.where(tied, 0.0, negative * positive), all_pairs)
    group = np.cumsum(np.append(True, fresh)[: len(slices)]) - 1
    groups = int(group[-1]) + 1 if len(group) else 0
    owner = np.zeros(groups, np.int64)
    owner[group] = slices

    # All pairs of an interval, but for those of a cell whose scores are all equal.
    pairs = sums_by_bin(group, negative, groups) * sums_by_bin(group, positive, groups)
    ties = sums_by_bin(group, np.where(tied, negative * positive, 0.0), groups)
    return Untied(owner, np.maximum(pairs - ties, 0.0), all_pairs)
