"""The first few values of a column in each slice: a state that does not add up, but merges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assay.metrics.states.contributions import Shown
from assay.metrics.values import Ints, Objects


@dataclass(frozen=True)
class Samples:
    """Up to `limit` values of each of s slices: slice i owns values[start[i]:start[i + 1]], first come first.

    start int64 (s + 1,), values object (e,).
    """

    start: Ints
    values: Objects
    limit: int

    @property
    def entry_counts(self) -> None:
        """It makes no difference how many values a slice has."""

    def take(self, slices: Ints) -> Samples:
        """The samples of the given slices, in that order."""
        owner = np.repeat(np.arange(len(slices)), self._counts[slices])
        return _first(owner, self._of(slices), len(slices), self.limit)

    def read(self, slices: Ints, width: int) -> Objects:
        """(len(slices),) arrays of values."""
        taken = self.take(slices)
        by_slice = np.empty(len(slices), object)
        by_slice[:] = np.split(taken.values, taken.start[1:-1])
        return by_slice

    def leave_one_out(self, parts: int) -> Samples:
        """See `State`. Values that are shown have no interval: those of all parts stand with all of them together."""
        slices = (len(self.start) - 1) // parts
        together = np.repeat(np.arange(slices) * (parts + 1), parts)
        return self.merged([self], [together], slices * (parts + 1))

    @classmethod
    def merged(cls, states: Sequence[Samples], slices: Sequence[Ints], count: int) -> Samples:
        """The samples of one state after those of another; see `State`."""
        owner = np.concatenate([np.repeat(at, state._counts) for state, at in zip(states, slices, strict=True)])
        return _first(owner, np.concatenate([state.values for state in states]), count, states[0].limit)

    @property
    def _counts(self) -> Ints:
        return np.diff(self.start)

    def _of(self, slices: Ints) -> Objects:
        count = self._counts[slices]
        at = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(self.start[slices], count)
        return self.values[at]


def _first(owner: Ints, values: Objects, slices: int, limit: int) -> Samples:
    """The first `limit` values of each slice, from the slice (m,) that each value (m,) belongs to."""
    order = np.argsort(owner, kind="stable")
    owner = owner[order]
    rank = np.arange(len(owner)) - np.searchsorted(owner, owner)
    kept = rank < limit
    return Samples(np.searchsorted(owner[kept], np.arange(slices + 1)), values[order[kept]], limit)


class SampleStore:
    """Samples of every slice so far."""

    def __init__(self, limit: int) -> None:
        self._held = Samples(np.zeros(1, np.int64), np.zeros(0, object), limit)

    def add(self, slices: Ints | None, count: int, added: Shown) -> None:
        """Adds values of m rows; see `Store`."""
        owner = np.zeros(len(added.values), np.int64) if slices is None else slices
        known = np.arange(len(self._held.start) - 1)
        first = _first(owner, added.values, count, self._held.limit)
        self._held = Samples.merged([self._held, first], [known, np.arange(count)], max(count, len(known)))

    def take(self, slices: Ints) -> Samples:
        """The samples of the given slices."""
        nothing = np.zeros(0, np.int64)
        self.add(nothing, int(slices.max(initial=-1)) + 1, Shown(np.zeros(0, object), nothing))
        return self._held.take(slices)
