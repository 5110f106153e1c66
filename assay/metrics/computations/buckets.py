"""Calibration buckets over any range of predictions, for labels of any size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from assay.metrics.computations.scores import bucket_edges, bucket_of
from assay.metrics.computations.table import Cells, Table, Views, binned
from assay.metrics.examples import Examples
from assay.metrics.sums import CellSums
from assay.metrics.values import Buckets

_SUMS = 3
"""Cell 3 * bucket + i: the weight, the weighted label, the weighted prediction."""


@dataclass(frozen=True)
class BucketTable:
    """Weights, labels and predictions by even buckets of the prediction on [left, right)."""

    num_buckets: int
    left: float
    right: float

    def join(self, other: BucketTable) -> BucketTable | None:
        """Only equal buckets can be shared."""
        return self if self == other else None

    def empty(self) -> CellSums:
        """Zeros."""
        return CellSums(_SUMS * (self.num_buckets + 2))

    def place(self, examples: Examples) -> Cells:
        """The three sums of each entry."""
        labels, predictions, weights, rows = examples
        bucket = bucket_of(predictions, self.num_buckets, self.left, self.right)
        cells = (_SUMS * bucket[:, None] + np.arange(_SUMS)).reshape(-1)
        values = np.stack([weights, weights * labels, weights * predictions], 1).reshape(-1)
        return Cells(cells, values, np.repeat(np.arange(len(labels)) if rows is None else rows, _SUMS))


@dataclass(frozen=True)
class WideCalibration:
    """Calibration buckets for predictions on [left, right)."""

    num_buckets: int
    left: float
    right: float
    binary: ClassVar[bool] = False
    only_weights: ClassVar[bool] = False

    def tables(self) -> tuple[Table, ...]:
        """One of its own."""
        return (BucketTable(self.num_buckets, self.left, self.right),)

    def read(self, views: Views) -> Buckets:
        """Sums (s, num_buckets + 2)."""
        _, entries = views(*self.tables())
        sums = binned(entries, entries.cells, _SUMS * (self.num_buckets + 2)).reshape(entries.slice_count, -1, _SUMS)
        return Buckets(*bucket_edges(self.num_buckets, self.left, self.right), *np.moveaxis(sums, -1, 0))
