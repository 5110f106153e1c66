"""Arithmetic that metrics share."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.metrics.values import Floats


def ratio(numerator: Any, denominator: Any) -> Floats:
    """Divides elementwise; NaN where the denominator is not above 0."""
    with np.errstate(all="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)


def suffix_sums(counts: Floats) -> Floats:
    """Sums from each position to the end of the last axis."""
    return np.flip(np.cumsum(np.flip(counts, -1), -1), -1)
