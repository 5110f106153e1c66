"""Sums of cells that travel and merge: of each slice only those that are not 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from assay.metrics.arithmetic import with_sums_of_others
from assay.metrics.states.marks import Marks, joined
from assay.metrics.values import Floats, Ints

_ENTRIES_AT_ONCE = 1 << 19
"""Entries that are sorted together, so that merging takes little memory beside what it merges."""

_WIDTH = 1 << 32
"""Above every cell, so that slice * _WIDTH + cell orders entries by slice, then cell."""


class Entries(NamedTuple):
    """The sums of a group of s slices of a table of cells: entry i is `sums[i]` at [slices[i], cells[i]], ascending.

    `marks` as in `Sparse`.
    `width` is a power of two, at least the number of entries of each slice, and depends on their own sizes only: so
    padding to it gives a slice the same bits whatever its neighbours are.
    """

    slice_count: int
    slices: Ints
    cells: Ints
    sums: Floats
    width: int
    marks: Marks | None = None


class Sparse(NamedTuple):
    """Non-zero sums of s slices in compressed rows: slice i owns entries start[i]:start[i + 1], cells ascending.

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
    def entry_counts(self) -> Ints:
        """(s,) sums of each slice."""
        return np.diff(self.start)

    def take(self, slices: Ints) -> Sparse:
        """The sums of the given slices, in that order."""
        count = self.entry_counts[slices]
        start = np.concatenate([[0], np.cumsum(count)])
        at = np.arange(start[-1]) + np.repeat(self.start[slices] - start[:-1], count)
        return Sparse(start, self.cells[at], self.sums[at], None if self.marks is None else self.marks[at])

    def read(self, slices: Ints, width: int) -> Entries:
        """The sums of the given slices, numbered 0.. in that order."""
        taken = self.take(slices)
        owner = np.repeat(np.arange(len(slices)), taken.entry_counts)
        return Entries(len(slices), owner, taken.cells.astype(np.int64), taken.sums, width, taken.marks)

    def leave_one_out(self, parts: int) -> Sparse:
        """See `State`. A cell keeps the mark of all its parts: a sample without one of them is told apart no better."""
        count = len(self.start) - 1
        owner, part = np.divmod(np.repeat(np.arange(count), self.entry_counts), parts)

        # One row for each cell that occurs in a slice, one column for each part.
        occurring, column = np.unique(owner * _WIDTH + self.cells, return_inverse=True)
        by_part = np.zeros((len(occurring), parts))
        by_part[column, part] = self.sums
        sums = with_sums_of_others(by_part)

        # Back to compressed rows: by slice and sample, and stably, so that the cells of each stay ascending.
        kept, sample = np.nonzero(sums)
        key = (occurring[kept] // _WIDTH) * (parts + 1) + sample
        order = np.argsort(key, kind="stable")
        key, kept, sample = key[order], kept[order], sample[order]
        start = np.searchsorted(key, np.arange(count // parts * (parts + 1) + 1))
        marks = None if self.marks is None else _marks_of_all(self.marks, column)[kept]
        return Sparse(start, (occurring[kept] % _WIDTH).astype(np.int32), sums[kept, sample], marks)

    @classmethod
    def merged(cls, states: Sequence[Sparse], slices: Sequence[Ints], count: int) -> Sparse:
        """Adds states up, in the order of the list; see `State`."""
        entries = sum(len(state.cells) for state in states)
        step = max(1, count * _ENTRIES_AT_ONCE // max(entries, 1))
        pieces = [_merge_some(states, slices, first, min(first + step, count)) for first in range(0, count, step)]
        return concatenated(pieces)


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


def _marks_of_all(of_parts: Marks, column: Ints) -> Marks:
    """The marks of cells with all their parts."""
    order = np.argsort(column, kind="stable")
    first = np.searchsorted(column[order], np.arange(column.max(initial=-1) + 1))
    return joined(of_parts[order], first)


def _merge_some(states: Sequence[Sparse], slices: Sequence[Ints], first: int, last: int) -> Sparse:
    """The sums of slices first to last - 1."""
    chosen = [np.flatnonzero((own >= first) & (own < last)) for own in slices]
    taken = [state.take(rows) for state, rows in zip(states, chosen, strict=True)]
    owners = [
        np.repeat(own[rows] - first, state.entry_counts) for state, own, rows in zip(taken, slices, chosen, strict=True)
    ]
    keys = np.concatenate([owner * _WIDTH + state.cells for owner, state in zip(owners, taken, strict=True)])
    sums = np.concatenate([state.sums for state in taken])

    order = np.argsort(keys, kind="stable")  # stable: equal cells stay in the order of the states
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
