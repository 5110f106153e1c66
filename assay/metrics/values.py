"""The forms that a computed value can take; s is the number of slices and the leading axis of every array."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Objects: TypeAlias = npt.NDArray[np.object_]


class Matrices(NamedTuple):
    """Weighted binary confusion matrices at t thresholds. `thresholds` has shape (t,), the counts (s, t)."""

    thresholds: Floats
    tp: Floats
    fp: Floats
    tn: Floats
    fn: Floats


class Buckets(NamedTuple):
    """Calibration buckets [lower, upper), each of shape (b,); the weighted sums have shape (s, b)."""

    lower: Floats
    upper: Floats
    weight: Floats
    label: Floats
    prediction: Floats


class MultiClassMatrices(NamedTuple):
    """Weights of rows by actual and predicted class, at t thresholds; of each slice the cells that are not 0.

    Attributes:
        thresholds: (t,) ascending.
        cells: (s,) objects: for each slice float64 (k, 4) of position of the threshold, actual class, predicted class,
            weight, ascending. Class -1 is none.
    """

    thresholds: Floats
    cells: Objects


class MultiLabelMatrices(NamedTuple):
    """Confusion matrices of each class b in the rows of each class a, at t thresholds; of each slice all that occur.

    Attributes:
        thresholds: (t,) ascending.
        cells: (s,) objects: for each slice float64 (k, 7) of position of the threshold, a, b, and the weights that are
            fn, tn, fp and tp, ascending.
    """

    thresholds: Floats
    cells: Objects


class ShownValues(NamedTuple):
    """Some values of the data for each slice: `values` (s,) holds an array of any values for each."""

    values: Objects


class ByFeature(NamedTuple):
    """A number for each feature, or an array of them: `values` (s,) holds a dict by feature for each slice."""

    values: Objects


class Interval(NamedTuple):
    """Bounds of the central 95 % and the standard error, each of the value's shape; NaN where there is no interval.

    The bounds are as far from their middle as the quantile 0.975 of Student's t, with these degrees of freedom, times
    the standard error. The value need not be in the middle: Wilson's interval of a rate is not symmetric about it, and
    its standard error is that of a normal interval of the same length.

    Attributes:
        lower: the lower bounds.
        upper: the upper bounds.
        standard_error: see above.
        degrees_of_freedom: of all values, or of each; 1e9 stands for the normal distribution.
    """

    lower: Floats
    upper: Floats
    standard_error: Floats
    degrees_of_freedom: int | Floats

    def where(self, is_known: npt.NDArray[np.bool_]) -> Interval:
        """The same of some values; NaN for the others."""
        lower, upper, error = (np.where(is_known, bound, np.nan) for bound in self[:3])
        return self._replace(lower=lower, upper=upper, standard_error=error)

    def take(self, at: Ints) -> Interval:
        """Those of some of the slices."""
        lower, upper, error, df = self
        return Interval(lower[at], upper[at], error[at], df if isinstance(df, int) else df[at])


TOLD_ERROR = 1e-3
"""By how much a value may be off without a sentence about it; the gate minds every error bound."""


class ErrorBounds(NamedTuple):
    """How far the value of a metric may be off.

    Attributes:
        bounds: (s,) 0 where the value is precise, or where there is none.
        reason: why, and what to do, for people.
    """

    bounds: Floats
    reason: str


Value: TypeAlias = Floats | Matrices | Buckets | MultiClassMatrices | MultiLabelMatrices | ShownValues | ByFeature
"""(s,) one number a slice; (s, t) an array a slice; matrices; buckets; values of the data."""
