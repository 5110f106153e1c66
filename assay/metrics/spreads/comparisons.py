"""Intervals of sums, differences and ratios of estimates from different rows, from the intervals of both.

Each end is as far from the value as the ends of the two intervals say, squared and added up, so that intervals that are
not symmetric stay so. Sources: Newcombe (1998) for differences of rates; Zou and Donner (2008), "Construction of
confidence limits about effect measures: a general approach", for others; Donner and Zou (2012) for ratios.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from assay.metrics.spreads.quantiles import between
from assay.metrics.values import Floats, Interval


class Estimate(NamedTuple):
    """Values, and the ends of their intervals; all of one shape."""

    value: Floats
    lower: Floats
    upper: Floats


def estimate(value: Floats, interval: Interval) -> Estimate:
    """A value with its interval."""
    return Estimate(value, interval.lower, interval.upper)


def interval_of_sum(one: Estimate, other: Estimate) -> Interval:
    """Of the sum of two estimates."""
    middle = one.value + other.value
    below = np.hypot(one.value - one.lower, other.value - other.lower)
    above = np.hypot(one.upper - one.value, other.upper - other.value)
    return between(middle - below, middle + above)


def interval_of_difference(one: Estimate, other: Estimate) -> Interval:
    """Of one minus the other."""
    return interval_of_sum(one, Estimate(-other.value, -other.upper, -other.lower))


def interval_of_ratio(one: Estimate, other: Estimate) -> Interval:
    """Of one over the other: the ratios r for which the interval of one - r * other has 0 as an end.

    NaN where an interval goes below 0, or where that of the divisor begins at it, so that there is no upper end.
    """
    product = one.value * other.value
    with np.errstate(all="ignore"):
        least, most = one.lower * (2 * one.value - one.lower), one.upper * (2 * one.value - one.upper)
        of_least, of_most = other.lower * (2 * other.value - other.lower), other.upper * (2 * other.value - other.upper)
        lower = least / (product + np.sqrt(product**2 - least * of_most))
        upper = (product + np.sqrt(product**2 - most * of_least)) / of_least
        is_known = (one.lower >= 0) & (other.lower > 0)
        lower = np.where(one.lower == 0, 0.0, lower)
        return between(*(np.where(is_known, end, np.nan) for end in (lower, upper)))
