"""What is held of some slices: their keys, their rows and the state of each table. It travels, and merges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from assay.metrics.states.failures import naming_slices
from assay.metrics.states.lanes import lanes_of
from assay.metrics.states.state import State, Store
from assay.metrics.values import Ints
from assay.types import SliceKey


class Partial(NamedTuple):
    """State of some slices of one slicing: rows int64 (s * r,), and the state of each table of the layout.

    Each of the s slices has r entries in a row, one for each resample; r is 1 without confidence intervals.
    """

    keys: list[SliceKey]
    rows: Ints
    states: list[State]

    @property
    def resamples(self) -> int:
        """The number r."""
        return len(self.rows) // max(len(self.keys), 1)

    def take(self, slices: Ints) -> Partial:
        """Some of the slices, with all their resamples."""
        return self._of_entries([self.keys[i] for i in slices], lanes_of(slices, self.resamples))

    def first_of_resamples(self) -> Partial:
        """All slices, each with the first of its resamples only."""
        return self._of_entries(self.keys, np.arange(0, len(self.rows), self.resamples))

    def _of_entries(self, keys: list[SliceKey], at: Ints) -> Partial:
        return Partial(keys, self.rows[at], [state.take(at) for state in self.states])


def side_by_side(parts: Sequence[Partial], stores: Sequence[Sequence[Store]]) -> Partial:
    """Joins what several passes hold of the same slices: the tables of each pass after those of the one before.

    Args:
        parts: one for each pass; the first counts the rows. A pass that has nothing has no slices.
        stores: of each pass, one for each of its tables, all empty.
    """
    number = {key: i for i, key in enumerate(dict.fromkeys(key for part in parts for key in part.keys))}
    resamples = max(part.resamples for part in parts)
    count = len(number) * resamples

    rows, states = np.zeros(count, np.int64), []
    for i, (part, empty) in enumerate(zip(parts, stores, strict=True)):
        at = lanes_of(np.array([number[key] for key in part.keys], np.int64), resamples)
        if i == 0:
            rows[at] = part.rows
        of_tables = part.states or [store.take(np.zeros(0, np.int64)) for store in empty]
        states += [type(state).merged([state], [at], count) for state in of_tables]
    return Partial(list(number), rows, states)


def merge(parts: Sequence[Partial]) -> Partial:
    """Merges what is held of slices, in the order given; the parts have the same tables and as many resamples."""
    if len(parts) == 1:
        return parts[0]

    # Slices are numbered in the order in which they come up.
    number: dict[SliceKey, int] = {}
    numbers = [np.array([number.setdefault(key, len(number)) for key in part.keys], np.int64) for part in parts]
    resamples = parts[0].resamples
    positions = [lanes_of(slices, resamples) for slices in numbers]

    rows = np.zeros(len(number) * resamples, np.int64)
    for part, at in zip(parts, positions, strict=True):
        rows[at] += part.rows

    states = []
    with naming_slices(number, resamples):
        for of_table in zip(*(part.states for part in parts), strict=True):
            states.append(type(of_table[0]).merged(of_table, positions, len(rows)))
    return Partial(list(number), rows, states)
