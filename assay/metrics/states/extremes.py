"""The least and the greatest of some values in each slice: a state that does not add up, but merges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assay.metrics.states.combining import Combining
from assay.metrics.states.contributions import Values
from assay.metrics.values import Floats, Ints


@dataclass(frozen=True)
class Extremes:
    """(s, 2) the least and the greatest value of each slice; NaN where there is none."""

    values: Floats

    @property
    def entry_counts(self) -> None:
        """All slices have as many."""

    def take(self, slices: Ints) -> Extremes:
        """The given slices, in that order."""
        return Extremes(self.values[slices])

    def read(self, slices: Ints, width: int) -> Floats:
        """(len(slices), 2)."""
        return self.values[slices]

    def resampled(self, combining: Combining) -> Extremes:
        """See `State`."""
        by_part = self.values.reshape(-1, combining.parts, 2)
        samples = [_both(by_part[:, times > 0]) for times in combining.times]
        return Extremes(np.stack(samples, axis=1).reshape(-1, 2))

    @classmethod
    def merged(cls, states: Sequence[Extremes], slices: Sequence[Ints], count: int) -> Extremes:
        """The extremes of several states; see `State`."""
        values = _nothing(count)
        for state, at in zip(states, slices, strict=True):
            values[at, 0] = np.fmin(values[at, 0], state.values[:, 0])
            values[at, 1] = np.fmax(values[at, 1], state.values[:, 1])
        return Extremes(values)


class ExtremeStore:
    """Extremes of every slice so far."""

    def __init__(self) -> None:
        self._values = _nothing(1)

    def add(self, slices: Ints | None, count: int, added: Values) -> None:
        """Adds values (m,); see `Store`."""
        self._reserve(count)
        own = np.zeros(len(added.values), np.int64) if slices is None else slices
        np.fmin.at(self._values[:, 0], own, added.values)
        np.fmax.at(self._values[:, 1], own, added.values)

    def take(self, slices: Ints) -> Extremes:
        """The extremes of the given slices."""
        self._reserve(int(slices.max(initial=-1)) + 1)
        return Extremes(self._values[slices])

    def _reserve(self, count: int) -> None:
        if count > len(self._values):
            self._values = np.concatenate(
                [self._values, _nothing(max(count, 2 * len(self._values)) - len(self._values))]
            )


def _nothing(count: int) -> Floats:
    return np.full((count, 2), np.nan)


def _both(by_part: Floats) -> Floats:
    """From (s, parts, 2) to the extremes over parts, (s, 2)."""
    low, high = by_part[..., 0], by_part[..., 1]
    return np.stack([np.fmin.reduce(low, 1, initial=np.nan), np.fmax.reduce(high, 1, initial=np.nan)], axis=1)
