"""Samples of a slice that are made of its parts, such as all of them but one: what any state is resampled by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from assay.metrics.arithmetic import stable_order, with_sums_of_others
from assay.metrics.values import Floats, Ints

Times = npt.NDArray[np.uint8]

_NUMBERS_AT_ONCE = 1 << 16
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

    @property
    def counted(self) -> Counted:
        """The same samples, by how often each part counts."""

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

    @property
    def counted(self) -> Counted:
        """See `Combining`."""
        return Counted(self.times)

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

    All that each number is made of is added up in one order, so that its bits do not depend on which are beside it.
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
        flat = np.ascontiguousarray(by_part.reshape(self.parts, -1).T)
        sums = np.einsum("kp,cp->kc", self.times.astype(np.float64), flat)
        return sums.reshape(self.samples, *by_part.shape[1:])

    def sums_of(self, part: Ints, column: Ints, values: Floats, columns: int) -> Floats:
        """See `Combining`."""
        if values.ndim > 1:
            return np.stack([self.sums_of(part, column, own, columns) for own in values.T], axis=-1)
        if (column[1:] < column[:-1]).any():
            order = stable_order(column)
            part, column, values = part[order], column[order], values[order]
        sums = np.empty((columns, self.samples))
        self.add_up(part, values, np.searchsorted(column, np.arange(columns + 1)), sums)
        return sums.T

    def add_up(self, part: Ints, values: Floats, start: Ints, sums: Floats) -> None:
        """Puts what each sample has into `sums` (columns, k).

        Args:
            part: (m,).
            values: (m,) of these parts, column by column.
            start: (columns + 1,) where those of each column begin.
            sums: is filled.
        """
        sizes = np.diff(start)
        by_size = np.argsort(sizes, kind="stable")
        bounds = np.flatnonzero(np.diff(sizes[by_size], prepend=-1, append=-1)).tolist()
        for first, last in pairwise(bounds):
            places = np.arange(sizes[by_size[first]])  # of as many values each
            step = max(1, _NUMBERS_AT_ONCE // (self.samples * max(len(places), 1)))
            for some in (by_size[at : min(at + step, last)] for at in range(first, last, step)):
                at = start[some, None] + places
                times = self._by_part.take(part[at], axis=0).astype(np.float64)
                sums[some] = np.einsum("cp,cpk->ck", values[at], times)

    @property
    def counted(self) -> Counted:
        """See `Combining`."""
        return self

    @cached_property
    def _by_part(self) -> Times:
        """(p, k), of one byte each, so that all of them stay in the caches."""
        return np.ascontiguousarray(self.times.T)

    def folded(self, held: Sequence[Any], merged: Callable[[Sequence[Any]], Any]) -> list[Any]:
        """See `Combining`."""
        return [
            merged([one for one, often in zip(held, times, strict=True) for _ in range(often)])
            for times in self.times.tolist()
        ]
