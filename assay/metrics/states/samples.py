"""A few values of a column in each slice, the first or those of the lowest rank: a state that merges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assay.metrics.states.combining import Combining
from assay.metrics.states.contributions import Shown
from assay.metrics.values import Ints, Objects


@dataclass(frozen=True)
class Samples:
    """Up to `limit` values of each of s slices, by rank; of equal rank, first come first.

    Attributes:
        start: (s + 1,) slice i owns values[start[i]:start[i + 1]].
        values: (e,) objects.
        ranks: (e, 2) ascending within a slice; all 0 where it is first come first.
        limit: values of a slice.
    """

    start: Ints
    values: Objects
    ranks: Ints
    limit: int

    @property
    def entry_counts(self) -> None:
        """It makes no difference how many values a slice has."""

    def take(self, slices: Ints) -> Samples:
        """The samples of the given slices, in that order."""
        owner, at = np.repeat(np.arange(len(slices)), self._counts[slices]), self._of(slices)
        return _samples(owner, self.values[at], self.ranks[at], len(slices), self.limit)

    def read(self, slices: Ints, width: int) -> Objects:
        """(len(slices),) arrays of values."""
        taken = self.take(slices)
        by_slice = np.empty(len(slices), object)
        by_slice[:] = np.split(taken.values, taken.start[1:-1])
        return by_slice

    def resampled(self, combining: Combining) -> Samples:
        """See `State`. Values that are shown have no interval: those of all parts stand with the first sample."""
        slices = (len(self.start) - 1) // combining.parts
        together = np.repeat(np.arange(slices) * combining.samples, combining.parts)
        return self.merged([self], [together], slices * combining.samples)

    @classmethod
    def merged(cls, states: Sequence[Samples], slices: Sequence[Ints], count: int) -> Samples:
        """The samples of one state after those of another; see `State`."""
        owner = np.concatenate([np.repeat(at, state._counts) for state, at in zip(states, slices, strict=True)])
        values, ranks = (np.concatenate([getattr(state, name) for state in states]) for name in ("values", "ranks"))
        return _samples(owner, values, ranks, count, states[0].limit)

    @property
    def _counts(self) -> Ints:
        return np.diff(self.start)

    def _of(self, slices: Ints) -> Ints:
        """Where the values of the given slices are."""
        count = self._counts[slices]
        return (
            np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(self.start[slices], count)
        )


def _samples(owner: Ints, values: Objects, ranks: Ints, slices: int, limit: int) -> Samples:
    """The values of the lowest ranks of each slice, from the slice (m,) that each value (m,) belongs to."""
    at = _lowest(owner, ranks, limit)
    return Samples(np.searchsorted(owner[at], np.arange(slices + 1)), values[at], ranks[at], limit)


def _lowest(owner: Ints, ranks: Ints, limit: int) -> Ints:
    """Where the `limit` lowest of each owner (m,) are, by owner and rank."""
    order = np.lexsort((ranks[:, 1], ranks[:, 0], owner))
    owner = owner[order]
    kept: Ints = order[np.arange(len(owner)) - np.searchsorted(owner, owner) < limit]
    return kept


class SampleStore:
    """Samples of every slice so far."""

    def __init__(self, limit: int) -> None:
        self._held = Samples(np.zeros(1, np.int64), np.zeros(0, object), np.zeros((0, 2), np.int64), limit)

    def add(self, slices: Ints | None, count: int, added: Shown) -> None:
        """Adds values of m rows, of which those that are kept are read; see `Store`."""
        owner = np.zeros(len(added.values), np.int64) if slices is None else slices
        ranks = np.zeros((len(owner), 2), np.int64) if added.ranks is None else added.ranks
        at = _lowest(owner, ranks, self._held.limit)
        values = added.values[at]
        read = values if isinstance(values, np.ndarray) else values.read()

        known = np.arange(len(self._held.start) - 1)
        lowest = _samples(owner[at], read, ranks[at], count, self._held.limit)
        self._held = Samples.merged([self._held, lowest], [known, np.arange(count)], max(count, len(known)))

    def take(self, slices: Ints) -> Samples:
        """The samples of the given slices."""
        nothing = np.zeros(0, np.int64)
        self.add(nothing, int(slices.max(initial=-1)) + 1, Shown(np.zeros(0, object), nothing))
        return self._held.take(slices)
