"""How far the values of groups lie apart: from a reference slice, and between the extremes.

As in fairlearn's MetricFrame (`difference` and `ratio`, `between_groups`) and in Aequitas; the groups are the slices of
one slicing. Groups without a value are left out of the extremes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import NamedTuple, TypeAlias

import numpy as np

from assay.metrics.keys import MetricKey
from assay.metrics.slice_pairs import ROWS_IN_COMMON, Figures, are_apart
from assay.metrics.spreads.comparisons import Estimate, estimate, interval_of_difference, interval_of_ratio
from assay.metrics.values import ErrorBounds, Floats, Interval
from assay.slicing.disparities import Disparity
from assay.types import SliceKey


class _Found(NamedTuple):
    """Values (g,) of one metric, the same of the data and its samples (g, 1 + k) if any, and their error bounds.

    Attributes:
        interval: by formula, if there is one.
        no_interval: why there is none, though the values that are compared have one.
    """

    value: Floats
    drawn: Floats | None
    bound: Floats
    interval: Interval | None = None
    no_interval: str = ""


_By: TypeAlias = Callable[[Floats, Floats], Floats]
_FORMULAS = (interval_of_difference, interval_of_ratio)
_OF_EXTREMES = "there is no formula for a comparison of the largest and the smallest of several values"


def disparities(figures: Sequence[Figures[SliceKey]], asked: Sequence[Disparity]) -> Iterator[Figures[SliceKey]]:
    """Yields further values of slices: of the groups, and then of the overall slice. Their rows are not counted again.

    Args:
        figures: of all slices of the disparities, each slice once, in any order.
        asked: which slices are compared with which, by which metrics.
    """
    for disparity in asked:
        groups = [part for one in figures for part in _of(one, disparity.is_group)]
        references = [part for one in figures for part in _of(one, disparity.is_reference)]
        for part in groups if references else ():
            yield _figures(part.keys, part, _against(part, references[0], disparity))
        if groups:
            yield _figures([()], groups[0], _between(groups, disparity))


def _of(figures: Figures[SliceKey], is_one: Callable[[SliceKey], bool]) -> Iterator[Figures[SliceKey]]:
    """Those of the slices that are meant, if they are large enough to be shown."""
    at = [i for i, key in enumerate(figures.keys) if is_one(key)] if figures.values else []
    if at:
        yield figures.take(np.array(at, np.int64))


def _against(
    groups: Figures[SliceKey], reference: Figures[SliceKey], disparity: Disparity
) -> Iterator[tuple[MetricKey, _Found]]:
    """Difference and ratio of each group to the reference slice."""
    for key in _keys(groups, disparity):
        if key in reference.values:
            own, other = _found(groups, key), _found(reference, key)
            apart = [are_apart(group, reference.keys[0]) for group in groups.keys]
            kinds = zip(disparity.names_of_groups(key.name), (_difference, _ratio), _FORMULAS, strict=True)
            for name, by, formula in kinds:
                yield key._replace(name=name), _with_interval(_compared(by, own, other), own, other, apart, formula)


def _between(groups: Sequence[Figures[SliceKey]], disparity: Disparity) -> Iterator[tuple[MetricKey, _Found]]:
    """Largest minus smallest value of the groups, and the smallest over the largest."""
    for key in _keys(groups[0], disparity):
        found = [_found(part, key) for part in groups]
        low, high = (_extreme(found, least) for least in (np.fmin, np.fmax))
        difference, ratio = disparity.names_of_extremes(key.name)
        why = _OF_EXTREMES if any(part.interval is not None for part in found) else ""
        yield key._replace(name=difference), _compared(_difference, high, low)._replace(no_interval=why)
        yield key._replace(name=ratio), _compared(_ratio, low, high)._replace(no_interval=why)


def _keys(figures: Figures[SliceKey], disparity: Disparity) -> list[MetricKey]:
    """Those of single numbers, of the metrics that are named; no changes."""
    return [
        key
        for key, value in figures.values.items()
        if key.name in disparity.metrics and not key.is_diff and isinstance(value, np.ndarray) and value.ndim == 1
    ]


def _found(figures: Figures[SliceKey], key: MetricKey) -> _Found:
    value = np.asarray(figures.values[key], np.float64)
    bounds = figures.error_bounds.get(key)
    known = np.zeros(len(value)) if bounds is None else bounds.bounds
    return _Found(value, figures.drawn.get(key), known, figures.intervals.get(key))


def _with_interval(
    found: _Found, own: _Found, other: _Found, apart: Sequence[bool], formula: Callable[[Estimate, Estimate], Interval]
) -> _Found:
    """The comparison with its interval by formula, of groups that have no row in common with the reference slice."""
    if own.interval is None or other.interval is None:
        return found
    if not any(apart):
        return found._replace(no_interval=ROWS_IN_COMMON)
    interval = formula(estimate(own.value, own.interval), estimate(other.value, other.interval))
    return found._replace(interval=interval.where(np.array(apart)))


def _extreme(found: Sequence[_Found], least: np.ufunc) -> _Found:
    """The smallest or largest value of all, (1,); that of each resample is its own."""
    drawn = [part.drawn for part in found if part.drawn is not None]
    return _Found(
        np.array([least.reduce(np.concatenate([part.value for part in found]))]),
        least.reduce(np.concatenate(drawn))[None] if drawn else None,
        np.array([np.concatenate([part.bound for part in found]).max()]),
    )


def _compared(by: _By, left: _Found, right: _Found) -> _Found:
    """The comparison may be off by as much as its two values together."""
    with np.errstate(all="ignore"):
        value = by(left.value, right.value)
        drawn = None if left.drawn is None or right.drawn is None else by(left.drawn, right.drawn)
        corners = [
            np.abs(by(left.value + a * left.bound, right.value + b * right.bound) - value)
            for a, b in product((-1, 1), (-1, 1))
        ]
    return _Found(value, drawn, np.where((left.bound > 0) | (right.bound > 0), np.max(corners, axis=0), 0.0))


def _difference(values: Floats, others: Floats) -> Floats:
    return values - others


def _ratio(values: Floats, others: Floats) -> Floats:
    """NaN where a value is negative, as shares of such numbers mean nothing, or where it is one of 0."""
    return np.where((values >= 0) & (others > 0), values / others, np.nan)


def _figures(
    keys: Sequence[SliceKey], of: Figures[SliceKey], found: Iterator[tuple[MetricKey, _Found]]
) -> Figures[SliceKey]:
    values = dict(found)
    reason = next((bounds.reason for bounds in of.error_bounds.values()), "")
    return Figures(
        keys,
        np.zeros(len(keys), np.int64),
        {key: one.value for key, one in values.items()},
        {key: one.drawn for key, one in values.items() if one.drawn is not None},
        {key: ErrorBounds(_known(one), reason) for key, one in values.items() if one.bound.any()},
        intervals={key: one.interval for key, one in values.items() if one.interval is not None},
        no_intervals={key: one.no_interval for key, one in values.items() if one.no_interval},
    )


def _known(found: _Found) -> Floats:
    """The bounds: none of what has no value, and infinite where the comparison of what may be has none."""
    return np.where(np.isnan(found.value), 0.0, np.nan_to_num(found.bound, nan=np.inf))
