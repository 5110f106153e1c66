"""Labels by predicted score: one histogram behind confusion counts, threshold curves and binary plots.

A row adds its weight to cell 2 * c + label, where c is its score's bucket plus the number of exact thresholds below
the score. Splitting a bucket at each exact threshold keeps confusion counts at those thresholds exact, so a single
scatter serves every binary metric.

Bucket i (1..10,000) holds scores in [(i - 1) / 10,000, i / 10,000); bucket 0 those below 0, bucket 10,001 those from 1
on. That, and the shift of 1e-7 by which a threshold takes in the bucket that starts at it, are TFMA's conventions.

Where only the order of scores counts, even buckets will not do: scores of rare events all lie in the first. A table
with `fine` splits them by `cells` too: c is then the sum of bucket, exact thresholds passed and cell of any scale. Each
of the three grows with the score alone, so their sum does too, and it tells what each of them is. Such a table also
keeps the marks of scores, which tell whether those of one cell are equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import ClassVar

import numpy as np

from assay.metrics.arithmetic import suffix_sums
from assay.metrics.computations import cells
from assay.metrics.computations.curve import Curve, curve_of, last_below, weights_by_label
from assay.metrics.computations.distinct import DistinctTable, curve_of_distinct
from assay.metrics.computations.doubts import Doubts
from assay.metrics.computations.score_bins import BUCKETS, ScoreBins, bucket_of
from assay.metrics.computations.steps import StepArea, areas
from assay.metrics.computations.table import States, Table
from assay.metrics.computations.ties import untied
from assay.metrics.entries.domains import BINARY, PROBABILITIES, Domain
from assay.metrics.entries.examples import Examples
from assay.metrics.entries.streams import Reads
from assay.metrics.states.cell_entries import CellEntries, SampledEntries
from assay.metrics.states.cell_sums import CellSums, blocks_of
from assay.metrics.states.contributions import Cells
from assay.metrics.states.marks import marks_of
from assay.metrics.values import Floats, Ints

_SHIFT = 1e-7
_FEW = 8
_OF_PROBABILITIES = ((0.5,), (1e-12,))
"""Thresholds that nobody chose for the scores at hand: the default, and that of MaxRecall."""
_MOST_THRESHOLDS = 1_000_000
_LARGEST = float(np.finfo(np.float64).max)
_DOUBT_OF_EVEN = 0.1
"""The same, where a config asks for evenly spaced thresholds, and so for a curve of no more points."""
_FEW_TELL = 5
"""Doubt of evenly spread scores is half of 1 / num_thresholds; ten times that is what an uneven spread may bring."""
MOST_DOUBT = 0.01
"""How far an area under a ROC curve may be off because scores share a cell; beyond, there is no value."""
_OTHERS = 5
"""How much further values may be off that hang on precision, or on one point of the curve, as one pair moves them."""
_MOST_OF_EVEN = 0.25
"""The most that these may be off, where a config asks for evenly spaced thresholds."""


def coarser(bucket: Ints, buckets: int, fewer: int) -> Ints:
    """Bucket among `fewer` of a bucket among `buckets`, a multiple of it; the open ends stay the ends."""
    return np.clip((bucket - 1) // (buckets // fewer) + 1, 0, fewer + 1)


@dataclass(frozen=True)
class ScoreTable:
    """Weights by score and label.

    Attributes:
        exact: ascending thresholds at which counts are exact.
        fine: whether it tells scores of any scale apart.
    """

    exact: tuple[float, ...] = ()
    fine: bool = False

    def join(self, other: ScoreTable) -> ScoreTable:
        """The table that is exact at both tables' thresholds, and fine if one of them is."""
        return ScoreTable(tuple(sorted({*self.exact, *other.exact})), self.fine or other.fine)

    @property
    def size(self) -> int:
        """Number of score cells, labels not counted."""
        return BUCKETS + 2 + len(self.exact) + (cells.COUNT - 1) * self.fine

    @property
    def buckets(self) -> Ints:
        """Bucket that each score cell belongs to."""
        return _geometry(self).bucket

    def empty(self) -> CellSums:
        """Zeros."""
        return CellSums(2 * self.size, has_marks=self.fine)

    def contribution(self, examples: Examples, bins: ScoreBins) -> Cells:
        """Weight at (score, label); a fractional label l is a positive of w * l and a negative of w * (1 - l)."""
        added = by_label(self._cell_of(examples.predictions, bins.bucket), bins, examples.weights)
        added = added._replace(blocks=blocks_of(added.cells, 2 * self.size))
        if not self.fine:
            return added
        marks = marks_of(examples.predictions, examples.weights)
        return added._replace(marks=np.repeat(marks, 2) if bins.has_shares else marks)

    def cell_of(self, scores: Floats) -> Ints:
        """Score cell of each score."""
        cell = bucket_of(scores, BUCKETS) + self.passed(scores)
        return cell + cells.cell_of(scores) if self.fine else cell

    def _cell_of(self, scores: Floats, bucket: Ints) -> Ints:
        """As `cell_of`, of scores whose buckets are known, which mostly tell the cells."""
        cell = _only_cells(self).take(bucket)
        several = np.flatnonzero(cell < 0)
        if len(several):
            cell[several] = self.cell_of(scores[several])
        return cell

    def passed(self, scores: Floats) -> Ints:
        """Number of exact thresholds below each score."""
        if len(self.exact) > _FEW:
            return np.searchsorted(np.asarray(self.exact), scores, "left")
        passed = np.zeros(len(scores), np.int64)
        for threshold in self.exact:
            passed += scores > threshold
        return passed


