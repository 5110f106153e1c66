"""Mean label, mean prediction, and how they compare."""

from __future__ import annotations

import numpy as np

from assay.metrics.arithmetic import ratio
from assay.metrics.computations.terms import Means, MeanTerms
from assay.metrics.declare import metric
from assay.metrics.spreads.ratios import Ratio
from assay.metrics.values import Floats

_MEANS = Means()

_ROUNDING = 1e-15
"""How far from 0 the mean of labels of both signs may be if they sum to 0."""


@metric("MeanLabel", needs=_MEANS, range="that of the labels", undefined="weights sum to 0", spread=Ratio(1))
def mean_label(m: MeanTerms) -> Floats:
    """Weighted mean of the labels; NaN without weight."""
    return ratio(m.label, m.weight)


@metric(
    "MeanPrediction",
    needs=_MEANS,
    range="that of the predictions",
    undefined="weights sum to 0",
    spread=Ratio(2),
)
def mean_prediction(m: MeanTerms) -> Floats:
    """Weighted mean of the predictions; NaN without weight."""
    return ratio(m.prediction, m.weight)


@metric(
    "Calibration",
    needs=_MEANS,
    range="[0, ∞) for probabilities; 1 is best",
    undefined="labels sum to 0",
    spread=Ratio(2, by=1),
)
def calibration(m: MeanTerms) -> Floats:
    """Sum of predictions / sum of labels, both weighted; NaN if the labels sum to 0."""
    with np.errstate(all="ignore"):
        return np.where(np.abs(m.label) <= _ROUNDING * m.weight, np.nan, m.prediction / m.label)
