"""State of all metrics for all slices of one slicing: filled in place, taken out in parts, merged in a fixed order."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from assay.metrics.states.failures import naming_slices
from assay.metrics.states.lanes import OfRows, lanes_of
from assay.metrics.states.partial import Partial
from assay.metrics.states.state import Chosen, Store
from assay.metrics.values import Ints
from assay.slicing.coded import pairs_within_rows
from assay.slicing.codes import Codes
from assay.types import SliceKey


class Draw(NamedTuple):
    """One way in which the rows of a batch count.

    resample: which resample each row (n,) counts in, or all of them. times: how often each row (n,) counts; None: once.
    """

    resample: Ints | int = 0
    times: Ints | None = None


class SliceStates:
    """What is held of every slice of one slicing that has occurred so far.

    Args:
        stores: one for each table, all empty.
        resamples: how many of each slice.
    """

    def __init__(self, stores: Sequence[Store], resamples: int = 1) -> None:
        self._stores, self._resamples = stores, resamples
        self._index: dict[SliceKey, int] = {}
        self._last: tuple[Sequence[SliceKey], Ints] = (), np.zeros(0, np.int64)
        self._rows = np.zeros(1, np.int64)

    def __len__(self) -> int:
        return len(self._index)

    def add(self, codes: Codes, contributions: Sequence[OfRows], rows: int, draws: Iterable[Draw] = (Draw(),)) -> None:
        """Adds a batch of `rows` rows, once for each draw; one contribution for each store."""
        own = self._numbers(codes.keys)

        # Contributions of one stream have the same rows, and so the same slices: these are worked out once.
        different, kind_of = _different([None, *(added.rows for added in contributions)])
        assigned = [_assign(codes, own, entry_rows, rows) for entry_rows in different]

        for draw in draws:
            drawn = [self._draw(draw, entries, rows) for entries in assigned]
            of_rows, *of_contributions = [drawn[kind] for kind in kind_of]
            self._count_rows(of_rows, rows, own, codes)
            count = max(len(self._index), 1) * self._resamples
            with naming_slices(self._index, self._resamples):
                for store, added, entries in zip(self._stores, contributions, of_contributions, strict=True):
                    store.add(entries.slices, count, added.drawn(entries.chosen, entries.times))

    def _numbers(self, keys: Sequence[SliceKey]) -> Ints:
        """The number of each slice; of a list that is the last one again, as it was."""
        if keys is not self._last[0]:
            numbers = np.array([self._index.setdefault(key, len(self._index)) for key in keys], np.int64)
            self._last = keys, numbers
        return self._last[1]

    def _draw(self, draw: Draw, entries: _Assigned, batch_rows: int) -> _Drawn:
        slices, chosen, of_rows = entries
        if self._resamples == 1:
            return _Drawn(slices, chosen, None)

        # A slice owns as many positions in a row as there are resamples.
        rows = np.arange(batch_rows) if of_rows is None else of_rows
        known = np.zeros(len(rows), np.int64) if slices is None else slices
        positions = known * self._resamples + (draw.resample if isinstance(draw.resample, int) else draw.resample[rows])
        if draw.times is None:
            return _Drawn(positions, chosen, None)

        # What counts no times at all is left out.
        times = draw.times[rows]
        drawn = np.flatnonzero(times)
        picked = drawn if isinstance(chosen, slice) else chosen[drawn]
        return _Drawn(positions[drawn], picked, times[drawn])

    def _count_rows(self, drawn: _Drawn, rows: int, own: Ints, codes: Codes) -> None:
        known, count = len(self._rows), max(len(self._index), 1) * self._resamples
        if count > known:
            self._rows = np.concatenate([self._rows, np.zeros(max(count, 2 * known) - known, np.int64)])

        if drawn.slices is None:
            self._rows[0] += rows
        elif self._resamples == 1 and codes.counts is not None:
            np.add.at(self._rows, own, codes.counts)
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
                positions = lanes_of(chosen, self._resamples)
                states = [store.take(positions) for store in self._stores]
                yield block, Partial([keys[i] for i in chosen], self._rows[positions], states)


class _Assigned(NamedTuple):
    """The entries of a batch that are in a slice.

    slices: the slice of each, or None for the only one. chosen: which entries they are. rows: the row of each; None:
    entry i comes from row i.
    """

    slices: Ints | None
    chosen: Chosen
    rows: Ints | None


class _Drawn(NamedTuple):
    """Slice (or slice and resample) of each entry, which entries these are, and how often each counts."""

    slices: Ints | None
    chosen: Chosen
    times: Ints | None


def _different(rows_of: Sequence[Ints | None]) -> tuple[list[Ints | None], list[int]]:
    """The different ones, told apart by identity, and which of them each one is."""
    different: list[Ints | None] = []
    kind_of = []
    for rows in rows_of:
        kind = next((i for i, other in enumerate(different) if other is rows), len(different))
        if kind == len(different):
            different.append(rows)
        kind_of.append(kind)
    return different, kind_of


def _assign(codes: Codes, own: Ints, rows: Ints | None, count: int) -> _Assigned:
    """The slices of the entries of a batch of `count` rows, of which entry i comes from rows[i]; None: from row i."""
    if codes.codes is None or codes.counts is None:
        return _Assigned(None, slice(None), rows)

    # One code a row: entries have that of their row, and those of a row without a slice are left out.
    if codes.rows is None:
        entry_codes = codes.codes if rows is None else codes.codes[rows]
        if codes.counts.sum() < count:
            inside = np.flatnonzero(entry_codes >= 0)
            return _Assigned(_renumbered(entry_codes[inside], own), inside, inside if rows is None else rows[inside])
        return _Assigned(_renumbered(entry_codes, own), slice(None), rows)

    # Several codes a row: an entry counts once for each.
    if rows is None:
        return _Assigned(_renumbered(codes.codes, own), codes.rows, codes.rows)
    i, j = pairs_within_rows(rows, codes.rows)
    return _Assigned(_renumbered(codes.codes[j], own), i, rows[i])


def _renumbered(codes: Ints, own: Ints) -> Ints:
    """Batches of one file mostly have the same slices in the same order."""
    return codes if np.array_equal(own, np.arange(len(own))) else own[codes]


def block_of(key: SliceKey, blocks: int) -> int:
    """Block of a slice: equal keys (1 == 1.0), and those that look alike (1 and "1"), meet on every worker."""
    if blocks == 1:
        return 0
    text = repr([(feature, _alike(value)) for feature, value in key])
    return zlib.crc32(text.encode()) % blocks


def _alike(value: str | int | float | None) -> str | float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(value)
