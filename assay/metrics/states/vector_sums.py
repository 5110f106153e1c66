"""Sums of vectors whose length shows with the first rows, as that of Keras' state variables does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from assay.metrics.states.combining import Combining
from assay.metrics.states.failures import of_number
from assay.metrics.states.objects import Rows
from assay.metrics.values import Floats, Ints

VectorOf = Callable[[Rows], Floats]
"""What some rows of one slice add, as one vector."""


@dataclass(frozen=True)
class VectorSums:
    """Sums (s, k) of s slices; k is 0 where nobody has seen a row."""

    sums: Floats

    @property
    def entry_counts(self) -> None:
        """All slices have as many."""

    def take(self, slices: Ints) -> VectorSums:
        """The sums of the given slices, in that order."""
        return VectorSums(self.sums[slices])

    def read(self, slices: Ints, width: int) -> Floats:
        """The sums of the given slices."""
        return self.sums[slices]

    def resampled(self, combining: Combining) -> VectorSums:
        """See `State`."""
        count, size = self.sums.shape
        by_part = self.sums.reshape(count // combining.parts, combining.parts, size).transpose(1, 0, 2)
        sums = combining.sums(by_part).transpose(1, 0, 2)
        return VectorSums(sums.reshape(count // combining.parts * combining.samples, size))

    @classmethod
    def merged(cls, states: Sequence[VectorSums], slices: Sequence[Ints], count: int) -> VectorSums:
        """Adds states up, in the order of the list; see `State`."""
        total = np.zeros((count, max(state.sums.shape[1] for state in states)))
        for state, at in zip(states, slices, strict=True):
            total[at, : state.sums.shape[1]] += state.sums
        return VectorSums(total)


class VectorStore:
    """The sums of every slice so far."""

    def __init__(self, vector_of: VectorOf) -> None:
        self._vector_of = vector_of
        self._sums = np.zeros((0, 0))

    def add(self, slices: Ints | None, count: int, added: Rows) -> None:
        """Adds the vector of the rows of each slice; see `Store`."""
        for number, rows in added.by_slice(slices):
            with of_number(number):
                vector = self._vector_of(rows)
            self._reserve(count, len(vector))
            self._sums[number] += vector

    def take(self, slices: Ints) -> VectorSums:
        """The sums of the given slices."""
        self._reserve(int(slices.max(initial=-1)) + 1, 0)
        return VectorSums(self._sums[slices])

    def _reserve(self, count: int, size: int) -> None:
        known, width = self._sums.shape
        if count > known or size > width:
            grown = np.zeros((max(count, 2 * known) if count > known else known, max(size, width)))
            grown[:known, :width] = self._sums
            self._sums = grown
