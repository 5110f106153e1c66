"""Errors of numeric predictions. Vectors are flattened into rows of the same weight. NaN without weight."""

from __future__ import annotations

from functools import partial

import numpy as np

from assay.metrics import declare
from assay.metrics.arithmetic import ratio
from assay.metrics.computations.moments import CentredMoments, Moments
from assay.metrics.computations.terms import Errors, ErrorTerms
from assay.metrics.spreads.ratios import Ratio
from assay.metrics.values import Floats

metric = partial(declare.metric, better="lower", range="[0, ∞)", spread=Ratio())


@metric("MeanSquaredError", needs=Errors("squared_error", "weight"), undefined="weights sum to 0")
def mean_squared_error(e: ErrorTerms) -> Floats:
    """Weighted mean of (label - prediction)^2."""
    return ratio(e.error, e.weight)


@metric("MeanAbsoluteError", needs=Errors("absolute_error", "weight"), undefined="weights sum to 0")
def mean_absolute_error(e: ErrorTerms) -> Floats:
    """Weighted mean of |label - prediction|."""
    return ratio(e.error, e.weight)


@metric("MeanAbsolutePercentageError", needs=Errors("relative_error", "weight_of_relative"), spread=Ratio(times=100))
def mean_absolute_percentage_error(e: ErrorTerms) -> Floats:
    """Weighted mean of 100 |label - prediction| / |label|; rows whose label is 0 are left out."""
    return 100 * ratio(e.error, e.weight)


@metric("MeanSquaredLogarithmicError", needs=Errors("squared_log_error", "weight_of_squared_log"), range="[0, ∞]")
def mean_squared_logarithmic_error(e: ErrorTerms) -> Floats:
    """Weighted mean of (ln(label + 1) - ln(prediction + 1))^2; rows with either below -1 are left out.

    Infinite if one of them is -1.
    """
    return ratio(e.error, e.weight)


@metric("SquaredPearsonCorrelation", needs=CentredMoments(), better="higher", range="[0, 1]", spread=None)
def squared_pearson_correlation(m: Moments) -> Floats:
    """Squared correlation of labels and predictions, cov^2 / (var var); NaN if either is constant."""
    return ratio(np.square(m.covariance), m.label_variance * m.prediction_variance)
