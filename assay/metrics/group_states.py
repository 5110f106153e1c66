"""What computations read of merged states: groups of slices of similar size, and the tables of one stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from assay.metrics.computations.derived import SOURCES, derived
from assay.metrics.computations.table import Table
from assay.metrics.computations.terms import Term, TermTable
from assay.metrics.entries.streams import Stream
from assay.metrics.layout import Layout
from assay.metrics.states.partial import Partial
from assay.metrics.values import Floats, Ints

_SMALLEST_WIDTH = 16
_AT_ONCE = 1 << 18
"""Entries of slices, padded to one width, that are taken together."""


def groups_of(part: Partial, stream: Stream, layout: Layout) -> list[tuple[Ints, int]]:
    """Slices grouped by their entries in whichever of the stream's tables has most; all at once without such tables."""
    counts = []
    for (owner, _), state in zip(layout.tables, part.states, strict=True):
        if owner == stream and state.entry_counts is not None:
            counts.append(state.entry_counts)
    if not counts:
        return [(np.arange(len(part.rows)), 1)]
    return list(_group_by_size(np.maximum.reduce(counts), max(1, _AT_ONCE // stream.view.parts)))


def _group_by_size(entries: Ints, limit: int) -> Iterator[tuple[Ints, int]]:
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


class GroupStates:
    """What a computation reads of one group of slices."""

    def __init__(self, part: Partial, stream: Stream, layout: Layout, slices: Ints, width: int) -> None:
        self._part, self._stream, self._layout = part, stream, layout
        self._slices, self._width = slices, width
        self._taken: dict[int, Any] = {}

    def __call__(self, table: Table) -> tuple[Any, Any]:
        if isinstance(table, TermTable):
            return table, np.stack([self._term(term) for term in table.terms], axis=1)
        at = self._layout.serving(self._stream, table)
        if at not in self._taken:
            self._taken[at] = self._part.states[at].read(self._slices, self._width)
        return self._layout.tables[at][1], self._taken[at]

    def _term(self, term: Term) -> Floats:
        for at, (owner, table) in enumerate(self._layout.tables):
            if owner == self._stream and isinstance(table, TermTable) and term in table.terms:
                sums: Floats = self._part.states[at].read(self._slices, self._width)
                return sums[:, table.terms.index(term)]
        return derived(term, self(SOURCES[term]())[1])
