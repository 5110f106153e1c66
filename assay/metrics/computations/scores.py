"""Labels by predicted score: one histogram behind confusion counts, threshold curves and binary plots.

A row adds its weight to cell 2 * c + label, where c is its score's bucket plus the number of exact thresholds below
the score. Splitting a bucket at each exact threshold keeps confusion counts at those thresholds exact, so a single
scatter serves every binary metric.

Bucket i (1..10,000) holds scores in [(i - 1) / 10,000, i / 10,000); bucket 0 those below 0, bucket 10,001 those from 1
on. That, and the shift of 1e-7 by which a threshold takes in the bucket that starts at it, are TFMA's conventions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from assay.metrics.arithmetic import suffix_sums
from assay.metrics.computations.table import Cells, Entries, Table, Views, binned
from assay.metrics.domains import BINARY, PROBABILITIES, Domain
from assay.metrics.examples import Examples, Reads
from assay.metrics.sums import CellSums
from assay.metrics.values import Floats, Matrices

Ints = npt.NDArray[np.int64]

BUCKETS = 10_000
_SHIFT = 1e-7
_FEW = 8
_OF_PROBABILITIES = ((0.5,), (1e-12,))
"""Thresholds that nobody chose for the scores at hand: the default, and that of MaxRecall."""
_MOST_THRESHOLDS = 1_000_000


def bucket_of(scores: Floats, buckets: int, left: float = 0.0, right: float = 1.0) -> Ints:
    """Bucket of each score, 0 to buckets + 1; finite scores only."""
    position = (scores - left) / (right - left) * buckets
    if len(scores) and position.min() >= 0 and position.max() <= buckets:
        return position.astype(np.int64) + 1
    return np.where(scores < left, 0, np.clip(position, 0, buckets).astype(np.int64) + 1)


def coarser(bucket: Ints, buckets: int, fewer: int) -> Ints:
    """Bucket among `fewer` of a bucket among `buckets`, a multiple of it; the open ends stay the ends."""
    return np.clip((bucket - 1) // (buckets // fewer) + 1, 0, fewer + 1)


@dataclass(frozen=True)
class ScoreTable:
    """Weights by score and label.

    Attributes:
        exact: ascending thresholds at which counts are exact.
    """

    exact: tuple[float, ...] = ()

    def join(self, other: ScoreTable) -> ScoreTable:
        """The table that is exact at both tables' thresholds."""
        return ScoreTable(tuple(sorted({*self.exact, *other.exact})))

    @property
    def size(self) -> int:
        """Number of score cells, labels not counted."""
        return BUCKETS + 2 + len(self.exact)

    @property
    def buckets(self) -> Ints:
        """Bucket that each score cell belongs to."""
        return _geometry(self).bucket

    def empty(self) -> CellSums:
        """Zeros."""
        return CellSums(2 * self.size)

    def place(self, examples: Examples) -> Cells:
        """Weight at (score, label); a fractional label l is a positive of w * l and a negative of w * (1 - l)."""
        labels, scores, weights, rows = examples[:4]
        cells = 2 * (bucket_of(scores, BUCKETS) + self._passed(scores))
        positive = labels > 0
        if np.array_equal(labels, positive):
            return Cells(cells + positive, weights, rows)
        both = np.stack([cells + 1, cells], 1).reshape(-1)
        values = np.stack([weights * labels, weights * (1 - labels)], 1).reshape(-1)
        return Cells(both, values, np.repeat(np.arange(len(cells)) if rows is None else rows, 2))

    def _passed(self, scores: Floats) -> Ints:
        """Number of exact thresholds below each score."""
        if len(self.exact) > _FEW:
            return np.searchsorted(np.asarray(self.exact), scores, "left")
        return sum(((scores > threshold).astype(np.int64) for threshold in self.exact), np.zeros(len(scores), np.int64))


@dataclass(frozen=True)
class _Geometry:
    """What each score cell of a table stands for."""

    bucket: Ints
    passed: Ints
    left: Floats  # left edge of the cell's bucket


