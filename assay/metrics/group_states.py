"""What computations read of merged states: groups of slices of similar size, and the tables of one stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from assay.metrics.computations.derived import SOURCES, derived
from assay.metrics.computations.table import Table
from assay.metrics.computations.terms import Term, TermTable
from assay.metrics.entries.streams import Stream
from assay.metrics.layout import Layout, serving
from assay.metrics.states.lanes import LaneState, lanes_of
from assay.metrics.states.partial import Partial
from assay.metrics.states.sparse import SampledCells
from assay.metrics.values import Floats, Ints

_SMALLEST_WIDTH, _SMALL_WIDTH = 16, 1 << 10
"""Below the second, widths are powers of two; above, there are four to each doubling."""
_AT_ONCE = 1 << 17
"""Entries of lanes, padded to one width, that are taken together."""


class StreamStates:
    """The states of one stream's tables, by lane: those of a slice stand in a row, one for each part.

    Attributes:
        lanes: how many there are.
        tables: the tables of the stream.
    """

    def __init__(self, part: Partial, stream: Stream, layout: Layout) -> None:
        self.lanes = len(part.rows) * stream.view.parts
        self.tables, self._states = [], []
        for (owner, table), state in zip(layout.tables, part.states, strict=True):
            if owner == stream:
                self.tables.append(table)
                self._states.append(state.state if isinstance(state, LaneState) else state)

    def groups(self) -> list[tuple[Ints, int]]:
        """Lanes grouped by their entries in whichever table has most; all at once without tables of entries."""
        counts = [state.entry_counts for state in self._states if state.entry_counts is not None]
        if not counts:
            return [(np.arange(self.lanes), 1)]
        return list(_group_by_size(np.maximum.reduce(counts), self.samples))

    @property
    def samples(self) -> int:
        """Samples of a slice that share its cells; 1 where there are none."""
        return next((state.samples for state in self._states if isinstance(state, SampledCells)), 1)

    def read(self, table: int, lanes: Ints, width: int) -> Any:
        """What the state of a table, by its number, says of some lanes; see `State`."""
        return self._states[table].read(lanes, width)


def _group_by_size(entries: Ints, samples: int) -> Iterator[tuple[Ints, int]]:
    """Yields (lanes, width): lanes whose numbers of entries round up to one width, a bounded lot at once.

    Args:
        entries: (lanes,) the most entries that each lane has in one table.
        samples: so many lanes in a row share their cells: a lot has the same of them of each slice.
    """
    size = np.maximum(entries.reshape(-1, samples).max(1, initial=0), _SMALLEST_WIDTH)
    widths = _widths(size)
    for width in np.unique(widths).tolist():
        for lanes in _lots(np.flatnonzero(widths == width), samples, max(1, _AT_ONCE // width)):
            yield lanes, width


def _widths(sizes: Ints) -> Ints:
    """The least width that is no less than each size."""
    power = np.floor(np.log2(sizes)).astype(np.int64)
    step = 1 << np.where(sizes > _SMALL_WIDTH, power - 2, power)
    return -(-sizes // step) * step


def _lots(slices: Ints, samples: int, most: int) -> Iterator[Ints]:
    """The lanes of slices, as many slices at once as `most` lanes are, or a few samples of one slice."""
    step = max(1, most // samples)
    for first in range(0, len(slices), step):
        lanes = lanes_of(slices[first : first + step], samples)
        size = len(lanes) if samples <= most else most
        yield from (lanes[at : at + size] for at in range(0, len(lanes), size))


class GroupStates:
    """What a computation reads of one group of lanes."""

    def __init__(self, states: StreamStates, lanes: Ints, width: int) -> None:
        self._states, self._lanes, self._width = states, lanes, width
        self._taken: dict[int, Any] = {}

    def __call__(self, table: Table) -> tuple[Any, Any]:
        if isinstance(table, TermTable):
            return table, np.stack([self._term(term) for term in table.terms], axis=1)
        at = serving(self._states.tables, table)
        if at not in self._taken:
            self._taken[at] = self._states.read(at, self._lanes, self._width)
        return self._states.tables[at], self._taken[at]

    def _term(self, term: Term) -> Floats:
        for at, table in enumerate(self._states.tables):
            if isinstance(table, TermTable) and term in table.terms:
                sums: Floats = self._states.read(at, self._lanes, self._width)
                return sums[:, table.terms.index(term)]
        return derived(term, self(SOURCES[term]())[1])
