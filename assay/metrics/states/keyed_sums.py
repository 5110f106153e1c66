"""Sums by slice and key, for keys of any range, such as the bits of a score or a pair of classes; those that occur.

All additions of a store are one after the other in the order of the rows, so its bits do not depend on how these are
cut into batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from assay.metrics.arithmetic import sums_by_bin
from assay.metrics.states.combining import Combining
from assay.metrics.states.contributions import Keyed
from assay.metrics.values import Floats, Ints

_FEW = 1 << 16
"""Entries that wait until they are added up, however little is held so far."""
_SUMS_AT_ONCE = 21 << 17
"""Sums of samples that are made together, so that this takes little memory beside all samples."""


class KeyedEntries(NamedTuple):
    """The sums of a group of s slices: entry i is `sums[i]` (columns,) at [slices[i], keys[i]], ascending.

    `width` as in `Entries`.
    """

    slice_count: int
    slices: Ints
    keys: Ints
    sums: Floats
    width: int


class KeyedSums(NamedTuple):
    """Sums of s slices in compressed rows: slice i owns entries start[i]:start[i + 1], keys ascending.

    start int64 (s + 1,), keys int64 (e,), sums float64 (e, columns), of which none has zeros only.
    """

    start: Ints
    keys: Ints
    sums: Floats

    @property
    def entry_counts(self) -> Ints:
        """(s,) keys of each slice."""
        return np.diff(self.start)

    @property
    def owner(self) -> Ints:
        """(e,) the slice of each entry."""
        return np.repeat(np.arange(len(self.start) - 1), self.entry_counts)

    def take(self, slices: Ints) -> KeyedSums:
        """The sums of the given slices, in that order."""
        count = self.entry_counts[slices]
        start = np.concatenate([[0], np.cumsum(count)])
        at = np.arange(start[-1]) + np.repeat(self.start[slices] - start[:-1], count)
        return KeyedSums(start, self.keys[at], self.sums[at])

    def read(self, slices: Ints, width: int) -> KeyedEntries:
        """The sums of the given slices, numbered 0.. in that order."""
        taken = self.take(slices)
        return KeyedEntries(len(slices), taken.owner, taken.keys, taken.sums, width)

    def resampled(self, combining: Combining) -> KeyedSums:
        """See `State`."""
        owner, part = np.divmod(self.owner, combining.parts)
        order = np.lexsort((self.keys, owner))
        pieces = _pieces(owner[order], self.keys[order], order, max(1, _SUMS_AT_ONCE // combining.samples))
        samples = [self._samples(owner, part, at, combining) for at in pieces]

        # By slice and sample, and stably, so that the keys of each stay ascending.
        slices, keys, sums = (np.concatenate(pieces) for pieces in zip(*samples, strict=True))
        order = np.argsort(slices, kind="stable")
        count = (len(self.start) - 1) // combining.parts * combining.samples
        start = np.searchsorted(slices[order], np.arange(count + 1))
        return KeyedSums(start, keys[order], sums[order])

    def _samples(self, owner: Ints, part: Ints, at: Ints, combining: Combining) -> tuple[Ints, Ints, Floats]:
        """The entries of all samples that come from the entries `at`: their slices, keys and sums."""
        number, first = _numbered(owner[at], self.keys[at])

        sums = combining.sums_of(part[at], number, self.sums[at], len(first)).transpose(1, 0, 2)
        kept, sample = np.nonzero(sums.any(-1))
        of_kept = at[first][kept]
        return owner[of_kept] * combining.samples + sample, self.keys[of_kept], sums[kept, sample]

    @classmethod
    def merged(cls, states: Sequence[KeyedSums], slices: Sequence[Ints], count: int) -> KeyedSums:
        """Adds states up, in the order of the list; see `State`."""
        owner = np.concatenate([np.repeat(at, state.entry_counts) for state, at in zip(states, slices, strict=True)])
        keys = np.concatenate([state.keys for state in states])
        return _added_up(owner, keys, np.concatenate([state.sums for state in states]), count)


def _added_up(owner: Ints, keys: Ints, values: Floats, count: int) -> KeyedSums:
    """The sums of `count` slices of values (m, columns) at [owner, key], equal ones added in the order given."""
    order = np.lexsort((keys, owner))  # stable: equal ones keep their order
    owner, keys = owner[order], keys[order]
    number, first = _numbered(owner, keys)
    columns = [sums_by_bin(number, values[order, column], len(first)) for column in range(values.shape[1])]

    sums = np.stack(columns, axis=1)
    kept = sums.any(1)
    first, sums = first[kept], sums[kept]
    return KeyedSums(np.searchsorted(owner[first], np.arange(count + 1)), keys[first], sums)


def _numbered(owner: Ints, keys: Ints) -> tuple[Ints, Ints]:
    """Of ascending (owner, key) (m,): the number of each among the different ones, and where each of these is first."""
    fresh = np.append(True, (owner[1:] != owner[:-1]) | (keys[1:] != keys[:-1]))[: len(keys)]
    return np.cumsum(fresh) - 1, np.flatnonzero(fresh)


def _pieces(owner: Ints, keys: Ints, order: Ints, most: int) -> Iterator[Ints]:
    """Cuts `order` into pieces of at most so many different (owner, key), which ascend; at least one piece."""
    _, first = _numbered(owner, keys)
    yield from np.split(order, first[most::most])


class KeyedStore:
    """[slice, key] sums of some columns. Batches wait until they are as many as what is held; then all is added up."""

    def __init__(self, columns: int) -> None:
        none = np.zeros(0, np.int64)
        self._held, self._slices = KeyedSums(np.zeros(1, np.int64), none, np.zeros((0, columns))), 0
        self._waiting: list[tuple[Ints, Keyed]] = []

    def add(self, slices: Ints | None, count: int, added: Keyed) -> None:
        """Adds values of m entries; see `Store`."""
        self._slices = max(self._slices, count)
        self._waiting.append((np.zeros(len(added.keys), np.int64) if slices is None else slices, added))
        if sum(len(owner) for owner, _ in self._waiting) > max(len(self._held.keys), _FEW):
            self._add_up()

    def _add_up(self) -> None:
        held = self._held
        owner = np.concatenate([held.owner, *(owner for owner, _ in self._waiting)])
        keys = np.concatenate([held.keys, *(added.keys for _, added in self._waiting)])
        values = np.concatenate([held.sums, *(added.values for _, added in self._waiting)])
        self._held, self._waiting = _added_up(owner, keys, values, self._slices), []

    def take(self, slices: Ints) -> KeyedSums:
        """The sums of the given slices; of one that is not known, none."""
        self._slices = max(self._slices, int(slices.max(initial=-1)) + 1)
        if self._waiting or len(self._held.start) <= self._slices:
            self._add_up()
        return self._held.take(slices)
