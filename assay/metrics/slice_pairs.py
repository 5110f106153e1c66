"""Values of pairs of slices: those of a baseline slice minus those of another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from assay.metrics.evaluate import SHARED_FIELDS, minus
from assay.metrics.keys import MetricKey
from assay.metrics.spreads.comparisons import Estimate, estimate, interval_of_difference
from assay.metrics.values import ErrorBounds, Floats, Interval, Ints, Value
from assay.slicing.pairs import CrossSlicing, pairs_of
from assay.types import SliceKey, SlicePair

ROWS_IN_COMMON = "the two slices have rows in common, and the formula is for slices that have none"
"""Why some pairs have no interval by formula."""

Key = TypeVar("Key", bound=SliceKey | SlicePair)


class Figures(NamedTuple, Generic[Key]):
    """Values of s slices, or of s pairs of slices.

    Attributes:
        keys: the slices or pairs.
        rows: (s,) unweighted rows of each; of a pair, those of its smaller slice.
        values: (s, ...) by key; nothing of slices that are too small to be shown.
        drawn: (s, 1 + samples, ...) the same of the data and its resamples; nothing without confidence intervals.
        error_bounds: how far some of the values may be off.
        reasons: for some of the values, why they are NaN, in each of the slices.
        intervals: by formula, of some of the values.
        no_intervals: why some of the values have none by formula, though their parts have.
    """

    keys: Sequence[Key]
    rows: Ints
    values: Mapping[MetricKey, Value] = {}
    drawn: Mapping[MetricKey, Floats] = {}
    error_bounds: Mapping[MetricKey, ErrorBounds] = {}
    reasons: Mapping[MetricKey, Sequence[str]] = {}
    intervals: Mapping[MetricKey, Interval] = {}
    no_intervals: Mapping[MetricKey, str] = {}

    def take(self, at: Ints) -> Figures[Key]:
        """Those of some of the slices, or of some several times."""
        return Figures(
            [self.keys[i] for i in at],
            self.rows[at],
            {key: _taken(value, at) for key, value in self.values.items()},
            {key: value[at] for key, value in self.drawn.items()},
            {key: bounds._replace(bounds=bounds.bounds[at]) for key, bounds in self.error_bounds.items()},
            {key: [texts[i] for i in at] for key, texts in self.reasons.items()},
            {key: interval.take(at) for key, interval in self.intervals.items()},
            self.no_intervals,
        )


def of_pairs(figures: Sequence[Figures[SliceKey]], slicings: Iterable[CrossSlicing]) -> Iterator[Figures[SlicePair]]:
    """Yields the values of all pairs that the cross slicings ask for, baseline minus comparison.

    Args:
        figures: of all slices that may be part of a pair, each slice once, in any order.
        slicings: of the eval config.
    """
    places = {key: (part, at) for part, one in enumerate(figures) for at, key in enumerate(one.keys)}
    of_parts: dict[tuple[int, int, bool], list[tuple[int, int]]] = {}
    for baseline, comparison in pairs_of(places, slicings):
        (first, i), (second, j) = places[baseline], places[comparison]
        of_parts.setdefault((first, second, are_apart(baseline, comparison)), []).append((i, j))

    for (first, second, apart), pairs in of_parts.items():
        at = np.array(pairs, np.int64)
        with np.errstate(invalid="ignore"):  # two infinite values have no difference: NaN
            difference = _difference(figures[first].take(at[:, 0]), figures[second].take(at[:, 1]), apart=apart)
        yield difference


def are_apart(one: SliceKey, other: SliceKey) -> bool:
    """Whether two slices have no row in common, if a row has one value of each feature."""
    values = dict(other)
    return any(feature in values and value != values[feature] for feature, value in one)


def _difference(baselines: Figures[SliceKey], others: Figures[SliceKey], *, apart: bool) -> Figures[SlicePair]:
    """Slice by slice."""
    values: dict[MetricKey, Value] = {}
    for key in [key for key in baselines.values if key in others.values]:
        difference = minus(baselines.values[key], others.values[key])
        if difference is not None:
            values[key] = difference

    parts = baselines, others
    both = [key for key in values if key in baselines.intervals and key in others.intervals]
    return Figures(
        [SlicePair(*pair) for pair in zip(baselines.keys, others.keys, strict=True)],
        np.minimum(baselines.rows, others.rows),
        values,
        {key: baselines.drawn[key] - others.drawn[key] for key in baselines.drawn if key in values},
        {
            key: _both([p.error_bounds[key] for p in parts if key in p.error_bounds])
            for key in values
            if any(key in p.error_bounds for p in parts)
        },
        {
            key: _reasons([p.reasons[key] for p in parts if key in p.reasons])
            for key in values
            if any(key in p.reasons for p in parts)
        },
        {key: interval_of_difference(*(_estimate(part, key) for part in parts)) for key in both} if apart else {},
        {} if apart else dict.fromkeys(both, ROWS_IN_COMMON),
    )


def _estimate(figures: Figures[Any], key: MetricKey) -> Estimate:
    return estimate(np.asarray(figures.values[key], np.float64), figures.intervals[key])


def _both(bounds: Sequence[ErrorBounds]) -> ErrorBounds:
    """A difference may be off by as much as its two values together."""
    return ErrorBounds(np.sum([one.bounds for one in bounds], axis=0), bounds[0].reason)


def _reasons(of_parts: Sequence[Sequence[str]]) -> list[str]:
    """Why a difference is NaN: as one of its values is."""
    return [next(filter(None, texts), "") for texts in zip(*of_parts, strict=True)]


def _taken(value: Value, at: Ints) -> Value:
    """The value of some slices."""
    if isinstance(value, np.ndarray):
        return value[at]
    fields = value._asdict()
    return type(value)(**{name: field if name in SHARED_FIELDS else field[at] for name, field in fields.items()})
