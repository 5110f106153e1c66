"""Arithmetic that metrics share."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from assay.metrics.values import Floats


def ratio(numerator: Any, denominator: Any) -> Floats:
    """Divides elementwise; NaN where the denominator is not above 0."""
    with np.errstate(all="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)


def suffix_sums(counts: Floats) -> Floats:
    """Sums from each position to the end of the last axis."""
    return np.flip(np.cumsum(np.flip(counts, -1), -1), -1)


def with_sums_of_others(parts: Floats) -> Floats:
    """(k, ...) parts -> (k + 1, ...): their sum, and the sums of all but each part.

    Sums of what stands before and behind each part, not total minus part: a sum of nothing stays exactly 0.
    """
    sums = np.zeros((len(parts) + 1, *parts.shape[1:]))
    sums[:-1] = np.flip(np.cumsum(np.flip(parts, 0), 0), 0)
    sums[2:] += np.cumsum(parts[:-1], 0)
    return sums


def sums_by_bin(bins: npt.NDArray[np.int64], values: Floats, count: int) -> Floats:
    """The sum (count,) of the values (m,) of each bin (m,), added up in their order."""
    return np.bincount(bins, values, minlength=count).astype(np.float64, copy=False)  # integers where there is no value