def by_label(cell: Ints, bins: ScoreBins, weights: Floats) -> Cells:
    """Weights w at 2 * cell + label; a fractional label l is a positive of w * l and a negative of w * (1 - l)."""
    labels = bins.examples.labels
    if not bins.has_shares:
        return Cells(2 * cell + bins.positive, weights, None)
    both = np.stack([2 * cell + 1, 2 * cell], 1).reshape(-1)
    parts = np.stack([weights * labels, weights * (1 - labels)], 1).reshape(-1)
    return Cells(both, parts, np.repeat(np.arange(len(cell)), 2))


@dataclass(frozen=True)
class _Geometry:
    """What each score cell of a table stands for."""

    bucket: Ints
    passed: Ints
    left: Floats  # left edge of the cell's bucket
    first: Floats  # the least score in the cell


@cache
def _geometry(table: ScoreTable) -> _Geometry:
    """Looks where each score goes at which any part of the cell's number changes."""
    scores = _where_cells_change(table)
    cell = table.cell_of(scores)
    at = np.searchsorted(cell, np.arange(table.size), "right") - 1  # a number that no score has goes with the one below
    at = np.searchsorted(cell, cell[at], "left")
    edges = np.concatenate([[-np.inf], np.arange(BUCKETS) / BUCKETS, [np.inf]])
    bucket = bucket_of(scores[at], BUCKETS)
    return _Geometry(bucket, table.passed(scores[at]), edges[bucket], scores[at])


@cache
def _only_cells(table: ScoreTable) -> Ints:
    """The score cell of each bucket; -1 of a bucket that has several."""
    scores = _where_cells_change(table)
    cell, bucket = table.cell_of(scores), bucket_of(scores, BUCKETS)
    first, last = (np.searchsorted(bucket, np.arange(BUCKETS + 2), side) for side in ("left", "right"))
    return np.where(cell[first] == cell[last - 1], cell[first], -1)


@cache
def _where_cells_change(table: ScoreTable) -> Floats:
    """Ascending scores: in each bucket the first, and wherever any part of the cell's number changes."""
    thresholds = np.asarray(table.exact)
    above = np.minimum(np.nextafter(thresholds, np.inf), _LARGEST)  # no score is above infinity
    lowest = thresholds[thresholds == -np.inf]  # a score of -inf is not above it, all others are
    fine = cells.samples() if table.fine else above
    return np.unique(np.concatenate([_first_of_buckets(), above, lowest, fine]))


@cache
def _first_of_buckets() -> Floats:
    """The least score in each of the buckets."""
    return np.append(-1e300, np.arange(BUCKETS + 1) / BUCKETS)


@dataclass(frozen=True)
class Rebinning:
    """A set of thresholds on a table: `interval[c]` is the last threshold that score cell c is above."""

    thresholds: Floats
    interval: Ints


@cache
def rebinning_of(table: ScoreTable, thresholds: tuple[float, ...]) -> Rebinning:
    """Where ascending thresholds lie among the score cells of a table."""
    # The first score cell that is above each threshold: that of the first bucket that starts beyond it.
    wanted = np.asarray(thresholds)
    shifted = np.where(wanted != 0, wanted + _SHIFT, wanted)
    first = np.searchsorted(_geometry(table).left, shifted, "left")
    first[0] = 0  # the first threshold takes everything
    first[wanted >= 1 + _SHIFT] = table.size  # one beyond 1 takes nothing
    return Rebinning(wanted, np.searchsorted(first, np.arange(table.size), "right") - 1)


