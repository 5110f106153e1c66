"""Scores between the same two thresholds: which are really tied, and how many pairs of both classes have no order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from assay.metrics.computations.table import Entries
from assay.metrics.values import Floats

Ints = npt.NDArray[np.int64]


def marks_of(scores: Floats) -> Floats:
    """Numbers from 1 to 2 that follow from the bits of the scores, as if by chance.

    They have 20 bits behind the point, so that the marks of up to 2^32 rows without weights add up exactly.
    """
    bits = (scores + 0.0).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)  # -0.0 becomes 0.0
    bits = (bits ^ (bits >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    return ((bits >> np.uint64(44) << np.uint64(32)) | np.uint64(0x3FF0000000000000)).view(np.float64)


_SAME_MARK = 1e-8
"""Two means of marks that differ by no more are the same; those of different scores differ by 1e-6 or, in a mixture,
hardly ever by less. Weights make sums inexact, by some 1e-16 for each row of a split in the worst case."""


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
        doubted = _sums(self.slices, self.pairs, count)
        return np.divide(doubted, 2 * self.all_pairs, out=np.zeros(count), where=self.all_pairs > 0)


def untied(entries: Entries, marks: Entries, passed: Ints, intervals: Ints) -> Untied:
    """Finds them.

    Args:
        entries: weights by score cell and label.
        marks: those of a `TieTable`, whose cells are the same but for exact thresholds.
        passed: exact thresholds below each score cell.
        intervals: interval that each score cell lies in; none is narrower than a cell of the marks.
    """
    cell = entries.cells >> 1
    key = entries.slices * (1 << 32) + cell - passed[cell]
    starts = np.flatnonzero(np.append(True, key[1:] != key[:-1])[: len(key)])
    group = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(key))))
    negative, positive = (_sums(group, entries.sums * ((entries.cells & 1) == i), len(starts)) for i in (0, 1))

    # The marks of the same cells; a cell whose weights are all 0 has none.
    wanted = marks.slices * (1 << 32) + (marks.cells >> 1)
    at = np.minimum(np.searchsorted(key[starts], wanted), max(len(starts) - 1, 0))
    known = key[starts][at] == wanted if len(starts) else np.zeros(len(wanted), bool)
    of_label = marks.cells & 1
    marked = [_sums(at[known], (marks.sums * (of_label == i))[known], len(starts)) for i in (0, 1)]
    with np.errstate(all="ignore"):
        tied = np.abs(marked[0] / negative - marked[1] / positive) <= _SAME_MARK

    slices, interval = entries.slices[starts], intervals[cell[starts]]
    return _by_interval(slices, interval, negative, positive, tied, entries.slice_count)


def _by_interval(
    slices: Ints, interval: Ints, negative: Floats, positive: Floats, tied: npt.NDArray[np.bool_], count: int
) -> Untied:
    fresh = (slices[1:] != slices[:-1]) | (interval[1:] != interval[:-1])
    group = np.cumsum(np.append(True, fresh)[: len(slices)]) - 1
    groups = int(group[-1]) + 1 if len(group) else 0
    owner = np.zeros(groups, np.int64)
    owner[group] = slices
    pairs = _sums(group, negative, groups) * _sums(group, positive, groups)
    ties = _sums(group, np.where(tied, negative * positive, 0.0), groups)

    all_pairs = _sums(slices, negative, count) * _sums(slices, positive, count)
    return Untied(owner, np.maximum(pairs - ties, 0.0), all_pairs)


def _sums(bins: Ints, values: Floats, count: int) -> Floats:
    return np.bincount(bins, values, minlength=count).astype(np.float64)  # integers where there is no entry
