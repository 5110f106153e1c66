"""The area under the ROC curve: DeLong's variance, from the curve itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from assay.metrics.arithmetic import ratio
from assay.metrics.computations.curve import Curve, closed
from assay.metrics.computations.scores import ScoreCurve
from assay.metrics.computations.squares import SquaredClasses
from assay.metrics.computations.table import Computation
from assay.metrics.spreads.paired_areas import PairedAreas
from assay.metrics.spreads.quantiles import NORMAL, between, student
from assay.metrics.spreads.spread import PairedSpread
from assay.metrics.values import Floats, Interval

_ROUNDING = 1e-12
"""How far from 0 and 1 an area is at least that is neither."""


@dataclass(frozen=True)
class DeLong:
    """The area under the ROC curve, of which the piece between two thresholds is a straight line."""

    def squares(self, needs: Computation, *, weighted: bool) -> SquaredClasses | None:
        """The squared weights of positives and negatives."""
        return SquaredClasses() if weighted else None

    def parts(self, state: Curve, squares: Floats | None) -> tuple[Floats, ...]:
        """The area, its error and the degrees of freedom; see `area_and_error`."""
        return area_and_error(closed(state), squares)

    def paired(self, needs: Computation, *, weighted: bool) -> PairedSpread | str:
        """Student's interval with DeLong's variance of the difference."""
        assert isinstance(needs, ScoreCurve)
        return PairedAreas(needs, weighted)

    def interval(self, *parts: Floats) -> Interval:
        """Student's interval of the log odds of the area, which stays within 0 and 1.

        Source: Pepe (2003), 5.2; in small samples it covers better than the area -+ its error.
        """
        area, error, df = parts
        with np.errstate(all="ignore"):
            odds, distance = area / (1 - area), np.exp(student(df) * error / (area * (1 - area)))
            lower, upper = 1 / (1 + distance / odds), 1 / (1 + 1 / (odds * distance))
        return between(lower, upper, df)


class AreaAndError(NamedTuple):
    """An area, its standard error and the degrees of freedom of that; all (s,)."""

    area: Floats
    error: Floats
    degrees_of_freedom: Floats


def area_and_error(c: Curve, squared: Floats | None = None) -> AreaAndError:
    """The area under a ROC curve and its error, NaN where all pairs are alike, or without two rows of either class.

    A positive's placement is the share of negatives below it, a negative's the share of positives above it, ties half.
    The variance of the area is that of the placements of either class over its rows, added up, and has Satterthwaite's
    degrees of freedom. With weights, a class has as many rows as these are worth, (sum w)^2 / sum w^2, as if they said
    nothing about scores within the class.

    Args:
        c: the curve with both ends.
        squared: squared weights (2, s) of negatives and positives; None where all weights are 1.

    Source: DeLong, DeLong and Clarke-Pearson (1988); by sums over ties as in Sun and Xu (2014).
    """
    positives, negatives = (c.tp + c.fn)[..., 0], (c.fp + c.tn)[..., 0]
    negatives_worth, positives_worth = negatives, positives
    if squared is not None:
        negatives_worth, positives_worth = (
            ratio(w * w, own) for w, own in zip((negatives, positives), squared, strict=True)
        )

    below, spread_of_positives = _mean_and_variance(c.tp, positives, c.fp, negatives)
    _, spread_of_negatives = _mean_and_variance(c.fp, negatives, c.tp, positives)
    area = 1 - below
    of_classes = ratio(spread_of_positives, positives_worth - 1), ratio(spread_of_negatives, negatives_worth - 1)

    variance = of_classes[0] + of_classes[1]
    parts = of_classes[0] ** 2 / (positives_worth - 1) + of_classes[1] ** 2 / (negatives_worth - 1)
    df = np.clip(np.floor(np.nan_to_num(ratio(variance**2, parts))), 1, NORMAL)
    is_known = (variance > 0) & (area > _ROUNDING) & (area < 1 - _ROUNDING)
    return AreaAndError(area, np.sqrt(np.where(is_known, variance, np.nan)), df)


def _mean_and_variance(own: Floats, whole: Floats, other: Floats, other_whole: Floats) -> tuple[Floats, Floats]:
    """Mean and variance (s,), over the rows of a class, of the share of the other class that is above a row.

    Args:
        own: weights (s, t) of the class above each threshold.
        whole: (s,) all its weight.
        other: the same of the other class.
        other_whole: all its weight.
    """
    rows = own[..., :-1] - own[..., 1:]
    above = other[..., :-1] + other[..., 1:]  # twice: those between two thresholds count half
    rows *= above
    mean = ratio(rows.sum(-1), 2 * whole * other_whole)
    rows *= above
    square = ratio(rows.sum(-1), whole * np.square(2 * other_whole))
    return mean, square - np.square(mean)
