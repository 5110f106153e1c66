"""State of all metrics for all slices of one slicing: filled in place, taken out in parts, merged in a fixed order."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from assay.metrics.computations.placed import Placed
from assay.metrics.computations.table import Cells, Entries, Terms
from assay.metrics.entries.examples import Examples, Stream
from assay.metrics.states.forest import Partial, with_resamples
from assay.metrics.states.layout import Layout
from assay.metrics.states.sums import CellSums, Sparse, TermSums, rows_of
from assay.metrics.values import Ints
from assay.slicing.codes import Codes, pairs_within_rows
from assay.types import SliceKey

_CROSS_BLOCKS = 32
_SMALLEST_WIDTH = 16


def place(layout: Layout, examples: Mapping[Stream, Examples]) -> list[Cells | Terms]:
    """What a batch adds to each table, whatever the slices."""
    placed = {stream: Placed(seen) for stream, seen in examples.items()}
    return [table.place(examples[stream], placed[stream]) for stream, table in layout.tables]


class Draw(NamedTuple):
    """One way in which the rows of a batch count.

    resample: which resample each row (n,) counts in, or all of them. times: how often each row (n,) counts; None: once.
    """

    resample: Ints | int = 0
    times: Ints | None = None


class SliceStates:
    """Sums of every slice of one slicing that has occurred so far."""

    def __init__(self, layout: Layout, resamples: int = 1) -> None:
        self._resamples = resamples
        self._index: dict[SliceKey, int] = {}
        self._rows = np.zeros(1, np.int64)
        self._sums: list[CellSums | TermSums] = [table.empty() for _, table in layout.tables]

    def __len__(self) -> int:
        return len(self._index)

    def add(
        self, codes: Codes, contributions: Sequence[Cells | Terms], rows: int, draws: Iterable[Draw] = (Draw(),)
    ) -> None:
        """Adds a batch of `rows` rows, once for each draw."""
        own = np.array([self._index.setdefault(key, len(self._index)) for key in codes.keys], np.int64)
        assigned = {id(None): _assign(codes, own, None, rows)}  # contributions of one stream share their rows
        for added in contributions:
            if id(added.rows) not in assigned:
                assigned[id(added.rows)] = _assign(codes, own, added.rows, rows)
        for draw in draws:
            drawn = {key: self._draw(draw, *entries) for key, entries in assigned.items()}
            self._count_rows(drawn[id(None)], rows, own, codes)
            for sums, added in zip(self._sums, contributions, strict=True):
                self._add(sums, added, drawn[id(added.rows)])

    def _draw(self, draw: Draw, slices: Ints | None, chosen: Any, rows: Ints) -> _Drawn:
        if self._resamples == 1:
            return _Drawn(slices, chosen, None)
        known = np.zeros(len(rows), np.int64) if slices is None else slices
        places = known * self._resamples + (draw.resample if isinstance(draw.resample, int) else draw.resample[rows])
        if draw.times is None:
            return _Drawn(places, chosen, None)
        times = draw.times[rows]
        drawn = np.flatnonzero(times)
        picked = drawn if isinstance(chosen, slice) else chosen[drawn]
        return _Drawn(places[drawn], picked, times[drawn])

    def _add(self, sums: CellSums | TermSums, added: Cells | Terms, drawn: _Drawn) -> None:
        count = max(len(self._index), 1) * self._resamples
        values = added.values[drawn.chosen]
        if drawn.times is not None and values.dtype != object:
            values = values * (drawn.times if values.ndim == 1 else drawn.times[:, None])
        if isinstance(added, Cells):
            marks = None if added.marks is None else added.marks[drawn.chosen]
            sums.add(drawn.slices, count, added.cells[drawn.chosen], values, marks)  # type: ignore[call-arg]
        else:
            sums.add(drawn.slices, count, values)  # type: ignore[call-arg]

    def _count_rows(self, drawn: _Drawn, rows: int, own: Ints, codes: Codes) -> None:
        known, count = len(self._rows), max(len(self._index), 1) * self._resamples
        if count > known:
            self._rows = np.concatenate([self._rows, np.zeros(max(count, 2 * known) - known, np.int64)])
        if drawn.slices is None:
            self._rows[0] += rows
        elif self._resamples == 1:
            np.add.at(self._rows, own, codes.counts)  # type: ignore[arg-type]
        elif drawn.times is None:
            self._rows[:count] += np.bincount(drawn.slices, minlength=count)
        else:
            self._rows[:count] += np.bincount(drawn.slices, drawn.times, minlength=count).astype(np.int64)

    def partials(self, blocks: int) -> Iterator[tuple[int, Partial]]:
        """Yields (block, state) of the slices that occurred; a slice's block depends on its key alone."""
        keys = list(self._index)
        home = np.array([block_of(key, blocks) for key in keys], np.int64)
        for block in range(blocks):
            chosen = np.flatnonzero(home == block)
            if len(chosen):
                places = with_resamples(chosen, self._resamples)
                sums = [held.take(places) for held in self._sums]
                yield block, Partial([keys[i] for i in chosen], self._rows[places], sums)