@dataclass(frozen=True)
class Confusion:
    """Exact counts at fixed thresholds, in the order given.

    Attributes:
        thresholds: a score above is positive.
        chosen: the fields that a config has set.
    """

    thresholds: tuple[float, ...] = (0.5,)
    chosen: tuple[str, ...] = field(default=(), compare=False)
    reads: ClassVar[Reads] = Reads()

    @property
    def domain(self) -> Domain:
        """Probabilities, unless somebody has chosen thresholds, who knows what the scores are."""
        is_chosen = "thresholds" in self.chosen or self.thresholds not in _OF_PROBABILITIES
        return (BINARY if is_chosen else PROBABILITIES)._replace(compares=True)

    def of_highest(self) -> Confusion:
        """The same where only the k highest predictions are above any threshold: by default, these are positive."""
        is_default = "thresholds" not in self.chosen and self.thresholds == Confusion.thresholds
        return replace(self, thresholds=(-np.inf,)) if is_default else self

    def tables(self) -> tuple[Table, ...]:
        """The histogram, split at the thresholds."""
        return (ScoreTable(tuple(sorted(set(self.thresholds)))),)

    def read(self, states: States) -> Curve:
        """Counts (s, t), t in the order of `thresholds`."""
        return _exact_counts(states(self.tables()[0]), self.thresholds)


def _exact_counts(state: tuple[ScoreTable, CellEntries], thresholds: tuple[float, ...]) -> Curve:
    table, entries = state
    return counts_at(thresholds, table.exact, entries, _geometry(table).passed[entries.cells >> 1])


def counts_at(thresholds: tuple[float, ...], exact: tuple[float, ...], entries: CellEntries, passed: Ints) -> Curve:
    """Counts (s, t) at thresholds t, in their order.

    Args:
        thresholds: some of `exact`.
        exact: the ascending thresholds that split the entries.
        entries: weights, of positives in odd cells.
        passed: the number of `exact` that the scores of each entry are above.
    """
    histogram = weights_by_label(entries, passed, len(exact) + 1)
    at = np.searchsorted(exact, thresholds)
    fp, tp = suffix_sums(histogram)[..., at + 1]
    tn, fn = np.cumsum(histogram, -1)[..., at]
    return Curve(np.broadcast_to(np.asarray(thresholds), tp.shape), tp, fp, tn, fn)


def curve_thresholds(count: int) -> tuple[float, ...]:
    """`count` thresholds over [0, 1], the ends moved out by 1e-7 so that they take in everything and nothing."""
    return (-_SHIFT, *(np.arange(1, count - 1) / (count - 1)).tolist(), 1 + _SHIFT)


