"""How images become entries: pixels of a class against all others, those alike together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.metrics.entries.columns import Columns
from assay.metrics.entries.examples import Examples


@dataclass(frozen=True)
class PixelClasses:
    """Each class against all others: a part for each. An entry weighs as much as it has pixels, times its row.

    Attributes:
        ids: the classes.
        ignored: the true class of pixels that are neither false positives nor true negatives; None for none.
    """

    ids: tuple[int, ...] = ()
    ignored: int | None = None

    @property
    def parts(self) -> int:
        """Number of classes."""
        return max(len(self.ids), 1)

    def misfit(self, width: int) -> str:
        """Pixels have classes of their own."""
        return ""

    def entries(self, columns: Columns) -> Examples:
        """One entry for each class and each pair of classes that a row has."""
        assert columns.pixels is not None
        pixels, ids = columns.pixels, np.asarray(self.ids)
        is_true, is_predicted = (values[:, None] == ids for values in (pixels.truth, pixels.predicted))
        counts = np.ones_like(is_true) if self.ignored is None else is_true | (pixels.truth != self.ignored)[:, None]

        pair, class_at = np.nonzero(counts)
        rows = pixels.rows[pair]
        labels, predictions = (which[pair, class_at].astype(np.float64) for which in (is_true, is_predicted))
        weights = pixels.counts[pair] * columns.weights[rows]
        return Examples(labels, predictions, weights, rows, None if self.parts == 1 else class_at)
