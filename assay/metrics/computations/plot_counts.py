"""Counts along evenly spaced thresholds, as plots of two classes have them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from assay.metrics.arithmetic import suffix_sums
from assay.metrics.computations.curve import curve_of, weights_by_label
from assay.metrics.computations.score_bins import ScoreBins
from assay.metrics.computations.scores import ScoreTable, rebinning_of
from assay.metrics.computations.table import States, Table
from assay.metrics.entries.domains import PROBABILITIES, Domain
from assay.metrics.entries.examples import Examples
from assay.metrics.entries.streams import Reads
from assay.metrics.states.cell_sums import CellSums
from assay.metrics.states.contributions import Cells
from assay.metrics.values import Matrices


@dataclass(frozen=True)
class ScoreMatrices:
    """Counts at `num_thresholds` + 2 thresholds for plots: one below 0, then i / num_thresholds."""

    num_thresholds: int = 1000
    domain: ClassVar[Domain] = PROBABILITIES._replace(compares=True)
    reads: ClassVar[Reads] = Reads()

    def __post_init__(self) -> None:
        _check_plot_thresholds(self.num_thresholds)

    def tables(self) -> tuple[Table, ...]:
        """The histogram."""
        return (ScoreTable(),)

    def read(self, states: States) -> Matrices:
        """Counts (s, num_thresholds + 2)."""
        table, entries = states(self.tables()[0])
        rebinning = rebinning_of(table, _plot_thresholds(self.num_thresholds))
        count = len(rebinning.thresholds)
        by_label = weights_by_label(entries, rebinning.interval[entries.cells >> 1], count)
        curve = curve_of(rebinning.thresholds, by_label)
        return Matrices(rebinning.thresholds, *curve[1:])


@cache
def _plot_thresholds(count: int) -> tuple[float, ...]:
    return (-1e-6, *(np.arange(count + 1) / count).tolist())


def _check_plot_thresholds(count: int) -> None:
    if count < 1:
        raise ValueError("num_thresholds must be above 0")


@dataclass(frozen=True)
class LevelTable:
    """Weights by the number of plot thresholds below the score; labels are not read."""

    num_thresholds: int

    def join(self, other: LevelTable) -> LevelTable | None:
        """Only equal thresholds can be shared."""
        return self if self == other else None

    def empty(self) -> CellSums:
        """Zeros."""
        return CellSums(self.num_thresholds + 3)

    def contribution(self, examples: Examples, bins: ScoreBins) -> Cells:
        """Weight at the score's level."""
        levels = np.searchsorted(_plot_thresholds(self.num_thresholds), examples.predictions, "left")
        return Cells(levels, examples.weights, None)


@dataclass(frozen=True)
class ScoreLevels:
    """Weights above and up to the thresholds of `ScoreMatrices`, exact, whatever the labels."""

    num_thresholds: int = 1000
    domain: ClassVar[Domain] = Domain(low=0.0, high=1.0, compares=True)
    reads: ClassVar[Reads] = Reads(labels=False)

    def __post_init__(self) -> None:
        _check_plot_thresholds(self.num_thresholds)

    def tables(self) -> tuple[Table, ...]:
        """One of its own."""
        return (LevelTable(self.num_thresholds),)

    def read(self, states: States) -> Matrices:
        """What is above a threshold as tp, what is not as tn, (s, num_thresholds + 2); fp and fn are 0."""
        _, entries = states(self.tables()[0])
        weight = entries.binned(entries.cells, self.num_thresholds + 3)
        above, below = suffix_sums(weight)[:, 1:], np.cumsum(weight, -1)[:, :-1]
        nothing = np.zeros_like(above)
        return Matrices(np.asarray(_plot_thresholds(self.num_thresholds)), above, nothing, below, nothing)
