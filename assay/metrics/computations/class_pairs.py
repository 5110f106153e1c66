"""Sums by pairs of classes and by what thresholds a score is above: keys of fixed stride, so any classes fit together.

A key holds two classes and the *interval* of a score: the number of thresholds of the table below it. So a row is one
entry however many thresholds there are, and tables of other thresholds join.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from assay.metrics.arithmetic import sums_by_bin
from assay.metrics.states.keyed_sums import KeyedEntries
from assay.metrics.values import Floats, Ints, Objects

_BITS = 21
"""Of each part of a key: classes and intervals below 2 million."""
_NONE = 1
"""Added to a class, as -1 stands for none."""


def key_of(first: Ints | int, second: Ints | int, interval: Ints | int) -> Ints:
    """The key of two classes, -1 or more, and an interval; keys ascend by first class, second class, interval."""
    parts = first + _NONE << 2 * _BITS, second + _NONE << _BITS, interval
    return np.asarray(sum(parts), np.int64)


def intervals_of(scores: Floats, thresholds: tuple[float, ...]) -> Ints:
    """The number of ascending thresholds below each score, so that one equal to a threshold is not above it."""
    return np.searchsorted(np.asarray(thresholds), scores, "left")


class Groups(NamedTuple):
    """What the entries of one slice and one class, or pair of classes, have in common: g groups.

    Attributes:
        slices: (g,) ascending.
        first: (g,) their first class.
        second: (g,) their second class.
        of_entries: (e,) the group of each entry.
    """

    slices: Ints
    first: Ints
    second: Ints
    of_entries: Ints

    def sums(self, bins: Ints, weights: Floats, count: int) -> Floats:
        """Adds the weights of entries (e,) up: (g, count), entry i going to bins[i]."""
        sums = sums_by_bin(self.of_entries * count + bins, weights, len(self.slices) * count)
        return sums.reshape(-1, count)


def by_pair(entries: KeyedEntries) -> Groups:
    """The entries of each pair of classes."""
    return _groups(entries, _BITS)


def by_first(entries: KeyedEntries) -> Groups:
    """The entries of each first class; the second means nothing."""
    return _groups(entries, 2 * _BITS)


def _groups(entries: KeyedEntries, bits: int) -> Groups:
    shared = entries.keys >> bits
    fresh = np.append(True, (shared[1:] != shared[:-1]) | (np.diff(entries.slices) != 0))[: len(shared)]
    keys = entries.keys[fresh]
    second = (keys >> _BITS & (1 << _BITS) - 1) - _NONE
    return Groups(entries.slices[fresh], (keys >> 2 * _BITS) - _NONE, second, np.cumsum(fresh) - 1)


def intervals_in(entries: KeyedEntries) -> Ints:
    """The interval of each entry (e,)."""
    return entries.keys & (1 << _BITS) - 1


def coarser(intervals: Ints, table: tuple[float, ...], fewer: tuple[float, ...]) -> Ints:
    """The number of some of a table's thresholds below a score, from the number of all of them; both ascend."""
    return np.searchsorted(np.searchsorted(table, fewer), intervals, "left")


def cells_by_slice(slices: Ints, columns: tuple[Ints | Floats, ...], count: int) -> Objects:
    """Rows of columns (k,), sorted by slice and by the first three of them: (count,) arrays (k_i, columns)."""
    order = np.lexsort((*columns[2::-1], slices))
    rows = np.stack([np.asarray(column, np.float64)[order] for column in columns], axis=1)
    by_slice = np.empty(count, object)
    by_slice[:] = np.split(rows, np.searchsorted(slices[order], np.arange(1, count)))
    return by_slice
