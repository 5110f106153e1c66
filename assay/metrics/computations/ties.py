"""Scores that share a cell: which are really tied, and how many pairs of both classes cannot be told apart."""

from __future__ import annotations

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


def doubt(entries: Entries, marks: Entries, passed: Ints, intervals: Ints) -> Floats:
    """Half the pairs of both classes within an interval that are not tied, over all pairs; (s,), 0 without pairs.

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
    return _pairs_in_doubt(slices, interval, negative, positive, tied, entries.slice_count)


def _pairs_in_doubt(
    slices: Ints, interval: Ints, negative: Floats, positive: Floats, tied: npt.NDArray[np.bool_], count: int
) -> Floats:
    fresh = (slices[1:] != slices[:-1]) | (interval[1:] != interval[:-1])
    group = np.cumsum(np.append(True, fresh)[: len(slices)]) - 1
    groups = int(group[-1]) + 1 if len(group) else 0
    owner = np.zeros(groups, np.int64)
    owner[group] = slices
    pairs = _sums(group, negative, groups) * _sums(group, positive, groups)
    ties = _sums(group, np.where(tied, negative * positive, 0.0), groups)

    doubted = _sums(owner, np.maximum(pairs - ties, 0.0), count)
    all_pairs = _sums(slices, negative, count) * _sums(slices, positive, count)
    return np.divide(doubted, 2 * all_pairs, out=np.zeros(count), where=all_pairs > 0)


def _sums(bins: Ints, values: Floats, count: int) -> Floats:
    return np.bincount(bins, values, minlength=count).astype(np.float64)  # integers where there is no entry
