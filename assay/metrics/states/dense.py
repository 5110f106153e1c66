"""Sums of a handful of terms, of which every slice has all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assay.metrics.states.combining import Combining
from assay.metrics.states.contributions import Terms
from assay.metrics.values import Floats, Ints


@dataclass(frozen=True)
class Dense:
    """Sums (s, terms) of s slices."""

    sums: Floats

    @property
    def entry_counts(self) -> None:
        """All slices have as many."""

    def take(self, slices: Ints) -> Dense:
        """The sums of the given slices, in that order."""
        return Dense(self.sums[slices])

    def read(self, slices: Ints, width: int) -> Floats:
        """The sums of the given slices, (len(slices), terms)."""
        return self.sums[slices]

    def resampled(self, combining: Combining) -> Dense:
        """See `State`."""
        terms = self.sums.shape[1]
        by_part = self.sums.reshape(-1, combining.parts, terms).transpose(1, 0, 2)
        return Dense(combining.sums(by_part).transpose(1, 0, 2).reshape(-1, terms))

    @classmethod
    def merged(cls, states: Sequence[Dense], slices: Sequence[Ints], count: int) -> Dense:
        """Adds states up, in the order of the list; see `State`."""
        total = np.zeros((count, states[0].sums.shape[1]))
        for state, at in zip(states, slices, strict=True):
            total[at] += state.sums
        return Dense(total)


class GrowingSums:
    """(slices, terms) sums with room for the slices that are known."""

    def __init__(self, terms: int) -> None:
        self.array = np.zeros((1, terms))

    def reserve(self, count: int) -> None:
        """Makes room for `count` slices; the sums of new ones are 0."""
        known, terms = self.array.shape
        if count > known:
            self.array = np.concatenate([self.array, np.zeros((max(count, known * 2) - known, terms))])

    def take(self, slices: Ints) -> Dense:
        """The sums of the given slices; of one that is not known, 0."""
        self.reserve(int(slices.max(initial=-1)) + 1)
        return Dense(self.array[slices])


class TermSums:
    """[slice, term] sums of a handful of terms of every row."""

    def __init__(self, terms: int) -> None:
        self._sums = GrowingSums(terms)

    def add(self, slices: Ints | None, count: int, added: Terms) -> None:
        """Adds terms of m entries; see `Store`."""
        self._sums.reserve(count)
        if slices is None:  # added up in the same order as where there are slices, so that the bits are the same
            slices = np.zeros(len(added.values), np.int64)
        for term in range(added.values.shape[1]):
            self._sums.array[:count, term] += np.bincount(slices, added.values[:, term], minlength=count)

    def take(self, slices: Ints) -> Dense:
        """The sums of the given slices."""
        return self._sums.take(slices)
