"""What computations read of a table of cells: the sums of some slices, or of samples of them made of parts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from assay.metrics.arithmetic import sums_by_bin
from assay.metrics.states.combining import Combining, Counted
from assay.metrics.states.marks import Marks
from assay.metrics.values import Floats, Ints

_FEW_BINS = 32
"""Bins of a slice up to which it is the parts that are added up into bins, and samples are made of these."""


class CellEntries(Protocol):
    """Sums of s slices, or of k samples of each: entry i is one of slice slices[i], at cells[i]; both ascend.

    `marks` as in `Sparse`.
    `width` is at least the `entry_counts` of each slice, and depends on their own only: so padding to it gives a slice
    the same bits whatever its neighbours are.
    """

    @property
    def slice_count(self) -> int:
        """The number s."""

    @property
    def slices(self) -> Ints:
        """(e,)."""

    @property
    def cells(self) -> Ints:
        """(e,)."""

    @property
    def width(self) -> int:
        """See above."""

    def begins(self, numbers: Ints) -> npt.NDArray[np.bool_]:
        """Where (e,) another slice begins, or another of the numbers (e,) than that of the entry before."""

    def binned(self, bins: Ints | int, count: int) -> Floats:
        """Adds entries up into bins, entry i into bins[i]: (s, count), or (s * k, count), slice by slice."""


@dataclass(frozen=True)
class _Entries:
    slice_count: int
    slices: Ints
    cells: Ints
    width: int
    marks: Marks | None

    def begins(self, numbers: Ints) -> npt.NDArray[np.bool_]:
        """See `CellEntries`."""
        begins = np.ones(len(numbers), bool)
        np.not_equal(numbers[1:], numbers[:-1], out=begins[1:])
        of_slices = np.searchsorted(self.slices, np.arange(self.slice_count))
        begins[of_slices[of_slices < len(numbers)]] = True
        return begins


@dataclass(frozen=True)
class Entries(_Entries):
    """Sums (e,) of slices; see `CellEntries`."""

    sums: Floats

    def binned(self, bins: Ints | int, count: int) -> Floats:
        """See `CellEntries`."""
        return sums_by_bin(self.slices * count + bins, self.sums, self.slice_count * count).reshape(-1, count)


@dataclass(frozen=True)
class ByPart:
    """What samples are made of: m values, each of a part and a cell.

    Attributes:
        cell: (m,) ascending; those of each cell stand in the order of the parts.
        part: (m,).
        values: (m,).
        combining: how k samples are made of the parts.
    """

    cell: Ints
    part: Ints
    values: Floats
    combining: Combining

    def of_cells(self, begin: Ints, end: Ints) -> ByPart:
        """Some ranges of cells, begin[i] to end[i] - 1, which are numbered one after the other."""
        first, last = np.searchsorted(self.cell, begin), np.searchsorted(self.cell, end)
        size, shift = last - first, begin - (np.cumsum(end - begin) - (end - begin))
        if len(begin) == 1:
            own = slice(first[0], last[0])
            return replace(self, cell=self.cell[own] - shift, part=self.part[own], values=self.values[own])
        at = np.arange(size.sum()) + np.repeat(first - (np.cumsum(size) - size), size)
        return replace(self, cell=self.cell[at] - np.repeat(shift, size), part=self.part[at], values=self.values[at])

    def of_samples(self, samples: Ints) -> ByPart:
        """Some of the samples."""
        is_all = np.array_equal(samples, np.arange(self.combining.samples))
        return self if is_all else replace(self, combining=Counted(self.combining.times[samples]))

    def sums(self, bins: Ints, count: int) -> Floats:
        """(k, count) sums, of cell i in bins[i]."""
        return self.combining.sums_of(self.part, bins[self.cell], self.values, count)

    def sums_of_few(self, bins: Ints, count: int) -> Floats:
        """The same, in less time where bins are few: samples are made of the sums that each part has."""
        parts = self.combining.parts
        at = bins[self.cell] * parts + self.part
        return self.combining.sums(sums_by_bin(at, self.values, count * parts).reshape(count, parts).T)


@dataclass(frozen=True)
class SampledEntries(_Entries):
    """Sums of k samples of each slice, which have the same cells; see `CellEntries`."""

    by_part: ByPart

    @property
    def samples(self) -> int:
        """The number k."""
        return self.by_part.combining.samples

    def binned(self, bins: Ints | int, count: int) -> Floats:
        """See `CellEntries`."""
        at, size = self.slices * count + bins, self.slice_count * count
        sums = self.by_part.sums_of_few(at, size) if count <= _FEW_BINS else self.by_part.sums(at, size)
        by_sample = sums.reshape(self.samples, self.slice_count, count)
        return by_sample.swapaxes(0, 1).reshape(-1, count)
