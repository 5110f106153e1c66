"""Lanes: a slice has one for each resample, and in a table of several parts (classes, ks) one for each of these too.

The lanes of a slice stand in a row: resample by resample, and of each part by part. A table takes lanes for slices, so
any table serves any number of parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from assay.metrics.states.cell_sums import CellSums
from assay.metrics.states.combining import Combining
from assay.metrics.states.failures import of_lanes
from assay.metrics.states.state import Chosen, Contribution, Store
from assay.metrics.values import Ints

_MANY = 100
"""Resamples among which rows are spread so thinly that a table of cells is listed."""


class OfParts(NamedTuple):
    """Additions to a table, and the part (m,) that each belongs to."""

    added: Contribution
    part: Ints


class OfRows(NamedTuple):
    """What a batch adds to a table.

    Attributes:
        added: m additions.
        rows: (m,) ascending: the row of the batch that each comes from; None where the i-th comes from row i.
        part: (m,) the part that each belongs to; None where there is one part.
    """

    added: Contribution
    rows: Ints | None
    part: Ints | None = None

    def drawn(self, chosen: Chosen, times: Ints | None) -> Contribution | OfParts:
        """The chosen additions, for a store; see `Contribution`."""
        drawn = self.added.drawn(chosen, times)
        return drawn if self.part is None else OfParts(drawn, self.part[chosen])


def of_rows(added: Contribution, rows: Ints | None, part: Ints | None) -> OfRows:
    """What a batch adds to a table, from the rows and the parts of the entries that the additions come from."""
    entries = added.entries
    if entries is None:
        return OfRows(added, rows, part)
    return OfRows(added, entries if rows is None else rows[entries], None if part is None else part[entries])


class LaneStore:
    """Where a worker adds to the lanes of every slice so far.

    Args:
        store: that of the table, which takes each lane for a slice.
        parts: lanes of a slice.
    """

    def __init__(self, store: Store, parts: int) -> None:
        self._store, self._parts = store, parts

    def add(self, slices: Ints | None, count: int, added: OfParts) -> None:
        """Adds a batch; see `Store`."""
        lanes = added.part if slices is None else slices * self._parts + added.part
        with of_lanes(self._parts):
            self._store.add(lanes, count * self._parts, added.added)

    def take(self, slices: Ints) -> LaneState:
        """What is held of the given slices, with all their lanes."""
        return LaneState(self._store.take(lanes_of(slices, self._parts)), len(slices), self._parts)


@dataclass(frozen=True)
class LaneState:
    """What is held of `count` slices with `parts` lanes each: a state of count * parts slices."""

    state: Any
    count: int
    parts: int

    @property
    def entry_counts(self) -> Ints | None:
        """(s,) entries of the lane of each slice that has most."""
        counts = self.state.entry_counts
        return None if counts is None else counts.reshape(-1, self.parts).max(1, initial=0)

    def take(self, slices: Ints) -> LaneState:
        """The given slices, in that order."""
        return LaneState(self.state.take(lanes_of(slices, self.parts)), len(slices), self.parts)

    def read(self, slices: Ints, width: int) -> Any:
        """What computations see of all lanes of the given slices."""
        return self.state.read(lanes_of(slices, self.parts), width)

    def resampled(self, combining: Combining) -> LaneState:
        """See `State`. The parts of each lane stand in a row meanwhile."""
        count = self.count // combining.parts
        by_lane = np.arange(self.count * self.parts).reshape(count, combining.parts, self.parts).transpose(0, 2, 1)
        with of_lanes(self.parts):
            by_sample = self.state.take(by_lane.reshape(-1)).resampled(combining)

        samples = combining.samples
        back = np.arange(count * self.parts * samples).reshape(count, self.parts, samples).transpose(0, 2, 1)
        return LaneState(by_sample.take(back.reshape(-1)), count * samples, self.parts)

    @classmethod
    def merged(cls, states: Sequence[LaneState], slices: Sequence[Ints], count: int) -> LaneState:
        """Merges states in the order given; see `State`."""
        parts = states[0].parts
        lanes = [lanes_of(of_state, parts) for of_state in slices]
        inner = [state.state for state in states]
        with of_lanes(parts):
            return LaneState(type(inner[0]).merged(inner, lanes, count * parts), count, parts)


def lanes_of(slices: Ints, each: int) -> Ints:
    """Positions of all lanes of the given slices, of which each has as many."""
    return slices if each == 1 else (slices[:, None] * each + np.arange(each)).reshape(-1)


def lane_store(store: Store, parts: int, resamples: int = 1) -> Store:
    """A store of `parts` lanes for each slice and resample: the table's own where there is one."""
    if resamples >= _MANY and isinstance(store, CellSums):
        store = store.listed()
    return store if parts == 1 else LaneStore(store, parts)
