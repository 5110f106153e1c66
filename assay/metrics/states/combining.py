"""Samples of a slice that are made of its parts, such as all of them but one: what any state is resampled by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from assay.metrics.arithmetic import with_sums_of_others
from assay.metrics.values import Floats, Ints

Times = npt.NDArray[np.uint8]

_NUMBERS_AT_ONCE = 1 << 18
"""Numbers that are added up together, few enough for the caches."""


class Combining(Protocol):
    """How k samples are made of p parts; in the first sample each part counts once."""

    @property
    def parts(self) -> int:
        """The number p."""

    @property
    def samples(self) -> int:
        """The number k."""

    @property
    def times(self) -> Times:
        """(k, p) how often each part counts in each sample."""

    def sums(self, by_part: Floats) -> Floats:
        """From what each part has (p, ...) to what each sample has (k, ...)."""

    def sums_of(self, part: Ints, column: Ints, values: Floats, columns: int) -> Floats:
        """The same of few numbers among zeros: values (m, ...) at [part, column], by column, to (k, columns, ...)."""

    def folded(self, held: Sequence[Any], merged: Callable[[Sequence[Any]], Any]) -> list[Any]:
        """(k,) objects of (p,) objects, where `merged` makes one of several."""


@dataclass(frozen=True)
class LeaveOneOut:
    """All parts, then all but each of them: p + 1 samples."""

    parts: int

    @property
    def samples(self) -> int:
        """One more than parts."""
        return self.parts + 1

    @property
    def times(self) -> Times:
        """See `Combining`."""
        return np.concatenate([np.ones((1, self.parts), np.uint8), 1 - np.eye(self.parts, dtype=np.uint8)])

    def sums(self, by_part: Floats) -> Floats:
        """See `Combining`."""
        return with_sums_of_others(by_part)

    def sums_of(self, part: Ints, column: Ints, values: Floats, columns: int) -> Floats:
        """See `Combining`."""
        by_part = np.zeros((self.parts, columns, *values.shape[1:]))
        by_part[part, column] = values
        return with_sums_of_others(by_part)

    def folded(self, held: Sequence[Any], merged: Callable[[Sequence[Any]], Any]) -> list[Any]:
        """See `Combining`. Objects merge one by one from both ends, so that each is merged some three times."""
        before, behind = _merging(held, merged), _merging(held[::-1], merged)[::-1]
        return [before[-1], *(merged([before[i], behind[i + 1]]) for i in range(self.parts))]


def _merging(held: Sequence[Any], merged: Callable[[Sequence[Any]], Any]) -> list[Any]:
    """What the first 0, 1, ... objects are together."""
    together: list[Any] = [None]
    for one in held:
        together.append(merged([together[-1], one]))
    return together


@dataclass(frozen=True, eq=False)
class Counted:
    """Samples in which parts count as often as `times` (k, p) says.

    Sums are added up part by part, so that the bits of one number do not depend on which others are beside it.
    """

    times: Times

    @property
    def parts(self) -> int:
        """The number p."""
        return self.times.shape[1]

    @property
    def samples(self) -> int:
        """The number k."""
        return self.times.shape[0]

    def sums(self, by_part: Floats) -> Floats:
        """See `Combining`."""
        flat = by_part.reshape(self.parts, -1)
        sums = np.zeros((self.samples, flat.shape[1]))
        for times, own in zip(self._by_part, flat, strict=True):
            if own.any():
                sums += times[:, None] * own
        return sums.reshape(self.samples, *by_part.shape[1:])

    def sums_of(self, part: Ints, column: Ints, values: Floats, columns: int) -> Floats:
        """See `Combining`."""
        if values.ndim > 1:
            return np.stack([self.sums_of(part, column, own, columns) for own in values.T], axis=-1)
        sums = np.empty((self.samples, columns))
        order = np.argsort(column, kind="stable")
        start = np.searchsorted(column[order], np.arange(columns + 1))
        step = max(1, _NUMBERS_AT_ONCE // self.samples)
        for first in range(0, columns, step):
            own = start[first : first + step + 1]
            at = order[own[0] : own[-1]]
            sums[:, first : first + step] = self._of_columns(part[at], values[at], own - own[0])
        return sums

    def _of_columns(self, part: Ints, values: Floats, start: Ints) -> Floats:
        """(k, columns) from the parts and values (m,) of columns that stand in a row."""
        times = self._by_part
        sizes = np.diff(start)
        longest = np.argsort(-sizes, kind="stable")
        first, ascending = start[:-1][longest], sizes[longest][::-1]
        sums = np.zeros((len(sizes), self.samples))

        # The first number of each column, then the second of those that have two, which stand before the others.
        for place in range(int(sizes.max(initial=0))):
            count = len(sizes) - int(np.searchsorted(ascending, place, "right"))
            at = first[:count] + place
            sums[:count] += times[part[at]] * values[at, None]
        in_order = np.empty_like(longest)
        in_order[longest] = np.arange(len(longest))
        return sums[in_order].T

    @cached_property
    def _by_part(self) -> Floats:
        """(p, k)."""
        return np.ascontiguousarray(self.times.T, np.float64)

    def folded(self, held: Sequence[Any], merged: Callable[[Sequence[Any]], Any]) -> list[Any]:
        """See `Combining`."""
        return [
            merged([one for one, often in zip(held, times, strict=True) for _ in range(often)])
            for times in self.times.tolist()
        ]
