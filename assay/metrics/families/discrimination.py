"""How far apart the predictions of positives and negatives are on average. Source: Tjur (2009)."""

from __future__ import annotations

import numpy as np

from assay.metrics.arithmetic import ratio
from assay.metrics.computations.terms import ClassTerms, Discrimination
from assay.metrics.declare import metric
from assay.metrics.values import Floats

_CLASSES = Discrimination()


@metric("CoefficientOfDiscrimination", needs=_CLASSES, better="higher", range="[-1, 1] for probabilities")
def coefficient_of_discrimination(c: ClassTerms) -> Floats:
    """Mean prediction of positives - mean prediction of negatives; NaN without positives or negatives."""
    return ratio(c.prediction_of_positives, c.positive) - ratio(c.prediction_of_negatives, c.negative)


@metric("RelativeCoefficientOfDiscrimination", needs=_CLASSES, better="higher", range="[0, ∞) for probabilities")
def relative_coefficient_of_discrimination(c: ClassTerms) -> Floats:
    """Mean prediction of positives / mean prediction of negatives; NaN without either, and if the latter is 0."""
    positives = ratio(c.prediction_of_positives, c.positive)
    negatives = ratio(c.prediction_of_negatives, c.negative)
    with np.errstate(all="ignore"):
        return np.where(negatives != 0, positives / negatives, np.nan)
