"""Calibration buckets: weights, labels and predictions by the predicted score."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from assay.metrics.computations.score_bins import BUCKETS, ScoreBins, bucket_of
from assay.metrics.computations.scores import ScoreTable, coarser
from assay.metrics.computations.table import States, Table
from assay.metrics.entries.domains import NUMBERS, PROBABILITIES, Domain
from assay.metrics.entries.examples import Examples
from assay.metrics.entries.streams import Reads
from assay.metrics.states.cell_sums import CellSums
from assay.metrics.states.contributions import Cells
from assay.metrics.values import Buckets, Floats, Ints

_COARSE_BUCKETS = 1_000
_SUMS = 3
"""Cell 3 * bucket + i of a BucketTable: the weight, the weighted label, the weighted prediction."""


@dataclass(frozen=True)
class PredictionTable:
    """Weighted predictions by 1,002 coarse buckets of the score on [0, 1)."""

    def join(self, other: PredictionTable) -> PredictionTable:
        """Itself: there are no settings."""
        return self

    def empty(self) -> CellSums:
        """Zeros."""
        return CellSums(_COARSE_BUCKETS + 2)

    def contribution(self, examples: Examples, bins: ScoreBins) -> Cells:
        """Weighted prediction at its bucket, which is the fine bucket's, so that a score on an edge is on one side."""
        return Cells(_coarse_of_fine().take(bins.bucket), examples.weights * examples.predictions, None)


@cache
def _coarse_of_fine() -> Ints:
    return coarser(np.arange(BUCKETS + 2), BUCKETS, _COARSE_BUCKETS)


@cache
def _coarse_of_cells(table: ScoreTable, buckets: int) -> Ints:
    """The bucket, among fewer, of each score cell of a table."""
    return coarser(table.buckets, BUCKETS, buckets)


@dataclass(frozen=True)
class BucketTable:
    """Weights, labels and predictions by 10,000 even buckets of the prediction on [left, right) and two open ends."""

    left: float
    right: float

    def join(self, other: BucketTable) -> BucketTable | None:
        """Only equal buckets can be shared."""
        return self if self == other else None

    def empty(self) -> CellSums:
        """Zeros."""
        return CellSums(_SUMS * (BUCKETS + 2))

    def contribution(self, examples: Examples, bins: ScoreBins) -> Cells:
        """The three sums of each entry."""
        labels, predictions, weights = examples[:3]
        bucket = bucket_of(predictions, BUCKETS, self.left, self.right)
        cells = (_SUMS * bucket[:, None] + np.arange(_SUMS)).reshape(-1)
        values = np.stack([weights, weights * labels, weights * predictions], 1).reshape(-1)
        return Cells(cells, values, np.repeat(np.arange(len(labels)), _SUMS))


@dataclass(frozen=True)
class Calibration:
    """Weights, labels and predictions by even buckets of the prediction, and two open ends.

    Attributes:
        num_buckets: number of buckets between the ends.
        left: where the first starts.
        right: where the last ends.
    """

    num_buckets: int = 1000
    left: float = 0.0
    right: float = 1.0
    reads: ClassVar[Reads] = Reads()

    def __post_init__(self) -> None:
        if not 1 <= self.num_buckets <= BUCKETS:
            raise ValueError(f"num_buckets must be from 1 to {BUCKETS}")
        if not -np.inf < self.left < self.right < np.inf:
            raise ValueError("left must be below right, and both finite")

    @property
    def domain(self) -> Domain:
        """On [0, 1] predictions are probabilities of the positive class; elsewhere they are any numbers."""
        return PROBABILITIES if (self.left, self.right) == (0.0, 1.0) else NUMBERS

    @property
    def _shares(self) -> bool:
        return self.domain == PROBABILITIES and _COARSE_BUCKETS % self.num_buckets == 0

    def tables(self) -> tuple[Table, ...]:
        """The histogram behind all binary metrics and sums of predictions, where that will do; else one of its own."""
        return (ScoreTable(), PredictionTable()) if self._shares else (BucketTable(self.left, self.right),)

    def read(self, states: States) -> Buckets:
        """Sums (s, num_buckets + 2)."""
        return self._shared(states) if self._shares else self._own(states)

    def _shared(self, states: States) -> Buckets:
        table, entries = states(ScoreTable())
        _, predictions = states(PredictionTable())
        count = self.num_buckets + 2
        coarse = 2 * _coarse_of_cells(table, self.num_buckets).take(entries.cells >> 1) + (entries.cells & 1)
        by_label = entries.binned(coarse, 2 * count).reshape(-1, count, 2)
        bucket = coarser(predictions.cells, _COARSE_BUCKETS, self.num_buckets)
        return Buckets(*self._edges(), by_label.sum(-1), by_label[..., 1], predictions.binned(bucket, count))

    def _own(self, states: States) -> Buckets:
        _, entries = states(*self.tables())
        bucket, part = np.divmod(entries.cells, _SUMS)
        cells = _SUMS * self._of_fine()[bucket] + part
        sums = entries.binned(cells, _SUMS * (self.num_buckets + 2)).reshape(-1, self.num_buckets + 2, _SUMS)
        return Buckets(*self._edges(), *np.moveaxis(sums, -1, 0))

    def _of_fine(self) -> Ints:
        """Bucket of each of the 10,002 fine buckets: that which the fine one's left edge is in."""
        width = self.right - self.left
        fine = np.concatenate([[-np.inf], np.arange(BUCKETS) / BUCKETS * width + self.left, [np.inf]])
        return np.searchsorted(self._edges()[0], fine, "right") - 1

    def _edges(self) -> tuple[Floats, Floats]:
        """Lower and upper edges, each (num_buckets + 2,)."""
        inner = self.left + np.arange(self.num_buckets + 1) * (self.right - self.left) / self.num_buckets
        return np.concatenate([[-np.inf], inner]), np.concatenate([inner, [np.inf]])
