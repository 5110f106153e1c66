"""Sums by name, of as many names as occur."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from assay.errors import ColumnTypeError
from assay.metrics.states.combining import Combining
from assay.metrics.states.contributions import Named
from assay.metrics.values import Floats, Ints, Objects


@dataclass(frozen=True)
class NamedSums:
    """Sums of s slices: name -> (s, 1 + c), the number of additions and the sums of c numbers."""

    by_name: Mapping[str, Floats]
    count: int

    @property
    def entry_counts(self) -> None:
        """It makes no difference how many names a slice has."""

    def take(self, slices: Ints) -> NamedSums:
        """The sums of the given slices, in that order."""
        return NamedSums({name: sums[slices] for name, sums in self.by_name.items()}, len(slices))

    def read(self, slices: Ints, width: int) -> Objects:
        """(len(slices),) a dict for each: name -> sums (c,), of the names that occur in the slice."""
        by_slice = np.empty(len(slices), object)
        by_slice[:] = [
            {name: sums[at, 1:] for name, sums in sorted(self.by_name.items()) if sums[at, 0] > 0} for at in slices
        ]
        return by_slice

    def resampled(self, combining: Combining) -> NamedSums:
        """See `State`. Sums by name have no interval: those of all parts stand with the first sample."""
        slices = self.count // combining.parts
        together = np.repeat(np.arange(slices) * combining.samples, combining.parts)
        return self.merged([self], [together], slices * combining.samples)

    @classmethod
    def merged(cls, states: Sequence[NamedSums], slices: Sequence[Ints], count: int) -> NamedSums:
        """Adds states up, in the order of the list; see `State`.

        Raises:
            ColumnTypeError: a name has another number of sums in some states.
        """
        total: dict[str, Floats] = {}
        for state, at in zip(states, slices, strict=True):
            for name, sums in state.by_name.items():
                known = total.setdefault(name, np.zeros((count, sums.shape[1])))
                check_width(name, known.shape[1] - 1, sums.shape[1] - 1)
                np.add.at(known, at, sums)
        return NamedSums(total, count)


def check_width(name: str, known: int, width: int) -> None:
    """Refuses a feature that has lists of another length in some batches."""
    if known != width:
        raise ColumnTypeError(
            f"attributions of feature {name!r} have {known} values a row in some batches and {width} in others; "
            "expected one number, or lists of one length"
        )


class NamedStore:
    """Sums of every slice so far."""

    def __init__(self) -> None:
        self._held = NamedSums({}, 0)

    def add(self, slices: Ints | None, count: int, added: Named) -> None:
        """Adds m rows; see `Store`."""
        at = np.zeros(len(added.times), np.int64) if slices is None else slices
        sums = {name: _summed(at, np.column_stack([added.times, v]), count) for name, v in added.by_name.items()}
        known = self._held.count
        states = [self._held, NamedSums(sums, count)]
        self._held = NamedSums.merged(states, [np.arange(known), np.arange(count)], max(count, known))

    def take(self, slices: Ints) -> NamedSums:
        """The sums of the given slices; of one that is not known, none."""
        count = max(int(slices.max(initial=-1)) + 1, self._held.count)
        return NamedSums.merged([self._held], [np.arange(self._held.count)], count).take(slices)


def _summed(slices: Ints, values: Floats, count: int) -> Floats:
    return np.column_stack([np.bincount(slices, column, minlength=count) for column in values.T])
