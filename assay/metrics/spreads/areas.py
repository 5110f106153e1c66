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

    def parts(self, state: Curve) -> tuple[Floats, ...]:
        """What the placements of rows say; see `placements`."""
        return placements(closed(state))

    def squared_parts(self, squares: Floats) -> tuple[Floats, ...]:
        """The squared weights of negatives and of positives."""
        return squares[0], squares[1]

    def paired(self, needs: Computation, *, weighted: bool) -> PairedSpread | str:
        """Student's interval with DeLong's variance of the difference."""
        assert isinstance(needs, ScoreCurve)
        return PairedAreas(needs, weighted)

    def interval(self, *parts: Floats) -> Interval:
        """Student's interval of the log odds of the area, which stays within 0 and 1.

        Source: Pepe (2003), 5.2; in small samples it covers better than the area -+ its error.
        """
        area, error, df = area_and_error(Placements(*parts[:5]), *parts[5:])
        with np.errstate(all="ignore"):
            odds, distance = area / (1 - area), np.exp(student(df) * error / (area * (1 - area)))
            lower, upper = 1 / (1 + distance / odds), 1 / (1 + 1 / (odds * distance))
        return between(lower, upper, df)


class Placements(NamedTuple):
    """Of both classes, all (s,): their weights, and what the placements of their rows say.

    A positive's placement is the share of negatives below it, a negative's the share of positives above it, ties half.

    Attributes:
        negatives: weight of the class; likewise `positives`.
        area: the mean placement of either class.
        of_negatives: variance of the placements of negatives, over rows by weight; likewise `of_positives`.
    """

    negatives: Floats
    positives: Floats
    area: Floats
    of_negatives: Floats
    of_positives: Floats


def placements(c: Curve) -> Placements:
    """What a ROC curve with both ends says of the placements of rows; by sums over ties as in Sun and Xu (2014)."""
    positives, negatives = (c.tp + c.fn)[..., 0], (c.fp + c.tn)[..., 0]
    below, of_positives = _mean_and_variance(c.tp, positives, c.fp, negatives)
    _, of_negatives = _mean_and_variance(c.fp, negatives, c.tp, positives)
    return Placements(negatives, positives, 1 - below, of_negatives, of_positives)


class AreaAndError(NamedTuple):
    """An area, its standard error and the degrees of freedom of that; all (s,)."""

    area: Floats
    error: Floats
    degrees_of_freedom: Floats


def area_and_error(
    of: Placements, squared_negatives: Floats | None = None, squared_positives: Floats | None = None
) -> AreaAndError:
    """The area under a ROC curve and its error, NaN where all pairs are alike, or without two rows of either class.

    The variance of the area is that of the placements of either class over its rows, added up, and has Satterthwaite's
    degrees of freedom. With weights, a class has as many rows as these are worth, (sum w)^2 / sum w^2, as if they said
    nothing about scores within the class.

    Args:
        of: the placements.
        squared_negatives: (s,) squared weights of negatives; None where all weights are 1.
        squared_positives: the same of positives.

    Source: DeLong, DeLong and Clarke-Pearson (1988).
    """
    negatives_worth, positives_worth = (
        weight if squared is None else ratio(weight * weight, squared)
        for weight, squared in ((of.negatives, squared_negatives), (of.positives, squared_positives))
    )
    of_classes = ratio(of.of_positives, positives_worth - 1), ratio(of.of_negatives, negatives_worth - 1)

    with np.errstate(all="ignore"):
        variance = of_classes[0] + of_classes[1]
        parts = of_classes[0] ** 2 / (positives_worth - 1) + of_classes[1] ** 2 / (negatives_worth - 1)
    df = np.clip(np.floor(np.nan_to_num(ratio(variance**2, parts))), 1, NORMAL)
    is_known = (variance > 0) & (of.area > _ROUNDING) & (of.area < 1 - _ROUNDING)
    return AreaAndError(of.area, np.sqrt(np.where(is_known, variance, np.nan)), df)


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
