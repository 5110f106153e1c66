"""Rounded counts: every number of rows that is told, and every sum of their weights, is a multiple of a number.

That is conventional rounding, each count on its own: Hundepool et al. (2012), "Statistical disclosure control",
section 5.4.3. Rates stay exact.
"""

from __future__ import annotations

import numpy as np

from assay.metrics.spreads.quantiles import NORMAL, student
from assay.metrics.values import (
    Buckets,
    Floats,
    Interval,
    Matrices,
    MultiClassMatrices,
    MultiLabelMatrices,
    Objects,
    Value,
)


def rounded(counts: Floats, of: int) -> Floats:
    """The nearest multiples of a number; from the middle between two, the higher one. NaN stays NaN."""
    return np.floor(counts / of + 0.5) * of


def rounded_value(value: Value, of: int) -> Value:
    """A value that is a count, or holds counts, with multiples of a number in place of these.

    The sums of predictions in calibration buckets are no counts: they change as the weight does, which leaves the mean.
    So do the sums of labels, unless labels are 0 to 1 and the sum a count of positives.
    """
    if isinstance(value, np.ndarray):
        return rounded(value, of)
    if isinstance(value, Matrices):
        return Matrices(value.thresholds, *(rounded(counts, of) for counts in value[1:]))
    if isinstance(value, Buckets):
        return _buckets(value, of)
    if isinstance(value, MultiClassMatrices | MultiLabelMatrices):
        return value._replace(cells=_cells(value.cells, 3, of))
    raise TypeError(f"expected counts, found values of the form {type(value).__name__}")


def _buckets(b: Buckets, of: int) -> Buckets:
    weight = rounded(b.weight, of)
    share = np.divide(weight, b.weight, out=np.zeros_like(weight), where=b.weight != 0)
    edges = b.upper[np.isfinite(b.upper)]
    has_shares = edges.min() >= 0 and edges.max() <= 1
    label = rounded(b.label, of) if has_shares else b.label * share
    return b._replace(weight=weight, label=label, prediction=b.prediction * share)


def _cells(cells: Objects, first: int, of: int) -> Objects:
    """Those of which anything is left; counts stand from a column on."""
    left = np.empty(len(cells), object)
    for i, of_slice in enumerate(cells):
        counts = rounded(of_slice[:, first:], of)
        left[i] = np.hstack([of_slice[:, :first], counts])[counts.any(axis=1)]
    return left


def rounded_degrees(interval: Interval, of: int) -> Interval:
    """The same bounds with rounded degrees of freedom, which tell the number of rows: those of a mean are one less.

    The standard error changes with them, as both tell the distance of the bounds together; see `Interval`.
    """
    found = interval.degrees_of_freedom
    if isinstance(found, int):
        return interval
    told = np.where(found < NORMAL, np.maximum(rounded(found, of), 1), found)
    ratio = student(found) / student(told)
    return interval._replace(standard_error=interval.standard_error * ratio, degrees_of_freedom=told)
