"""Sums by slice: where a batch's contributions are added in place, however many slices and cells there are."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from assay.metrics import marks
from assay.metrics.marks import Marks
from assay.metrics.values import Floats

Ints = npt.NDArray[np.int64]
Numbers: TypeAlias = npt.NDArray[np.inexact[Any]]
"""float64; or complex128, whose imaginary parts are sums of marks: to add both at once takes hardly longer than one."""

_PAGE_BITS = 4
_PAGE = 1 << _PAGE_BITS
_DENSE_LIMIT = 1 << 23
"""Cells above which a table keeps only the pages that occur: a dense one of 128 MB, of which the system provides only
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


class _Entries(NamedTuple):
    """Sums of s slices: how many entries each has, `sizes` (s,); their `cells` (e,), ascending, and `sums` (e,)."""

    sizes: Ints
    cells: Ints
    sums: Numbers


def _sparse(found: _Entries) -> Sparse:
    start, cells = np.concatenate([[0], np.cumsum(found.sizes)]), found.cells.astype(np.int32)
    of_scores = marks.common(found.sums) if np.iscomplexobj(found.sums) else None
    return Sparse(start, cells, np.ascontiguousarray(found.sums.real), of_scores)


def _joined(pieces: Sequence[Sparse]) -> Sparse:
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


