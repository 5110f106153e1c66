"""Which class a row has and which is predicted, counted by both.

Predicted is the class of the highest score, or none (-1) where that is not above a threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from assay.metrics.arithmetic import suffix_sums
from assay.metrics.computations.class_pairs import (
    by_first,
    by_pair,
    cells_by_slice,
    coarser,
    intervals_in,
    intervals_of,
    key_of,
)
from assay.metrics.computations.class_terms import actual_class, predicted_class
from assay.metrics.computations.class_thresholds import ClassThresholds
from assay.metrics.computations.score_bins import ScoreBins
from assay.metrics.computations.table import States, Table
from assay.metrics.entries.domains import ONE_CLASS, Domain
from assay.metrics.entries.examples import Examples
from assay.metrics.entries.streams import Reads
from assay.metrics.states.contributions import Keyed
from assay.metrics.states.keyed_sums import KeyedEntries, KeyedStore
from assay.metrics.values import Ints, MultiClassMatrices, Objects


@dataclass(frozen=True)
class ClassTable:
    """Weights by actual class, class of the highest score, and that score.

    Attributes:
        exact: ascending thresholds of which is known whether the score is above.
    """

    exact: tuple[float, ...] = ()

    def join(self, other: ClassTable) -> ClassTable:
        """The table that knows both tables' thresholds."""
        return ClassTable(tuple(sorted({*self.exact, *other.exact})))

    def empty(self) -> KeyedStore:
        """Nothing."""
        return KeyedStore(1)

    def contribution(self, examples: Examples, bins: ScoreBins) -> Keyed:
        """The weight of each row."""
        predicted = predicted_class(examples)
        highest = np.take_along_axis(examples.predictions, predicted[:, None], 1)[:, 0]
        keys = key_of(actual_class(examples), predicted, intervals_of(highest, self.exact))
        return Keyed(keys, examples.weights[:, None], None)


@dataclass(frozen=True)
class ClassMatrices(ClassThresholds):
    """Matrices of actual and predicted classes; see `ClassThresholds`."""

    reads: ClassVar[Reads] = Reads()

    @property
    def domain(self) -> Domain:
        """One class a row, and scores that the thresholds are for."""
        return ONE_CLASS._replace(low=self.low, high=self.high)

    def tables(self) -> tuple[Table, ...]:
        """Weights by classes and score."""
        return (ClassTable(self.ascending),)

    def read(self, states: States) -> MultiClassMatrices:
        """The cells of each slice."""
        table, entries = states(*self.tables())
        level = coarser(intervals_in(entries), table.exact, self.ascending)
        return MultiClassMatrices(self.shown, _cells(entries, level, len(self.ascending)))


def _cells(entries: KeyedEntries, level: Ints, count: int) -> Objects:
    """What is above each of `count` thresholds, and of each class what is not; entry i is above the first level[i]."""
    weights = entries.sums[:, 0]
    pairs, actual = by_pair(entries), by_first(entries)
    above = suffix_sums(pairs.sums(level, weights, count + 1))[:, 1:]
    below = np.cumsum(actual.sums(level, weights, count + 1), axis=1)[:, :-1]

    (pair, at), (group, at_none) = np.nonzero(above), np.nonzero(below)
    none = np.full(len(group), -1)
    return cells_by_slice(
        np.concatenate([pairs.slices[pair], actual.slices[group]]),
        (
            np.concatenate([at, at_none]),
            np.concatenate([pairs.first[pair], actual.first[group]]),
            np.concatenate([pairs.second[pair], none]),
            np.concatenate([above[pair, at], below[group, at_none]]),
        ),
        entries.slice_count,
    )
