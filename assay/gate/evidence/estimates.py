"""One-sided tests of estimates with a standard error: Student's t with the degrees of freedom of the estimate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from assay.metrics.values import Floats
from assay.statistics.student import quantile, upper_tail


class Estimates(NamedTuple):
    """Estimates of n values, and the bounds that they are held against, each of shape (n,); more is better in all.

    Attributes:
        value: each no further off than `error_bound`, sampling aside.
        standard_error: 0 where every resample has the same value.
        degrees_of_freedom: of the standard error; 0 for the normal distribution.
        bound: a value below it is bad.
        error_bound: in the unit of the value.
        skew: how far either side of the interval begins from the value: that of a formula need not be in its middle.
    """

    value: Floats
    standard_error: Floats
    degrees_of_freedom: Floats
    bound: Floats
    error_bound: Floats
    skew: Floats

    def at(self, places: Sequence[int]) -> Estimates:
        """Some of them."""
        chosen = np.array(places, int)
        return Estimates(*(values[chosen] for values in self))

    @property
    def distance(self) -> Floats:
        """How far the value is from the bound, whichever side; 0 where its error bound reaches it."""
        return np.maximum(np.abs(self.value - self.bound) - self.error_bound, 0.0)


def p_of_good(e: Estimates) -> Floats:
    """(n,) p-values of "the value is at most the bound": small where it is shown to be above."""
    return _upper_tail_of(e.value - e.error_bound - e.skew - e.bound, e)


def p_of_bad(e: Estimates) -> Floats:
    """(n,) p-values of "the value is at least the bound": small where it is shown to be below."""
    return _upper_tail_of(e.bound - e.value - e.error_bound - e.skew, e)


def half_widths(e: Estimates, alpha: float) -> Floats:
    """(n,) From the value to its lower, or its upper, one-sided bound of confidence 1 - alpha."""
    return quantile(np.full(e.value.shape, 1 - alpha), e.degrees_of_freedom) * e.standard_error + e.error_bound + e.skew


def share_of_none(rows: Floats, alpha: float) -> Floats:
    """Upper bound, of confidence 1 - alpha, of the share of rows with a property that none of n rows has.

    Source: Clopper and Pearson (1934) for 0 of n; near 3 / n for alpha 0.05.
    """
    return -np.expm1(np.log(alpha) / np.maximum(rows, 1))


def _upper_tail_of(distance: Floats, e: Estimates) -> Floats:
    """P(T > distance / standard error); 0, 0.5 or 1 where there is no standard error."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(distance == 0, 0.0, distance / e.standard_error)
    return upper_tail(t, e.degrees_of_freedom)
