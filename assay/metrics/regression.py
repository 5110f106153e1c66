"""Errors of numeric predictions. Vectors are flattened into rows of the same weight."""

from __future__ import annotations

from assay.metrics.arithmetic import ratio
from assay.metrics.computations.terms import Errors, ErrorTerms
from assay.metrics.registry import metric
from assay.metrics.values import Floats


@metric("MeanSquaredError", needs=Errors("squared_error"))
def mean_squared_error(e: ErrorTerms) -> Floats:
    """Weighted mean of (label - prediction)^2; NaN without weight."""
    return ratio(e.error, e.weight)
