"""Quantile 0.975 of Student's t, and the intervals that are made with it."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.metrics.values import Floats, Interval

Z = 1.959963984540054
"""Quantile 0.975 of the normal distribution."""

NORMAL = 1e9
"""Degrees of freedom with which Student's t is the normal distribution."""

_SMALL = np.array([np.nan, 12.706204736, 4.302652730, 3.182446305, 2.776445105, 2.570581836, 2.446911851, 2.364624252])
"""By degrees of freedom, from 0 on."""

_SERIES = (
    (Z**3 + Z) / 4,
    (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96,
    (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384,
    (79 * Z**9 + 776 * Z**7 + 1482 * Z**5 - 1920 * Z**3 - 945 * Z) / 92160,
)


def student(degrees_of_freedom: Floats) -> Floats:
    """The quantile for whole degrees of freedom from 1 on, to 3e-5.

    Source: Abramowitz and Stegun (1964), 26.7.5, for more than seven; the table is exact.
    """
    df = np.maximum(degrees_of_freedom, 1.0)
    series, share = np.zeros_like(df), 1 / df
    for term in reversed(_SERIES):
        series = (series + term) * share
    series += Z
    return np.where(df < len(_SMALL), _SMALL[np.minimum(df, len(_SMALL) - 1).astype(np.int64)], series)


def around(middle: Floats, error: Floats, degrees_of_freedom: Any = NORMAL) -> Interval:
    """Middle -+ t * error, all of the middle's shape."""
    df = np.broadcast_to(np.asarray(degrees_of_freedom, np.float64), middle.shape)
    distance = student(df) * error
    return Interval(middle - distance, middle + distance, error, df)


def between(lower: Floats, upper: Floats, degrees_of_freedom: Any = NORMAL) -> Interval:
    """Bounds that no standard error made: the error is the one that a symmetric interval of their length has."""
    df = np.broadcast_to(np.asarray(degrees_of_freedom, np.float64), lower.shape)
    quantile = Z if degrees_of_freedom is NORMAL else student(df)
    return Interval(lower, upper, (upper - lower) / (2 * quantile), df)
