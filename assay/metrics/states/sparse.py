"""Sums of cells that travel and merge: of each slice only those that are not 0. Samples of a slice share its cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from assay.metrics.arithmetic import stable_order, sums_by_bin
from assay.metrics.states.cell_entries import ByPart, Entries, SampledEntries
from assay.metrics.states.combining import Combining
from assay.metrics.states.marks import SEVERAL, Marks, joined
from assay.metrics.states.occurring import numbered
from assay.metrics.values import Floats, Ints

_ENTRIES_AT_ONCE = 1 << 19
"""Entries that are sorted together, so that merging takes little memory beside what it merges."""

_WIDTH = 1 << 32
"""Above every cell, so that slice * _WIDTH + cell orders entries by slice, then cell."""


class Sparse(NamedTuple):
    """Sums of s slices in compressed rows: slice i owns entries start[i]:start[i + 1], cells ascending.

    start int64 (s + 1,), cells int32 (e,), sums float64 (e,); marks (e,), or None in a table without.
    """

    start: Ints
    cells: npt.NDArray[np.int32]
    sums: Floats
    marks: Marks | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Half of the cells' bits are told by their order: runners hold all states of a run as bytes, twice."""
        count, high = len(self.start) - 1, self.cells >> 16
        width = int(high.max(initial=0)) + 1
        owner = np.repeat(np.arange(count), np.diff(self.start))
        sizes = np.bincount(owner * width + high, minlength=count * width).reshape(count, width)
        return _unpacked, (sizes, self.cells.astype(np.uint16), self.sums, self.marks)

    @property
    def sizes(self) -> Ints:
        """(s,) sums of each slice."""
        return np.diff(self.start)

    @property
    def entry_counts(self) -> Ints:
        """(s,) sums of each slice, where two cells with one mark count once: they are one point of a curve."""
        if self.marks is None:
            return self.sizes
        pair = self.cells >> 1
        first = np.ones(len(pair), bool)
        np.not_equal(pair[1:], pair[:-1], out=first[1:])
        first[self.start[:-1][self.sizes > 0]] = True
        return np.diff(np.append(0, np.cumsum(first))[self.start])

    def take(self, slices: Ints) -> Sparse:
        """The sums of the given slices, in that order; a view of them if they follow one another."""
        if len(slices) and (np.diff(slices) == 1).all():
            first, last = slices[0], slices[-1] + 1
            own = slice(self.start[first], self.start[last])
            marks = None if self.marks is None else self.marks[own]
            return Sparse(self.start[first : last + 1] - self.start[first], self.cells[own], self.sums[own], marks)
        count = self.sizes[slices]
        start = np.concatenate([[0], np.cumsum(count)])
        at = np.arange(start[-1]) + np.repeat(self.start[slices] - start[:-1], count)
        return Sparse(start, self.cells[at], self.sums[at], None if self.marks is None else self.marks[at])

    def read(self, slices: Ints, width: int) -> Entries:
        """The sums of the given slices, numbered 0.. in that order."""
        taken = self.take(slices)
        owner = np.repeat(np.arange(len(slices)), taken.sizes)
        return Entries(len(slices), owner, taken.cells.astype(np.int64), width, taken.marks, taken.sums)

    def resampled(self, combining: Combining) -> SampledCells | Sparse:
        """See `State`. Each sample has all the cells of its slice, though it may be 0 in some of them.

        A cell keeps the mark of all its parts: a sample without one of them is told apart no better.
        """
        parts = combining.parts
        slices = (len(self.start) - 1) // parts
        if not slices:
            return self
        owner, part = np.divmod(np.repeat(np.arange(slices * parts), self.sizes), parts)
        cells: Ints = self.cells.astype(np.int64)
        width = int(cells.max(initial=0)) + 1
        occurring, cell = numbered(owner * width + cells, slices * width)

        start = np.searchsorted(occurring, np.arange(slices + 1) * width)
        marks = None if self.marks is None else _marks_of_all(self.marks, cell, len(occurring))
        whole = sums_by_bin(cell, self.sums, len(occurring))
        shared = Sparse(start, (occurring % width).astype(np.int32), whole, marks)
        order = stable_order(cell)  # stable: the parts of a cell keep their order
        return SampledCells(shared, ByPart(cell[order], part[order], self.sums[order], combining))

    @classmethod
    def merged(cls, states: Sequence[Sparse], slices: Sequence[Ints], count: int) -> Sparse:
        """Adds states up, in the order of the list; see `State`."""
        entries = sum(len(state.cells) for state in states)
        step = max(1, count * _ENTRIES_AT_ONCE // max(entries, 1))
        pieces = [_merge_some(states, slices, first, min(first + step, count)) for first in range(0, count, step)]
        return concatenated(pieces)


@dataclass(frozen=True)
class SampledCells:
    """Sums of s * r pseudo-slices: number i * r + j is sample j of slice i. They are made of those of parts when read.

    Attributes:
        shared: the cells and marks of s slices, which all samples of a slice have, with the sums of all its parts.
        by_part: what the samples are made of.
    """

    shared: Sparse
    by_part: ByPart

    @property
    def samples(self) -> int:
        """The number r of samples of each slice."""
        return self.by_part.combining.samples

    @property
    def entry_counts(self) -> Ints:
        """(s * r,) of each sample of each slice, as `Sparse.entry_counts`."""
        return np.repeat(self.shared.entry_counts, self.samples)

    def take(self, slices: Ints) -> Sparse:
        """The sums of the given pseudo-slices, in that order."""
        slices, sample = np.divmod(slices, self.samples)
        if not sample.any() and (self.by_part.combining.times[0] == 1).all():
            return self.shared.take(slices)
        return self._apart().take(slices * self.samples + sample)

    def read(self, slices: Ints, width: int) -> SampledEntries:
        """The sums of the given pseudo-slices: the same samples of each of some slices."""
        own, sample = np.divmod(slices, self.samples)
        own = own[np.flatnonzero(np.append(True, own[1:] != own[:-1])[: len(own)])]
        sample = sample[: len(slices) // max(len(own), 1)]
        assert np.array_equal(slices, (own[:, None] * self.samples + sample).reshape(-1))

        shared = self.shared.read(own, width)
        begin, end = self.shared.start[own], self.shared.start[own + 1]
        by_part = self.by_part.of_cells(begin, end).of_samples(sample)
        return SampledEntries(shared.slice_count, shared.slices, shared.cells, width, shared.marks, by_part)

    def resampled(self, combining: Combining) -> SampledCells | Sparse:
        """See `State`."""
        return self._apart().resampled(combining)

    @classmethod
    def merged(cls, states: Sequence[SampledCells], slices: Sequence[Ints], count: int) -> Sparse:
        """See `State`."""
        return Sparse.merged([state._apart() for state in states], slices, count)

    def _apart(self) -> Sparse:
        """Each sample of each slice with cells of its own."""
        start, cells, _, marks = self.shared
        sums = self.by_part.sums(np.arange(len(cells)), len(cells))
        columns = [slice(*ends) for ends in pairwise(start)]
        return Sparse(
            np.concatenate([[0], np.cumsum(np.repeat(self.shared.sizes, self.samples))]),
            np.concatenate([np.tile(cells[of_slice], self.samples) for of_slice in columns]),
            np.concatenate([sums[:, of_slice].reshape(-1) for of_slice in columns]),
            None if marks is None else np.concatenate([np.tile(marks[of_slice], self.samples) for of_slice in columns]),
        )


def _unpacked(sizes: Ints, low: npt.NDArray[np.uint16], sums: Floats, marks: Marks | None) -> Sparse:
    """From the number of cells of each slice whose bits above the 16 `low` ones are 0, 1, ...: sizes (s, k)."""
    count, width = sizes.shape
    high = np.repeat(np.tile(np.arange(width, dtype=np.int32), count), sizes.reshape(-1))
    sums = sums.view(np.float64)  # with numpy's own dtype object, for want of which np.add.at would be slow
    return Sparse(np.concatenate([[0], np.cumsum(sizes.sum(1))]), high << 16 | low, sums, marks)


def concatenated(pieces: Sequence[Sparse]) -> Sparse:
    """The slices of all pieces, one after the other."""
    if len(pieces) == 1:
        return pieces[0]
    count = np.concatenate([np.diff(piece.start) for piece in pieces])
    return Sparse(
        np.concatenate([[0], np.cumsum(count)]),
        np.concatenate([piece.cells for piece in pieces]),
        np.concatenate([piece.sums for piece in pieces]),
        _marks(pieces),
    )


def _marks(pieces: Sequence[Sparse]) -> Marks | None:
    of_pieces = [piece.marks for piece in pieces if piece.marks is not None]
    return np.concatenate(of_pieces) if of_pieces else None


def _marks_of_all(of_parts: Marks, column: Ints, count: int) -> Marks:
    """The marks (count,) of cells with all their parts."""
    of_all = np.empty(count, np.uint16)
    of_all[column] = of_parts  # the last mark of a cell stays, and the others see that it is not theirs
    of_all[column[of_all[column] != of_parts]] = SEVERAL
    return of_all


def _merge_some(states: Sequence[Sparse], slices: Sequence[Ints], first: int, last: int) -> Sparse:
    """The sums of slices first to last - 1."""
    chosen = [np.flatnonzero((own >= first) & (own < last)) for own in slices]
    taken = [state.take(rows) for state, rows in zip(states, chosen, strict=True)]
    owners = [np.repeat(own[rows] - first, state.sizes) for state, own, rows in zip(taken, slices, chosen, strict=True)]
    keys = np.concatenate([owner * _WIDTH + state.cells for owner, state in zip(owners, taken, strict=True)])
    sums = np.concatenate([state.sums for state in taken])

    order = stable_order(keys)  # stable: equal cells stay in the order of the states
    keys, sums = keys[order], sums[order]
    fresh = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)])
    sums = np.add.reduceat(sums, fresh) if len(keys) else sums
    marks = _marks(taken)

    keys = keys[fresh]
    return Sparse(
        np.searchsorted(keys, np.arange(last - first + 1) * _WIDTH),
        (keys % _WIDTH).astype(np.int32),
        sums,
        None if marks is None else joined(marks[order], fresh),
    )
