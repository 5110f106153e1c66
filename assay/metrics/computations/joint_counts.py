"""Rows by label and by where the scores of two models lie, which tells how far the rates of both go together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.metrics.computations.score_bins import ScoreBins
from assay.metrics.computations.scores import ScoreTable, by_label
from assay.metrics.computations.table import States, Table
from assay.metrics.entries.examples import Examples
from assay.metrics.states.cell_sums import CellSums
from assay.metrics.states.contributions import Cells
from assay.metrics.values import Floats


@dataclass(frozen=True)
class JointTable:
    """Weights by label and by how many thresholds the scores of the model and of the baseline are above.

    Attributes:
        exact: the thresholds, ascending.
        squared: whether weights are squared.
    """

    exact: tuple[float, ...]
    squared: bool = False

    def join(self, other: JointTable) -> JointTable | None:
        """The table with both tables' thresholds; of squared weights another than of weights."""
        same = self.squared == other.squared
        return JointTable(tuple(sorted({*self.exact, *other.exact})), self.squared) if same else None

    def empty(self) -> CellSums:
        """Zeros."""
        return CellSums(2 * (len(self.exact) + 1) ** 2)

    def contribution(self, examples: Examples, bins: ScoreBins) -> Cells:
        """Weight at (passed by the model, passed by the baseline, label)."""
        assert examples.of_baseline is not None
        table = ScoreTable(self.exact)
        cell = table.passed(examples.predictions) * (len(self.exact) + 1) + table.passed(examples.of_baseline)
        return by_label(cell, bins, np.square(examples.weights) if self.squared else examples.weights)


@dataclass(frozen=True)
class JointCounts:
    """Weights and squared weights by label and by both models' predictions.

    Attributes:
        thresholds: a score above is positive; in the order given.
        weighted: whether rows have weights; without, squared weights are weights.
    """

    thresholds: tuple[float, ...]
    weighted: bool

    def tables(self) -> tuple[Table, ...]:
        """One of weights, and one of squared weights."""
        exact = tuple(sorted(set(self.thresholds)))
        return (JointTable(exact), JointTable(exact, True)) if self.weighted else (JointTable(exact),)

    def read(self, states: States) -> tuple[Floats, Floats]:
        """Both, (s, t, 2, 2, 2) by label, by whether the model is positive and by whether the baseline is."""
        counts = [self._counts(*states(table)) for table in self.tables()]
        return counts[0], counts[-1]

    def _counts(self, table: JointTable, entries: Any) -> Floats:
        size = len(table.exact) + 1
        by_cell = entries.binned(entries.cells, 2 * size * size).reshape(-1, size, size, 2)
        counts = np.empty((len(by_cell), len(self.thresholds), 2, 2, 2))
        for i, threshold in enumerate(self.thresholds):
            edge = int(np.searchsorted(table.exact, threshold)) + 1
            sides = (slice(0, edge), slice(edge, size))
            for model, baseline in np.ndindex(2, 2):
                counts[:, i, :, model, baseline] = by_cell[:, sides[model], sides[baseline]].sum((1, 2))
        return counts
