"""Sums of cells by slice: where a batch's contributions are added in place, however many slices and cells there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from assay.metrics.states.contributions import Cells
from assay.metrics.states.growing import Growing
from assay.metrics.states.listed_cells import ListedCells
from assay.metrics.states.marks import Marks, MarkTable
from assay.metrics.states.occurring import different
from assay.metrics.states.sparse import Sparse, concatenated
from assay.metrics.values import Floats, Ints

_BLOCK_BITS = 9
_PAGE_BITS = 4
_DENSE_LIMIT = 1 << 25
"""Cells above which a table keeps only the pages that occur. A dense one, of 256 MB, costs less time, and the system
provides only the memory that is written to."""
_CELLS_AT_ONCE = 1 << 19
"""Cells that are looked through together, few enough for the caches."""


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

    def within(self, pages: _Pages, bits: int, count: int) -> _Entries:
        """The sums that are not 0 in pages of `count` slices, each of 2 ** bits positions."""
        in_pages = self._sums.array[: len(self._sums.array) >> bits << bits].reshape(-1, 1 << bits)
        sums = in_pages[pages.numbers].reshape(-1)
        at = np.flatnonzero(sums != 0)  # a mask is looked through faster than numbers
        page, own = at >> bits, np.arange(len(pages.numbers))
        cells = at + ((pages.columns - own) << bits).take(page)
        marks = None
        if self._marks is not None:
            marks = self._marks.at(at + ((pages.numbers - own) << bits).take(page) >> 1)

        ends = np.searchsorted(at, np.searchsorted(pages.slices, np.arange(count + 1)) << bits)
        return _Entries(np.diff(ends), cells, sums.take(at), marks)


class _Pages(NamedTuple):
    """Pages of some slices (p,), slice by slice: which slice, which of its pages, and where that is stored."""

    slices: Ints
    columns: Ints
    numbers: Ints


def _lots(slices: Ints, pages: int, bits: int) -> Iterator[Ints]:
    """The slices, a few at a time, if they have so many pages together."""
    step = max(1, (len(slices) * _CELLS_AT_ONCE >> bits) // max(pages, 1))
    return (slices[first : first + step] for first in range(0, len(slices), step))


def blocks_of(cells: Ints, count: int) -> Ints:
    """The blocks in which some of the cells lie, which are below `count`."""
    return different(cells >> _BLOCK_BITS, -(-count >> _BLOCK_BITS))


class DenseCells:
    """[slice, cell] sums, with room for every cell; it remembers which blocks of them were written to in any slice."""

    def __init__(self, cells: int, *, has_marks: bool) -> None:
        self._cells, self._row = cells, -(-cells >> _BLOCK_BITS)
        self._written = np.zeros(self._row, bool)
        self._sums = _Sums(self._row << _BLOCK_BITS, has_marks=has_marks)

    def add(self, slices: Ints | None, count: int, added: Cells) -> None:
        """Adds values at [slices, cells]; see `Store`."""
        if not self._written.all():
            self._written[blocks_of(added.cells, self._cells) if added.blocks is None else added.blocks] = True
        positions = added.cells if slices is None else slices * (self._row << _BLOCK_BITS) + added.cells
        self._sums.add(positions, added.values, added.marks, count * self._row << _BLOCK_BITS)

    def entries(self, slices: Ints) -> Iterator[_Entries]:
        """The sums of the given slices where they are not 0; a few slices at a time."""
        written = np.flatnonzero(self._written)
        for lot in _lots(slices, len(slices) * len(written), _BLOCK_BITS):
            at, columns = np.repeat(np.arange(len(lot)), len(written)), np.tile(written, len(lot))
            yield self._sums.within(_Pages(at, columns, lot[at] * self._row + columns), _BLOCK_BITS, len(lot))


class PagedCells:
    """[slice, cell] sums in pages of a few cells; a page exists once one of its cells occurred.

    It remembers which pages occurred in any slice: few of those that there could be.
    """

    def __init__(self, cells: int, *, has_marks: bool) -> None:
        self._row = -(-cells >> _PAGE_BITS)
        self._directory = Growing(self._row, np.int32)
        self._written = np.zeros(self._row, bool)
        self._sums, self._pages = _Sums(64 << _PAGE_BITS, has_marks=has_marks), 1  # page 0 stands for none

    def add(self, slices: Ints | None, count: int, added: Cells) -> None:
        """As DenseCells.add."""
        self._directory.reserve(count * self._row)
        positions = added.cells >> _PAGE_BITS
        if slices is not None:
            positions = positions + slices * self._row

        pages = self._directory.array.take(positions)  # which is quicker than an index
        fresh = np.flatnonzero(pages == 0)
        if len(fresh):
            pages[fresh] = self._new_pages(positions[fresh])

        where = pages.astype(np.int64) << _PAGE_BITS
        where += added.cells & (1 << _PAGE_BITS) - 1
        self._sums.add(where, added.values, added.marks, self._pages << _PAGE_BITS)

    def _new_pages(self, positions: Ints) -> Ints:
        """Makes the pages at positions (m,) of the directory, one for equal positions; returns them (m,)."""
        # Of equal positions the number of one stays, and the others see that it is not theirs.
        directory, own = self._directory.array, np.arange(len(positions))
        directory[positions] = own
        stayed = positions[directory.take(positions) == own]

        directory[stayed] = np.arange(self._pages, self._pages + len(stayed))
        self._written[stayed % self._row] = True
        self._pages += len(stayed)
        return directory.take(positions)

    def entries(self, slices: Ints) -> Iterator[_Entries]:
        """As DenseCells.entries."""
        directory = self._directory.array[: len(self._directory.array) // self._row * self._row].reshape(-1, self._row)
        written = np.flatnonzero(self._written)
        for lot in _lots(slices, self._pages * len(slices) // len(directory), _PAGE_BITS):
            numbers = directory[lot[:, None], written].reshape(-1)
            there = np.flatnonzero(numbers != 0)
            at, column = np.divmod(there, max(len(written), 1))
            pages = _Pages(at, written.take(column), numbers.take(there).astype(np.int64))
            yield self._sums.within(pages, _PAGE_BITS, len(lot))


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

    def listed(self) -> ListedCells:
        """Another one, empty, for slices that are many and have few rows each."""
        return ListedCells(self._cells, has_marks=self._has_marks)

    def take(self, slices: Ints) -> Sparse:
        """The sums of the given slices, in that order; slices without any contribution have no entries."""
        nothing = _nothing(self._has_marks)
        count = int(slices.max(initial=-1)) + 1
        self._store.add(nothing.sizes, count, Cells(nothing.cells, nothing.sums, None, nothing.marks))
        return concatenated([_sparse(entries) for entries in self._store.entries(slices)] or [_sparse(nothing)])


def _nothing(has_marks: bool) -> _Entries:
    none = np.zeros(0, np.int64)
    return _Entries(none, none, np.zeros(0), np.zeros(0, np.uint16) if has_marks else None)