@dataclass(frozen=True)
class ScoreCurve:
    """Counts along a curve.

    Attributes:
        num_thresholds: so many evenly spaced ones, exact to the 10,000 buckets of the histogram, as TFMA has them.
            None: there is a point for each cell in which there are scores, whatever their scale.
        thresholds: or these, at which counts are exact.
        even: 10,000 evenly spaced thresholds where a config says nothing else.
        exact: instead, a threshold at each distinct score of a slice; all of them are kept.
        chosen: the fields that a config has set.
    """

    num_thresholds: int | None = None
    thresholds: tuple[float, ...] = ()
    even: bool = False
    exact: bool = False
    chosen: tuple[str, ...] = field(default=(), compare=False)
    reads: ClassVar[Reads] = Reads()

    def __post_init__(self) -> None:
        if self.num_thresholds is not None and not 1 < self.num_thresholds <= _MOST_THRESHOLDS:
            raise ValueError(f"num_thresholds must be above 1 and at most {_MOST_THRESHOLDS:,}")
        if self.thresholds and self.num_thresholds is not None:
            raise ValueError("num_thresholds and thresholds exclude each other; set one of them")
        for name in ("num_thresholds", "thresholds"):
            if self.exact and name in self.chosen:
                raise ValueError(f"exact keeps a threshold at each score, which excludes {name}; set one of them")

    @property
    def domain(self) -> Domain:
        """Probabilities, where evenly spaced thresholds are what is asked for; else only the order of scores counts."""
        is_even = self.even and not self.thresholds and not self.exact
        return (PROBABILITIES if is_even else BINARY)._replace(compares=True)

    @property
    def limit(self) -> float:
        """How far an area under the ROC curve may be off; more, where even thresholds are what is asked for."""
        count = self._even_thresholds
        return MOST_DOUBT if count is None else max(_DOUBT_OF_EVEN, _FEW_TELL / count)

    @property
    def _even_thresholds(self) -> int | None:
        """How many evenly spaced thresholds there are; None where there are others."""
        return BUCKETS if self.num_thresholds is None and self.even else self.num_thresholds

    @property
    def limit_of_others(self) -> float:
        """How far other values may be off, whose own doubt is looked at."""
        return max(self.limit, min(_OTHERS * self.limit, _MOST_OF_EVEN))

    def tables(self) -> tuple[Table, ...]:
        """The histogram, split at the exact thresholds if there are any; else what tells crowded scores from ties."""
        if self.exact:
            return (DistinctTable(),)
        if self.thresholds:
            return (ScoreTable(tuple(sorted(set(self.thresholds)))),)
        return (ScoreTable(fine=True),)

    def read(self, states: States) -> Curve:
        """Ascending thresholds: the exact ones, or those at which something changes in a slice, and the end."""
        table, entries = states(self.tables()[0])
        if self.exact:
            return curve_of_distinct(entries)
        if self.thresholds:
            return _exact_counts((table, entries), tuple(sorted(set(self.thresholds))))
        return _changes(entries, *self._intervals(table))

    def areas(self, states: States, wanted: Sequence[StepArea]) -> list[Floats] | None:
        """Areas (s,) under the curves of samples; None where states are of no samples, or thresholds are exact."""
        if self.thresholds or self.exact:
            return None
        table, entries = states(self.tables()[0])
        if not isinstance(entries, SampledEntries):
            return None
        return areas(entries, self._intervals(table)[0].take(entries.cells >> 1), wanted)

    def doubts(self, states: States, curve: Curve) -> Doubts | None:
        """How far values of a curve that was read from the states may be off; None where its thresholds are exact."""
        if self.thresholds or self.exact:
            return None
        table, entries = states(ScoreTable(fine=True))
        return Doubts(curve, untied(entries, _geometry(table).passed, self._intervals(table)[0]))

    def points(self, states: States, curve: Curve, slices: Ints, scores: Floats) -> Ints:
        """The last point (m,) of a curve that was read from the states at which its score is above the threshold.

        Args:
            states: what the curve was read from.
            curve: of s slices.
            slices: (m,) which of them.
            scores: (m,) of rows that are part of them. -1: one that is not above the first threshold.
        """
        if self.thresholds or self.exact:
            return last_below(curve.thresholds, slices, scores)
        table, _ = states(ScoreTable(fine=True))
        interval, levels = self._intervals(table)
        return last_below(curve.thresholds, slices, levels[interval[table.cell_of(scores)]]) + 1

    def _intervals(self, table: ScoreTable) -> tuple[Ints, Floats]:
        """The last threshold that each score cell is above; and the thresholds."""
        if self._even_thresholds is not None:
            rebinning = rebinning_of(table, curve_thresholds(self._even_thresholds))
            return rebinning.interval, rebinning.thresholds
        return _own_intervals(table)


@cache
def _own_intervals(table: ScoreTable) -> tuple[Ints, Floats]:
    """Each score cell as an interval of its own; and the least score in each, and the end."""
    return np.arange(table.size), np.append(_geometry(table).first, np.inf)


def _changes(entries: CellEntries, intervals: Ints, levels: Floats) -> Curve:
    """The thresholds at which something changes; `intervals` (cells,) is the last level that a cell is above."""
    # Entries ascend, so that those of one slice and one interval stand together; each such group is a point of a curve.
    interval = intervals.take(entries.cells >> 1)
    begins = entries.begins(interval)
    at = np.flatnonzero(begins)
    slices = entries.slices[at]
    point = np.arange(len(slices)) - np.searchsorted(slices, np.arange(entries.slice_count))[slices]

    # Curves of fewer points are padded with the last level, at which nothing changes any more.
    width = entries.width + 1
    thresholds = np.full((entries.slice_count, width), levels[-1])
    thresholds[slices, point] = levels[interval[at]]

    # Samples of a slice have its thresholds.
    by_label = weights_by_label(entries, point.take(np.cumsum(begins) - 1), width)
    samples = by_label.shape[1] // max(entries.slice_count, 1)
    return curve_of(np.repeat(thresholds, samples, axis=0), by_label)
