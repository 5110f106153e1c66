"""What weighted rows are worth: as many rows of weight 1 would tell a value as precisely."""

from __future__ import annotations

import numpy as np

from assay.metrics.arithmetic import ratio
from assay.metrics.values import Floats

_PRIOR = 4.0
"""Rows whose weights are like those of all, beside those that are counted: about the square of the normal quantile."""


def rows_worth(weights: Floats, squared: Floats, values: Floats) -> Floats:
    """Rows of weight 1 that would tell the mean of some values as precisely.

    The variance of a mean m is sum_k r_k W_k (v_k - m)^2 / W^2 for rows of values v_k that weigh W_k together, with
    r_k their mean weight by weight, sum w^2 / sum w (linearisation, as in Korn and Graubard 1998); that of n rows of
    weight 1 has 1 / n in the place of r_k / W. Where all have weights alike, n is (sum w)^2 / sum w^2 (Kish 1965). As
    r_k of few rows says little, four rows with weights like all are added to each.

    Args:
        weights: (..., k) of the rows that have each value.
        squared: (..., k) their squared weights.
        values: (k,).
    """
    whole = weights.sum(-1)
    of_all = ratio(squared.sum(-1), whole)
    mean = ratio((weights * values).sum(-1), whole)
    distances = weights * np.square(values - mean[..., None])
    by_weight = (distances * _mean_weights(weights, squared, of_all[..., None])).sum(-1)
    variance = distances.sum(-1)
    return np.where(variance > 0, ratio(whole * variance, by_weight), ratio(whole, of_all))


def _mean_weights(weights: Floats, squared: Floats, of_all: Floats) -> Floats:
    """Mean weight by weight of some rows and of a few like all."""
    rows = np.divide(weights * weights, squared, out=np.zeros_like(weights), where=squared > 0)
    means = np.divide(squared, weights, out=np.zeros_like(weights), where=weights > 0)
    return (rows * means + _PRIOR * of_all) / (rows + _PRIOR)
