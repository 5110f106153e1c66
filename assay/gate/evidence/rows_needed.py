"""How many rows an estimate needs, as its standard error shrinks with the square root of the rows."""

from __future__ import annotations

import numpy as np

from assay.gate.evidence.estimates import Estimates
from assay.metrics.values import Floats
from assay.statistics.student import quantile

MOST_ROWS = 1e15
"""More rows than that is never."""


def rows_to_settle(e: Estimates, rows: Floats, alpha: float) -> Floats:
    """(n,) Rows with which the present value would be shown to lie on its side of the bound; infinite for never."""
    t = quantile(np.full(e.value.shape, 1 - alpha), e.degrees_of_freedom)
    needed = _rows_for(t * e.standard_error, e.distance, rows)

    # Of two models that agree on all rows, the bound of the difference shrinks with the rows themselves.
    with np.errstate(divide="ignore", invalid="ignore"):
        of_same = np.ceil(rows * e.error_bound / np.abs(e.value - e.bound))
    return np.where((e.standard_error == 0) & (e.error_bound > 0), of_same, needed)


def rows_for_power(e: Estimates, rows: Floats, distance: Floats, alpha: Floats, power: float) -> Floats:
    """(n,) Rows with which a value that lies `distance` from the bound is shown to, in a share `power` of runs.

    Args:
        e: estimates of some rows.
        rows: (n,) these rows.
        distance: (n,) from the true value to the bound.
        alpha: (n,) level of each test.
        power: above 0.5.
    """
    return _rows_for(_detectable(e, alpha, power), np.maximum(distance - e.error_bound, 0.0), rows)


def detectable(e: Estimates, alpha: Floats, power: float) -> Floats:
    """(n,) The distance from the bound that is shown in a share `power` of runs with as many rows."""
    return _detectable(e, alpha, power) + e.error_bound


def _detectable(e: Estimates, alpha: Floats, power: float) -> Floats:
    """By the normal approximation of the noncentral t (Abramowitz and Stegun 26.7.10), solved for noncentrality."""
    df = e.degrees_of_freedom
    t, z = quantile(1 - alpha, df), quantile(np.full(df.shape, power), np.zeros(df.shape))
    with np.errstate(divide="ignore"):
        inverse = np.where(df > 0, 1 / df, 0.0)
    return (t * (1 - inverse / 4) + z * np.sqrt(1 + t**2 * inverse / 2)) * e.standard_error


def _rows_for(reach: Floats, distance: Floats, rows: Floats) -> Floats:
    """Rows with which a reach that shrinks with their square root comes down to the distance."""
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = np.ceil(rows * (reach / distance) ** 2)
    return np.where(np.isnan(needed) | (needed > MOST_ROWS), np.inf, needed)
