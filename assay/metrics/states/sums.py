"""Sums by slice: where a batch's contributions are added in place, however many slices and cells there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from assay.metrics.states.growing import Growing
from assay.metrics.states.marks import Marks, MarkTable, joined
from assay.metrics.values import Floats, Ints

_PAGE_BITS = 4
_PAGE = 1 << _PAGE_BITS
_DENSE_LIMIT = 1 << 23
"""Cells above which a table keeps only the pages that occur: a dense one of 64 MB, of which the system provides only
what is written to, costs less time."""
_CELLS_AT_ONCE = 1 << 19
"""Cells of a dense table that are looked through together, few enough for the caches."""

_ENTRIES_AT_ONCE = 1 << 19
"""Entries that are sorted together, so that merging takes little memory beside what it merges."""


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


def _unpacked(sizes: Ints, low: npt.NDArray[np.uint16], sums: Floats, marks: Marks | None) -> Sparse:
    """From the number of cells of each slice whose bits above the 16 `low` ones are 0, 1, ...: sizes (s, k)."""
    count, width = sizes.shape
    high = np.repeat(np.tile(np.arange(width, dtype=np.int32), count), sizes.reshape(-1))
    sums = sums.view(np.float64)  # with numpy's own dtype object, for want of which np.add.at would be slow
    return Sparse(np.concatenate([[0], np.cumsum(sizes.sum(1))]), high << 16 | low, sums, marks)


class _Entries(NamedTuple):
    """Sums of s slices: how many entries each has, `sizes` (s,); their `cells`, ascending, `sums` and `marks`, (e,)."""

    sizes: Ints
    cells: Ints
    sums: Floats
    marks: Marks | None


def _sparse(entries: _Entries) -> Sparse:
    start = np.concatenate([[0], np.cumsum(entries.sizes)])
    return Sparse(start, entries.cells.astype(np.int32), entries.sums, entries.marks)


def _concatenated(pieces: Sequence[Sparse]) -> Sparse:
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


class _Store:
    """Sums by place, and where there are marks, one for places 2i and 2i + 1 together."""

    def __init__(self, size: int, *, has_marks: bool) -> None:
        self._sums = Growing(size, np.float64)
        self._marks = MarkTable(size // 2) if has_marks else None

    def add(self, places: Ints, values: Floats, marks: Marks | None, size: int) -> None:
        """Adds values (m,) with marks (m,) at places (m,), which are below `size`."""
        self._sums.reserve(size)
        np.add.at(self._sums.array, places, values)
        if self._marks is not None and marks is not None:
            self._marks.add(places >> 1, marks, -(-size // 2))

    @property
    def sums(self) -> Floats:
        """All sums; there may be more places than were asked for."""
        return self._sums.array

    def marks_at(self, places: Ints) -> Marks | None:
        """The marks of places."""
        return None if self._marks is None else self._marks.at(places >> 1)


class DenseCells:
    """[slice, cell] sums, every cell in memory."""

    def __init__(self, cells: int, *, has_marks: bool) -> None:
        self._cells, self._slices = cells, 1
        self._store = _Store(cells, has_marks=has_marks)

    def add(self, slices: Ints | None, count: int, cells: Ints, values: Floats, marks: Marks | None) -> None:
        """Adds values (m,) at [slices, cells], both (m,); `slices` None means slice 0; `count` slices are known."""
        self._slices = max(self._slices, count)
        places = cells if slices is None else slices * self._cells + cells
        self._store.add(places, values, marks, self._slices * self._cells)

    def entries(self, slices: Ints) -> Iterator[_Entries]:
        """The sums of the given slices, ascending, where they are not 0; a few slices at a time."""
        table = self._store.sums[: self._slices * self._cells].reshape(-1, self._cells)
        step = max(1, _CELLS_AT_ONCE // self._cells)
        for chosen in (slices[first : first + step] for first in range(0, len(slices), step)):
            # A view where that will do: most of the table was never written to, and its copy would be.
            is_range = chosen[-1] - chosen[0] == len(chosen) - 1
            some = table[chosen[0] : chosen[-1] + 1] if is_range else table[chosen]
            at = np.flatnonzero(some != 0)  # a mask is looked through faster than numbers
            begin = np.arange(len(chosen) + 1) * self._cells
            sizes = np.diff(np.searchsorted(at, begin))
            places = at + np.repeat(chosen * self._cells - begin[:-1], sizes)
            sums = some.reshape(-1)[at]
            at -= np.repeat(begin[:-1], sizes)
            yield _Entries(sizes, at, sums, self._store.marks_at(places))


class PagedCells:
    """[slice, cell] sums in pages of a few cells; a page exists once one of its cells occurred."""

    def __init__(self, cells: int, *, has_marks: bool) -> None:
        self._row = -(-cells // _PAGE)
        self._directory = Growing(self._row, np.int32)
        self._store, self._pages = _Store(64 * _PAGE, has_marks=has_marks), 1  # page 0 stands for none

    def add(self, slices: Ints | None, count: int, cells: Ints, values: Floats, marks: Marks | None) -> None:
        """As DenseCells.add."""
        self._directory.reserve(count * self._row)
        places = cells >> _PAGE_BITS
        if slices is not None:
            places = places + slices * self._row
        pages = self._directory.array[places]
        fresh = pages == 0
        if fresh.any():
            self._add_pages(places[fresh], count * self._row)
            pages = self._directory.array[places]
        where = pages.astype(np.int64) << _PAGE_BITS
        where += cells & (_PAGE - 1)
        self._store.add(where, values, marks, self._pages * _PAGE)

    def _add_pages(self, places: Ints, size: int) -> None:
        fresh = _different(places, size)
        last = self._pages + len(fresh)
        self._directory.array[fresh] = np.arange(self._pages, last)
        self._pages = last

    def entries(self, slices: Ints) -> Iterator[_Entries]:
        """As DenseCells.entries, all at once."""
        directory = self._directory.array.reshape(-1, self._row)[slices]
        rows, columns = np.nonzero(directory)
        numbers = directory[rows, columns].astype(np.int64)
        pages = self._store.sums.reshape(-1, _PAGE)[numbers]
        page, offset = np.nonzero(pages != 0)
        owner = np.bincount(rows[page], minlength=len(slices))
        marks = self._store.marks_at((numbers[page] << _PAGE_BITS) + offset)
        yield _Entries(owner, (columns[page] << _PAGE_BITS) + offset, pages[page, offset], marks)


def _different(places: Ints, size: int) -> Ints:
    """The different places below `size`, ascending: sorted if they are few, ticked off if they are many."""
    if len(places) << 6 < size:
        return np.unique(places)
    occurs = np.zeros(size, bool)
    occurs[places] = True
    return np.flatnonzero(occurs)


class CellSums:
    """[slice, cell] sums: dense while that is small, paged from then on.

    With marks, it also keeps the common mark of cells 2i and 2i + 1, of all that was added to the two.
    """

    def __init__(self, cells: int, *, has_marks: bool = False) -> None:
        self._cells, self._slices, self._has_marks = cells, 0, has_marks
        self._store: DenseCells | PagedCells = DenseCells(cells, has_marks=has_marks)

    def add(self, slices: Ints | None, count: int, cells: Ints, values: Floats, marks: Marks | None = None) -> None:
        """As DenseCells.add."""
        if count * self._cells > _DENSE_LIMIT and isinstance(self._store, DenseCells):
            self._store = self._paged(self._store)
        self._slices = max(self._slices, count)
        self._store.add(slices, count, cells, values, marks)

    def _paged(self, dense: DenseCells) -> PagedCells:
        paged, slices = PagedCells(self._cells, has_marks=self._has_marks), np.arange(max(self._slices, 1))
        first = 0
        for kept in dense.entries(slices):
            rows = np.repeat(np.arange(first, first + len(kept.sizes)), kept.sizes)
            paged.add(rows, len(slices), kept.cells, kept.sums, kept.marks)
            first += len(kept.sizes)
        return paged

    def take(self, slices: Ints) -> Sparse:
        """The sums of the given slices, in that order; slices without any contribution have no entries."""
        nothing = _nothing(self._has_marks)
        self._store.add(nothing.sizes, int(slices.max(initial=-1)) + 1, *nothing[1:])
        return _concatenated([_sparse(entries) for entries in self._store.entries(slices)] or [_sparse(nothing)])


def _nothing(has_marks: bool) -> _Entries:
    none = np.zeros(0, np.int64)
    return _Entries(none, none, np.zeros(0), np.zeros(0, np.uint16) if has_marks else None)


class TermSums:
    """[slice, term] sums of a handful of terms of every row."""

    def __init__(self, terms: int) -> None:
        self._sums = np.zeros((1, terms))

    def add(self, slices: Ints | None, count: int, values: Floats) -> None:
        """Adds values (m, terms) to slices (m,); `slices` None means slice 0; `count` slices are known."""
        self._reserve(count)
        if slices is None:
            self._sums[0] += values.sum(0)
            return
        for term in range(values.shape[1]):
            self._sums[:count, term] += np.bincount(slices, values[:, term], minlength=count)

    def _reserve(self, count: int) -> None:
        known, terms = self._sums.shape
        if count > known:
            self._sums = np.concatenate([self._sums, np.zeros((max(count, known * 2) - known, terms))])

    def take(self, slices: Ints) -> Floats:
        """The sums of the given slices, (len(slices), terms)."""
        self._reserve(int(slices.max(initial=-1)) + 1)
        return self._sums[slices]


def add_sparse(parts: list[Sparse], places: list[Ints], slices: int) -> Sparse:
    """Adds parts up, in the order of the list; places[i] (s_i,) says which of the `slices` slices part i's are."""
    entries = sum(len(part.cells) for part in parts)
    step = max(1, slices * _ENTRIES_AT_ONCE // max(entries, 1))
    pieces = [_add_some(parts, places, first, min(first + step, slices)) for first in range(0, slices, step)]
    return _concatenated(pieces)


def _add_some(parts: list[Sparse], places: list[Ints], first: int, last: int) -> Sparse:
    """The sums of slices first to last - 1."""
    width = 1 << 32
    chosen = [np.flatnonzero((place >= first) & (place < last)) for place in places]
    taken = [rows_of(part, rows) for part, rows in zip(parts, chosen, strict=True)]
    keys = np.concatenate([
        np.repeat(place[rows] - first, np.diff(part.start)) * width + part.cells
        for part, place, rows in zip(taken, places, chosen, strict=True)
    ])  # fmt: skip
    sums = np.concatenate([part.sums for part in taken])
    order = np.argsort(keys, kind="stable")  # stable: equal cells stay in the order of the parts
    keys, sums = keys[order], sums[order]
    fresh = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)])
    sums = np.add.reduceat(sums, fresh) if len(keys) else sums
    of_parts = _marks(taken)
    keys = keys[fresh]
    return Sparse(
        np.searchsorted(keys, np.arange(last - first + 1) * width),
        (keys % width).astype(np.int32),
        sums,
        None if of_parts is None else joined(of_parts[order], fresh),
    )


def rows_of(sums: Sparse, slices: Ints) -> Sparse:
    """The entries of the given slices, in that order."""
    count = np.diff(sums.start)[slices]
    start = np.concatenate([[0], np.cumsum(count)])
    at = np.arange(start[-1]) + np.repeat(sums.start[slices] - start[:-1], count)
    return Sparse(start, sums.cells[at], sums.sums[at], None if sums.marks is None else sums.marks[at])