@cache
def _geometry(table: ScoreTable) -> _Geometry:
    exact = np.asarray(table.exact)
    home = bucket_of(np.clip(exact, -1, 2), BUCKETS)  # the bucket that an exact threshold lies in
    first = np.arange(BUCKETS + 2) + np.searchsorted(home, np.arange(BUCKETS + 2), "left")
    bucket = np.searchsorted(first, np.arange(table.size), "right") - 1
    edges = np.concatenate([[-np.inf], np.arange(BUCKETS) / BUCKETS, [np.inf]])
    return _Geometry(bucket, np.arange(table.size) - bucket, edges[bucket])


@dataclass(frozen=True)
class _Rebinning:
    """A set of thresholds on a table: `interval[c]` is the last threshold that score cell c is above."""

    thresholds: Floats
    interval: Ints


@cache
def _rebinning(table: ScoreTable, thresholds: tuple[float, ...]) -> _Rebinning:
    wanted = np.asarray(thresholds)
    shifted = np.where(wanted != 0, wanted + _SHIFT, wanted)
    first = np.searchsorted(_geometry(table).left, shifted, "left")
    first[0] = 0  # the first threshold takes everything
    first[wanted >= 1 + _SHIFT] = table.size  # one beyond 1 takes nothing
    return _Rebinning(wanted, np.searchsorted(first, np.arange(table.size), "right") - 1)


class Curve(NamedTuple):
    """Sums of weights above each threshold (tp, fp) and up to it (tn, fn); all of shape (s, t).

    Thresholds ascend. A curve may leave out thresholds at which nothing changes and repeat its last point, so no value
    may depend on the number of points.
    """

    thresholds: Floats
    tp: Floats
    fp: Floats
    tn: Floats
    fn: Floats


def _curve(thresholds: Floats, histogram: Floats) -> Curve:
    """From weights (s, t, 2) by label and by interval: the scores above threshold i and not above i + 1.

    Both sides are added up, rather than one subtracted from a total: a sum of nothing is exactly 0.
    """
    by_label = histogram.transpose(2, 0, 1)
    fp, tp = suffix_sums(by_label)
    tn, fn = np.cumsum(by_label, -1) - by_label
    tn[..., 0] = fn[..., 0] = 0
    return Curve(np.broadcast_to(thresholds, tp.shape), tp, fp, tn, fn)


@dataclass(frozen=True)
class Confusion:
    """Exact counts at fixed thresholds, in the order given."""

    thresholds: tuple[float, ...] = (0.5,)
    reads: ClassVar[Reads] = Reads()

    @property
    def domain(self) -> Domain:
        """Probabilities, unless thresholds say what the scores are."""
        return PROBABILITIES if self.thresholds in _OF_PROBABILITIES else BINARY

    def tables(self) -> tuple[Table, ...]:
        """The histogram, split at the thresholds."""
        return (ScoreTable(tuple(sorted(set(self.thresholds)))),)

    def read(self, views: Views) -> Curve:
        """Counts (s, t), t in the order of `thresholds`."""
        return _exact_counts(views(self.tables()[0]), self.thresholds)


