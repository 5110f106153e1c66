"""Sums of cells by slice: where a batch's contributions are added in place, however many slices and cells there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from assay.metrics.states.contributions import Cells
from assay.metrics.states.growing import Growing
from assay.metrics.states.marks import Marks, MarkTable
from assay.metrics.states.sparse import Sparse, concatenated
from assay.metrics.values import Floats, Ints

_PAGE_BITS = 4
_PAGE = 1 << _PAGE_BITS
_DENSE_LIMIT = 1 << 23
"""Cells above which a table keeps only the pages that occur: a dense one of 64 MB, of which the system provides only
what is written to, costs less time."""
_CELLS_AT_ONCE = 1 << 19
"""Cells of a dense table that are looked through together, few enough for the caches."""


class _Entries(NamedTuple):
    """Sums of s slices: how many entries each has, `sizes` (s,); their `cells`, ascending, `sums` and `marks`, (e,)."""

    sizes: Ints
    cells: Ints
    sums: Floats
    marks: Marks | None


def _sparse(entries: _Entries) -> Sparse:
    start = np.concatenate([[0], np.cumsum(entries.sizes)])
    return Sparse(start, entries.cells.astype(np.int32), entries.sums, entries.marks)


class _Sums:
    """Sums by position, and where there are marks, one for positions 2i and 2i + 1 together."""

    def __init__(self, size: int, *, has_marks: bool) -> None:
        self._sums = Growing(size, np.float64)
        self._marks = MarkTable(size // 2) if has_marks else None

    def add(self, positions: Ints, values: Floats, marks: Marks | None, size: int) -> None:
        """Adds values (m,) with marks (m,) at positions (m,), which are below `size`."""
        self._sums.reserve(size)
        np.add.at(self._sums.array, positions, values)
        if self._marks is not None and marks is not None:
            self._marks.add(positions >> 1, marks, -(-size // 2))

    @property
    def sums(self) -> Floats:
        """All sums; there may be more positions than were asked for."""
        return self._sums.array

    def marks_at(self, positions: Ints) -> Marks | None:
        """The marks of positions."""
        return None if self._marks is None else self._marks.at(positions >> 1)


class DenseCells:
    """[slice, cell] sums, every cell in memory."""

    def __init__(self, cells: int, *, has_marks: bool) -> None:
        self._cells, self._slices = cells, 1
        self._sums = _Sums(cells, has_marks=has_marks)

    def add(self, slices: Ints | None, count: int, added: Cells) -> None:
        """Adds values at [slices, cells]; see `Store`."""
        self._slices = max(self._slices, count)
        positions = added.cells if slices is None else slices * self._cells + added.cells
        self._sums.add(positions, added.values, added.marks, self._slices * self._cells)

    def entries(self, slices: Ints) -> Iterator[_Entries]:
        """The sums of the given slices, ascending, where they are not 0; a few slices at a time."""
        table = self._sums.sums[: self._slices * self._cells].reshape(-1, self._cells)
        step = max(1, _CELLS_AT_ONCE // self._cells)
        for chosen in (slices[first : first + step] for first in range(0, len(slices), step)):
            # A view where that will do: most of the table was never written to, and its copy would be.
            is_range = chosen[-1] - chosen[0] == len(chosen) - 1
            some = table[chosen[0] : chosen[-1] + 1] if is_range else table[chosen]

            # What is not 0: its positions among the chosen slices, then those in the table, and its cell of the slice.
            at = np.flatnonzero(some != 0)  # a mask is looked through faster than numbers
            begin = np.arange(len(chosen) + 1) * self._cells
            sizes = np.diff(np.searchsorted(at, begin))
            positions = at + np.repeat(chosen * self._cells - begin[:-1], sizes)
            sums = some.reshape(-1)[at]
            at -= np.repeat(begin[:-1], sizes)
            yield _Entries(sizes, at, sums, self._sums.marks_at(positions))


class PagedCells:
    """[slice, cell] sums in pages of a few cells; a page exists once one of its cells occurred."""

    def __init__(self, cells: int, *, has_marks: bool) -> None:
        self._row = -(-cells // _PAGE)
        self._directory = Growing(self._row, np.int32)
        self._sums, self._pages = _Sums(64 * _PAGE, has_marks=has_marks), 1  # page 0 stands for none

    def add(self, slices: Ints | None, count: int, added: Cells) -> None:
        """As DenseCells.add."""
        self._directory.reserve(count * self._row)
        positions = added.cells >> _PAGE_BITS
        if slices is not None:
            positions = positions + slices * self._row

        # The page of each cell; pages that are needed for the first time are made.
        pages = self._directory.array[positions]
        fresh = pages == 0
        if fresh.any():
            self._add_pages(positions[fresh], count * self._row)
            pages = self._directory.array[positions]

        where = pages.astype(np.int64) << _PAGE_BITS
        where += added.cells & (_PAGE - 1)
        self._sums.add(where, added.values, added.marks, self._pages * _PAGE)

    def _add_pages(self, positions: Ints, size: int) -> None:
        fresh = _different(positions, size)
        last = self._pages + len(fresh)
        self._directory.array[fresh] = np.arange(self._pages, last)
        self._pages = last

    def entries(self, slices: Ints) -> Iterator[_Entries]:
        """As DenseCells.entries, all at once."""
        directory = self._directory.array.reshape(-1, self._row)[slices]
        rows, columns = np.nonzero(directory)
        numbers = directory[rows, columns].astype(np.int64)
        pages = self._sums.sums.reshape(-1, _PAGE)[numbers]
        page, offset = np.nonzero(pages != 0)
        owner = np.bincount(rows[page], minlength=len(slices))
        marks = self._sums.marks_at((numbers[page] << _PAGE_BITS) + offset)
        yield _Entries(owner, (columns[page] << _PAGE_BITS) + offset, pages[page, offset], marks)


def _different(positions: Ints, size: int) -> Ints:
    """The different positions below `size`, ascending: sorted if they are few, ticked off if they are many."""
    if len(positions) << 6 < size:
        return np.unique(positions)
    occurs = np.zeros(size, bool)
    occurs[positions] = True
    return np.flatnonzero(occurs)


class CellSums:
    """[slice, cell] sums: dense while that is small, paged from then on.

    With marks, it also keeps the common mark of cells 2i and 2i + 1, of all that was added to the two.
    """

    def __init__(self, cells: int, *, has_marks: bool = False) -> None:
        self._cells, self._slices, self._has_marks = cells, 0, has_marks
        self._store: DenseCells | PagedCells = DenseCells(cells, has_marks=has_marks)

    def add(self, slices: Ints | None, count: int, added: Cells) -> None:
        """As DenseCells.add."""
        if count * self._cells > _DENSE_LIMIT and isinstance(self._store, DenseCells):
            self._store = self._paged(self._store)
        self._slices = max(self._slices, count)
        self._store.add(slices, count, added)

    def _paged(self, dense: DenseCells) -> PagedCells:
        paged, slices = PagedCells(self._cells, has_marks=self._has_marks), np.arange(max(self._slices, 1))
        first = 0
        for kept in dense.entries(slices):
            rows = np.repeat(np.arange(first, first + len(kept.sizes)), kept.sizes)
            paged.add(rows, len(slices), Cells(kept.cells, kept.sums, None, kept.marks))
            first += len(kept.sizes)
        return paged

    def take(self, slices: Ints) -> Sparse:
        """The sums of the given slices, in that order; slices without any contribution have no entries."""
        nothing = _nothing(self._has_marks)
        count = int(slices.max(initial=-1)) + 1
        self._store.add(nothing.sizes, count, Cells(nothing.cells, nothing.sums, None, nothing.marks))
        return concatenated([_sparse(entries) for entries in self._store.entries(slices)] or [_sparse(nothing)])


def _nothing(has_marks: bool) -> _Entries:
    none = np.zeros(0, np.int64)
    return _Entries(none, none, np.zeros(0), np.zeros(0, np.uint16) if has_marks else None)
