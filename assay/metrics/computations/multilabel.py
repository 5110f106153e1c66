"""Pairs of classes in rows that may have several: what is predicted of each class where another one is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from assay.metrics.arithmetic import suffix_sums
from assay.metrics.computations.class_pairs import (
    by_pair,
    cells_by_slice,
    coarser,
    intervals_in,
    intervals_of,
    key_of,
)
from assay.metrics.computations.class_thresholds import ClassThresholds
from assay.metrics.computations.score_bins import ScoreBins
from assay.metrics.computations.table import States, Table
from assay.metrics.entries.domains import ANY_CLASSES, Domain
from assay.metrics.entries.examples import Examples
from assay.metrics.entries.streams import Reads
from assay.metrics.states.contributions import Crossed
from assay.metrics.states.crossed_sums import CrossedStore
from assay.metrics.values import MultiLabelMatrices


@dataclass(frozen=True)
class LabelPairTable:
    """Weights by a class that is true, any class, whether that is true, and its score.

    Attributes:
        exact: ascending thresholds of which is known whether the score is above.
    """

    exact: tuple[float, ...] = ()

    def join(self, other: LabelPairTable) -> LabelPairTable:
        """The table that knows both tables' thresholds."""
        return LabelPairTable(tuple(sorted({*self.exact, *other.exact})))

    def empty(self) -> CrossedStore:
        """Nothing."""
        return CrossedStore()

    def contribution(self, examples: Examples, bins: ScoreBins) -> Crossed:
        """The weight of a row for each class that is true, with the keys of all its classes."""
        labels, predictions, weights = examples[:3]
        rows, true = np.nonzero(labels)
        interval = 2 * intervals_of(predictions, self.exact) + (labels > 0)
        every = key_of(-1, np.arange(labels.shape[1]), interval)
        return Crossed(key_of(true, -1, 0), rows, every, weights[rows], rows)


@dataclass(frozen=True)
class LabelMatrices(ClassThresholds):
    """Matrices of each class in the rows of each class; see `ClassThresholds`."""

    reads: ClassVar[Reads] = Reads()

    @property
    def domain(self) -> Domain:
        """Any classes, and scores that the thresholds are for."""
        return ANY_CLASSES._replace(low=self.low, high=self.high)

    def tables(self) -> tuple[Table, ...]:
        """Weights by pairs of classes and score."""
        return (LabelPairTable(self.ascending),)

    def read(self, states: States) -> MultiLabelMatrices:
        """The cells of each slice: of each pair that occurs, at each threshold."""
        table, entries = states(*self.tables())
        count, pairs = len(self.ascending), by_pair(entries)
        interval, is_true = np.divmod(intervals_in(entries), 2)
        level = coarser(interval, table.exact, self.ascending)

        # By whether the class is true, and by how many thresholds the score is above.
        bins = is_true * (count + 1) + level
        histogram = pairs.sums(bins, entries.sums[:, 0], 2 * (count + 1)).reshape(-1, 2, count + 1)
        fp, tp = suffix_sums(histogram)[..., 1:].transpose(1, 0, 2).reshape(2, -1)
        tn, fn = np.cumsum(histogram, -1)[..., :-1].transpose(1, 0, 2).reshape(2, -1)

        pair, at = np.divmod(np.arange(len(pairs.slices) * count), count)
        columns = (at, pairs.first[pair], pairs.second[pair], fn, tn, fp, tp)
        return MultiLabelMatrices(self.shown, cells_by_slice(pairs.slices[pair], columns, entries.slice_count))
