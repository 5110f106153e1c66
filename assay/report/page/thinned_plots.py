"""The plots of a slice with as many points as an eye can tell apart, out of the records of results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from assay.metrics.keys import PlotKey
from assay.proto import metrics_for_slice_pb2 as pb
from assay.results import wire
from assay.results.keys import plot_key_from_proto

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_KEYS_AND_VALUES = 8
"""Field of PlotsForSlice."""
_CALIBRATION, _CONFUSION, _MULTI_CLASS = 1, 2, 4
"""Fields of PlotData."""
_COUNTS = ((1,), (5,), (4,), (2,), (3,))
"""Of a ConfusionMatrixAtThreshold: threshold, true and false positives, false and true negatives."""
_SUMS = ((1,), (2,), (3, 1), (4, 1), (5, 1))
"""Of a Bucket: its edges, and weight, labels and predictions."""

_EVEN_POINTS, _CURVE_POINTS, _MOST_BINS, _FEWEST_BINS = 101, 60, 40, 10


class Points(NamedTuple):
    """Counts at some of the thresholds: `at`, their places among all of them; true and false positives there.

    Evenly spaced thresholds are among them, which are the same in all slices, and others where the curves bend.
    """

    thresholds: tuple[float, ...]
    at: Ints
    tp: Floats
    fp: Floats
    positives: float
    negatives: float


class Bins(NamedTuple):
    """Sums by even ranges of the prediction, from `low` to `high`; what is beyond counts to the ends."""

    low: float
    high: float
    weight: Floats
    labels: Floats
    predictions: Floats


class Cells(NamedTuple):
    """Weight by actual and predicted class; a class is predicted whose score is above the threshold."""

    threshold: float
    actual: Ints
    predicted: Ints
    weight: Floats


class Plot(NamedTuple):
    """What a plot of one model holds; parts that it does not have are None."""

    key: PlotKey
    points: Points | None
    bins: Bins | None
    cells: Cells | None


def plots_in(record: bytes) -> Iterator[Plot]:
    """The plots in a serialised PlotsForSlice that have one of these parts.

    Raises:
        ValueError: the record is damaged.
    """
    for number, pair in wire.fields(record):
        if number == _KEYS_AND_VALUES:
            parts = dict(wire.fields(pair))
            yield from plot_of(plot_key_from_proto(pb.PlotKey.FromString(parts.get(1, b""))), parts.get(2, b""))


def plot_of(key: PlotKey, data: bytes) -> Iterator[Plot]:
    """The plot in a serialised PlotData, if it has one of the parts."""
    parts = dict(wire.fields(data))
    plot = Plot(
        key,
        _points(_counts(parts[_CONFUSION])) if parts.get(_CONFUSION) else None,
        _bins(_sums(parts[_CALIBRATION])) if parts.get(_CALIBRATION) else None,
        _cells(parts[_MULTI_CLASS]) if parts.get(_MULTI_CLASS) else None,
    )
    if any(part is not None for part in plot[1:]):
        yield plot


def _counts(data: bytes) -> Floats:
    """(5, n) of `_COUNTS`."""
    counts = wire.doubles_in(data, _COUNTS)
    if counts is not None:
        return counts
    matrices = pb.ConfusionMatrixAtThresholds.FromString(data).matrices
    rows = [(m.threshold, m.true_positives, m.false_positives, m.false_negatives, m.true_negatives) for m in matrices]
    return np.array(rows, float).reshape(-1, 5).T


def _sums(data: bytes) -> Floats:
    """(5, n) of `_SUMS`."""
    sums = wire.doubles_in(data, _SUMS)
    if sums is not None:
        return sums
    buckets = pb.CalibrationHistogramBuckets.FromString(data).buckets
    rows = [
        (
            b.lower_threshold_inclusive,
            b.upper_threshold_exclusive,
            b.num_weighted_examples.value,
            b.total_weighted_label.value,
            b.total_weighted_refined_prediction.value,
        )
        for b in buckets
    ]
    return np.array(rows, float).reshape(-1, 5).T


def _points(counts: Floats) -> Points | None:
    """The points that stand apart on the ROC or the precision-recall curve, and those at even thresholds."""
    thresholds, tp, fp, fn, tn = counts
    if not thresholds.size:
        return None
    positives, negatives = float(tp[0] + fn[0]), float(fp[0] + tn[0])
    even = np.linspace(max(thresholds[0], 0.0), thresholds[-1], _EVEN_POINTS)
    kept = np.union1d(_nearest(thresholds, even), _along_curves(tp, fp, positives, negatives))
    return Points(tuple(thresholds.tolist()), kept, tp[kept], fp[kept], positives, negatives)


def _nearest(thresholds: Floats, wanted: Floats) -> Ints:
    """Places of the thresholds, which rise, that are nearest to some numbers."""
    right = np.clip(np.searchsorted(thresholds, wanted), 1, len(thresholds) - 1) if len(thresholds) > 1 else 0
    left = np.maximum(right - 1, 0)
    is_left = np.abs(thresholds[left] - wanted) <= np.abs(thresholds[right] - wanted)
    return np.where(is_left, left, right)


def _along_curves(tp: Floats, fp: Floats, positives: float, negatives: float) -> Ints:
    """Places that part the way along both curves evenly, ends included."""
    recall, fall_out = tp / max(positives, 1e-300), fp / max(negatives, 1e-300)
    predicted = tp + fp
    precision = np.divide(tp, predicted, out=np.ones_like(tp), where=predicted > 0)
    steps = np.hypot(np.diff(recall), np.diff(fall_out)) + np.hypot(np.diff(recall), np.diff(precision))
    way = np.concatenate([[0.0], np.cumsum(steps)])
    places = np.searchsorted(way, np.linspace(0.0, way[-1], _CURVE_POINTS))
    return np.unique(np.clip([0, *places, len(tp) - 1], 0, len(tp) - 1))


def _bins(sums: Floats) -> Bins | None:
    """Neighbouring buckets joined; buckets that are open at one end count to the range beside them."""
    lower, upper, *content = sums
    inner = np.isfinite(lower) & np.isfinite(upper)
    if not inner.any():
        return None
    low, high = float(lower[inner][0]), float(upper[inner][-1])
    count = _bin_count(int(inner.sum()))
    starts = np.clip(np.nan_to_num(lower, neginf=low, posinf=high), low, high)
    at = np.minimum(((starts - low) / (high - low) * count + 1e-9).astype(np.int64), count - 1)
    weight, labels, predictions = (np.asarray(np.bincount(at, part, count), float) for part in content)
    return Bins(low, high, weight, labels, predictions)


def _bin_count(buckets: int) -> int:
    """How many ranges of equal width the buckets make, at most 40."""
    even = [n for n in range(_FEWEST_BINS, _MOST_BINS + 1) if buckets % n == 0]
    return min(buckets, even[-1] if even else _MOST_BINS)


def _cells(data: bytes) -> Cells | None:
    """The matrix at the lowest threshold, of which there is one as a rule."""
    matrices = pb.MultiClassConfusionMatrixAtThresholds.FromString(data).matrices
    if not matrices:
        return None
    entries: Any = matrices[0].entries
    rows = [(e.actual_class_id, e.predicted_class_id, e.num_weighted_examples) for e in entries]
    actual, predicted, weight = np.array(rows, float).reshape(-1, 3).T
    return Cells(matrices[0].threshold, actual.astype(np.int64), predicted.astype(np.int64), weight)