def _exact_counts(view: tuple[ScoreTable, Entries], thresholds: tuple[float, ...]) -> Curve:
    table, entries = view
    bins = 2 * _geometry(table).passed[entries.cells >> 1] + (entries.cells & 1)
    histogram = binned(entries, bins, 2 * (len(table.exact) + 1)).reshape(entries.slice_count, -1, 2).transpose(2, 0, 1)
    at = np.searchsorted(table.exact, thresholds)
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
        num_thresholds: evenly spaced ones, exact to the 10,000 buckets of the histogram.
        thresholds: or these, at which counts are exact.
    """

    num_thresholds: int = BUCKETS
    thresholds: tuple[float, ...] = ()
    domain: ClassVar[Domain] = BINARY
    reads: ClassVar[Reads] = Reads()

    def __post_init__(self) -> None:
        if not 1 < self.num_thresholds <= _MOST_THRESHOLDS:
            raise ValueError(f"num_thresholds must be above 1 and at most {_MOST_THRESHOLDS:,}")
        if self.thresholds and self.num_thresholds != BUCKETS:
            raise ValueError("num_thresholds and thresholds exclude each other; set one of them")

    def tables(self) -> tuple[Table, ...]:
        """The histogram, split at the exact thresholds if there are any."""
        return (ScoreTable(tuple(sorted(set(self.thresholds)))),)

    def read(self, views: Views) -> Curve:
        """Ascending thresholds: the exact ones, or those at which something changes in a slice, and the end."""
        view = views(self.tables()[0])
        return _exact_counts(view, tuple(sorted(set(self.thresholds)))) if self.thresholds else self._changes(*view)

    def _changes(self, table: ScoreTable, entries: Entries) -> Curve:
        rebinning = _rebinning(table, curve_thresholds(self.num_thresholds))
        count = len(rebinning.thresholds)
        place = entries.slices * count + rebinning.interval[entries.cells >> 1]
        first = np.append(True, place[1:] != place[:-1])[: len(place)]
        slices, interval = np.divmod(place[first], count)
        point = np.arange(len(slices)) - np.searchsorted(slices, np.arange(entries.slice_count))[slices]
        width = entries.width + 1
        thresholds = np.full((entries.slice_count, width), rebinning.thresholds[-1])
        thresholds[slices, point] = rebinning.thresholds[interval]
        bins = 2 * point[np.cumsum(first) - 1] + (entries.cells & 1)
        return _curve(thresholds, binned(entries, bins, 2 * width).reshape(entries.slice_count, width, 2))


@dataclass(frozen=True)
class ScoreMatrices:
    """Counts at `num_thresholds` + 2 thresholds for plots: one below 0, then i / num_thresholds."""

    num_thresholds: int = 1000
    domain: ClassVar[Domain] = PROBABILITIES
    reads: ClassVar[Reads] = Reads()

    def __post_init__(self) -> None:
        _check_plot_thresholds(self.num_thresholds)

    def tables(self) -> tuple[Table, ...]:
        """The histogram."""
        return (ScoreTable(),)

    def read(self, views: Views) -> Matrices:
        """Counts (s, num_thresholds + 2)."""
        table, entries = views(self.tables()[0])
        rebinning = _rebinning(table, _plot_thresholds(self.num_thresholds))
        count = len(rebinning.thresholds)
        bins = 2 * rebinning.interval[entries.cells >> 1] + (entries.cells & 1)
        curve = _curve(rebinning.thresholds, binned(entries, bins, 2 * count).reshape(entries.slice_count, count, 2))
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

    def place(self, examples: Examples) -> Cells:
        """Weight at the score's level."""
        levels = np.searchsorted(_plot_thresholds(self.num_thresholds), examples.predictions, "left")
        return Cells(levels, examples.weights, examples.rows)


@dataclass(frozen=True)
class ScoreLevels:
    """Weights above and up to the thresholds of `ScoreMatrices`, exact, whatever the labels."""

    num_thresholds: int = 1000
    domain: ClassVar[Domain] = Domain(low=0.0, high=1.0)
    reads: ClassVar[Reads] = Reads(labels=False)

    def __post_init__(self) -> None:
        _check_plot_thresholds(self.num_thresholds)

    def tables(self) -> tuple[Table, ...]:
        """One of its own."""
        return (LevelTable(self.num_thresholds),)

    def read(self, views: Views) -> Matrices:
        """What is above a threshold as tp, what is not as tn, (s, num_thresholds + 2); fp and fn are 0."""
        _, entries = views(self.tables()[0])
        weight = binned(entries, entries.cells, self.num_thresholds + 3)
        above, below = suffix_sums(weight)[:, 1:], np.cumsum(weight, -1)[:, :-1]
        nothing = np.zeros_like(above)
        return Matrices(np.asarray(_plot_thresholds(self.num_thresholds)), above, nothing, below, nothing)