class _Drawn(NamedTuple):
    """Slice (or slice and resample) of each contribution, which contributions these are, and how often each counts."""

    slices: Ints | None
    chosen: Any
    times: Ints | None


def _assign(codes: Codes, own: Ints, rows: Ints | None, count: int) -> tuple[Ints | None, Any, Ints]:
    """For each contribution that is in a slice: (its slice, or None for the only one; which it is; its row)."""
    of_entry = np.arange(count) if rows is None else rows
    if codes.codes is None or codes.counts is None:
        return None, slice(None), of_entry
    if codes.rows is None:
        entry_codes = codes.codes if rows is None else codes.codes[rows]
        if codes.counts.sum() < count:
            inside = np.flatnonzero(entry_codes >= 0)
            return _renumbered(entry_codes[inside], own), inside, of_entry[inside]
        return _renumbered(entry_codes, own), slice(None), of_entry
    if rows is None:
        return _renumbered(codes.codes, own), codes.rows, codes.rows
    i, j = pairs_within_rows(rows, codes.rows)
    return _renumbered(codes.codes[j], own), i, of_entry[i]


def _renumbered(codes: Ints, own: Ints) -> Ints:
    """Batches of one file mostly have the same slices in the same order."""
    return codes if np.array_equal(own, np.arange(len(own))) else own[codes]


def block_count(features: int) -> int:
    """Number of blocks that the slices of a slicing are spread over; never from the data, or workers would disagree."""
    return _CROSS_BLOCKS if features > 1 else 1


def block_of(key: SliceKey, blocks: int) -> int:
    """Block of a slice: equal keys (1 == 1.0), and those that look alike (1 and "1"), meet on every worker."""
    if blocks == 1:
        return 0
    text = repr([(feature, _alike(value)) for feature, value in key])
    return zlib.crc32(text.encode()) % blocks


def _alike(value: str | int | float) -> str | float:
    try:
        return float(value)
    except ValueError:
        return str(value)


def group_by_size(entries: Ints, limit: int = 1 << 18) -> Iterator[tuple[Ints, int]]:
    """Yields (slices, width): slices whose numbers of entries round up to one power of two, a bounded lot at once.

    Args:
        entries: (s,) the most entries that each slice has in one table.
        limit: slices times width that are taken together.
    """
    size = np.maximum(entries, _SMALLEST_WIDTH)
    power = np.ceil(np.log2(size)).astype(np.int64)
    for exponent in np.unique(power):
        alike = np.flatnonzero(power == exponent)
        step = max(1, limit >> int(exponent))
        for first in range(0, len(alike), step):
            yield alike[first : first + step], 1 << int(exponent)


def entries_of(sums: Sparse, slices: Ints, width: int) -> Entries:
    """The entries of the given slices, numbered 0.. in that order."""
    taken = rows_of(sums, slices)
    owner = np.repeat(np.arange(len(slices)), np.diff(taken.start))
    return Entries(len(slices), owner, taken.cells.astype(np.int64), taken.sums, width, taken.marks)