class Growing:
    """A zeroed array of numbers that grows without a copy where the system can remap memory (Linux)."""

    def __init__(self, size: int, dtype: Any) -> None:
        self._map: mmap.mmap | None = None
        self._dtype = np.dtype(dtype)
        if hasattr(mmap, "MAP_PRIVATE") and hasattr(mmap, "MAP_ANONYMOUS"):
            self._map = mmap.mmap(-1, max(size, 1) * self._dtype.itemsize, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            self.array: npt.NDArray[Any] = np.frombuffer(self._map, self._dtype)
        else:
            self.array = np.zeros(max(size, 1), self._dtype)

    def reserve(self, size: int) -> None:
        """Makes room for `size` values; the new ones are 0."""
        if size <= len(self.array):
            return
        grown = max(size, len(self.array) * 2)
        if self._map is not None:
            try:
                self.array = np.zeros(0, self._dtype)  # mmap refuses to resize while an array looks into it
                self._map.resize(grown * self._dtype.itemsize)
                self.array = np.frombuffer(self._map, self._dtype)
                return
            except (SystemError, OSError, BufferError):
                self.array, self._map = np.frombuffer(self._map, self._dtype), None
        self.array = np.concatenate([self.array, np.zeros(grown - len(self.array), self._dtype)])


class DenseCells:
    """[slice, cell] sums, every cell in memory."""

    def __init__(self, cells: int, dtype: Any) -> None:
        self._cells, self._slices = cells, 1
        self._sums = Growing(cells, dtype)

    def add(self, slices: Ints | None, count: int, cells: Ints, values: Numbers) -> None:
        """Adds values (m,) at [slices, cells], both (m,); `slices` None means slice 0; `count` slices are known."""
        self._slices = max(self._slices, count)
        self._sums.reserve(self._slices * self._cells)
        np.add.at(self._sums.array, cells if slices is None else slices * self._cells + cells, values)

    def entries(self, slices: Ints) -> Iterator[_Entries]:
        """The sums of the given slices, ascending, where the weight is not 0; a few slices at a time."""
        table = self._sums.array[: self._slices * self._cells].reshape(-1, self._cells)
        step = max(1, _CELLS_AT_ONCE // self._cells)
        for chosen in (slices[first : first + step] for first in range(0, len(slices), step)):
            # A view where that will do: most of the table was never written to, and its copy would be.
            is_range = chosen[-1] - chosen[0] == len(chosen) - 1
            yield _entries(table[chosen[0] : chosen[-1] + 1] if is_range else table[chosen])


def _entries(table: Numbers) -> _Entries:
    """Those of a table (s, cells) whose weight is not 0; a mask is looked through faster than numbers."""
    count, cells = table.shape
    at = np.flatnonzero(table.real != 0)
    begin = np.arange(count + 1) * cells
    sizes = np.diff(np.searchsorted(at, begin))
    return _Entries(sizes, at - np.repeat(begin[:-1], sizes), table.reshape(-1)[at])


class PagedCells:
    """[slice, cell] sums in pages of a few cells; a page exists once one of its cells occurred."""

    def __init__(self, cells: int, dtype: Any) -> None:
        self._row = -(-cells // _PAGE)
        self._directory = Growing(self._row, np.int32)
        self._sums, self._pages = Growing(64 * _PAGE, dtype), 1  # page 0 stands for none

    def add(self, slices: Ints | None, count: int, cells: Ints, values: Numbers) -> None:
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
        np.add.at(self._sums.array, where, values)

    def _add_pages(self, places: Ints, size: int) -> None:
        fresh = _different(places, size)
        last = self._pages + len(fresh)
        self._sums.reserve(last * _PAGE)
        self._directory.array[fresh] = np.arange(self._pages, last)
        self._pages = last

    def entries(self, slices: Ints) -> Iterator[_Entries]:
        """As DenseCells.entries, all at once."""
        directory = self._directory.array.reshape(-1, self._row)[slices]
        rows, columns = np.nonzero(directory)
        pages = self._sums.array.reshape(-1, _PAGE)[directory[rows, columns]]
        page, offset = np.nonzero(pages.real != 0)
        owner = np.bincount(rows[page], minlength=len(slices))
        yield _Entries(owner, (columns[page] << _PAGE_BITS) + offset, pages[page, offset])


def _different(places: Ints, size: int) -> Ints:
    """The different places below `size`, ascending: sorted if they are few, ticked off if they are many."""
    if len(places) << 6 < size:
        return np.unique(places)
    occurs = np.zeros(size, bool)
    occurs[places] = True
    return np.flatnonzero(occurs)


class CellSums:
    """[slice, cell] sums: dense while that is small, paged from then on."""

    def __init__(self, cells: int, dtype: type[np.float64] | type[np.complex128] = np.float64) -> None:
        self._cells, self._slices, self._dtype = cells, 0, dtype
        self._store: DenseCells | PagedCells = DenseCells(cells, dtype)

    def add(self, slices: Ints | None, count: int, cells: Ints, values: Numbers) -> None:
        """As DenseCells.add."""
        if count * self._cells > _DENSE_LIMIT and isinstance(self._store, DenseCells):
            self._store = self._paged(self._store)
        self._slices = max(self._slices, count)
        self._store.add(slices, count, cells, values)

    def _paged(self, dense: DenseCells) -> PagedCells:
        paged, slices = PagedCells(self._cells, self._dtype), np.arange(max(self._slices, 1))
        first = 0
        for kept in dense.entries(slices):
            rows = np.repeat(np.arange(first, first + len(kept.sizes)), kept.sizes)
            paged.add(rows, len(slices), kept.cells, kept.sums)
            first += len(kept.sizes)
        return paged

    def take(self, slices: Ints) -> Sparse:
        """The sums of the given slices, in that order; slices without any contribution have no entries."""
        nothing = np.zeros(0, np.int64)
        self._store.add(nothing, int(slices.max(initial=-1)) + 1, nothing, np.zeros(0, self._dtype))
        return _joined([_sparse(found) for found in self._store.entries(slices)] or [self._empty()])

    def _empty(self) -> Sparse:
        nothing = np.zeros(0, np.int64)
        return _sparse(_Entries(nothing, nothing, np.zeros(0, self._dtype)))


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
    return _joined(pieces)


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
        None if of_parts is None else marks.joined(of_parts[order], fresh),
    )


def rows_of(sums: Sparse, slices: Ints) -> Sparse:
    """The entries of the given slices, in that order."""
    count = np.diff(sums.start)[slices]
    start = np.concatenate([[0], np.cumsum(count)])
    at = np.arange(start[-1]) + np.repeat(sums.start[slices] - start[:-1], count)
    return Sparse(start, sums.cells[at], sums.sums[at], None if sums.marks is None else sums.marks[at])
