"""The area under the ROC curve: DeLong's variance, from the curve itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from assay.metrics.arithmetic import ratio
from assay.metrics.computations.curve import Curve, closed
from assay.metrics.computations.squares import SquaredClasses
from assay.metrics.computations.table import Computation
from assay.metrics.spreads.quantiles import NORMAL, between, student
from assay.metrics.spreads.spread import PairedSpread
from assay.metrics.values import Floats, Interval


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
        """None: it takes the placements of both models in each row, which histograms do not have."""
        return "there is no formula for a difference of areas that one pass can compute"

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
    """The area under a ROC curve and its error, NaN where it is 0 or there are not two positives and two negatives.

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

    share_of_positives, share_of_negatives = _pieces(c.tp, positives), _pieces(c.fp, negatives)
    of_positives, of_negatives = 1 - _middles(c.fp, negatives), _middles(c.tp, positives)
    area = (share_of_positives * of_positives).sum(-1)

    of_classes = [
        ratio((share * np.square(placements - area[..., None])).sum(-1), worth - 1)
        for share, placements, worth in (
            (share_of_positives, of_positives, positives_worth),
            (share_of_negatives, of_negatives, negatives_worth),
        )
    ]
    variance = sum(of_classes)
    parts = of_classes[0] ** 2 / (positives_worth - 1) + of_classes[1] ** 2 / (negatives_worth - 1)
    df = np.clip(np.floor(np.nan_to_num(ratio(variance**2, parts))), 1, NORMAL)
    return AreaAndError(area, np.sqrt(np.where(variance > 0, variance, np.nan)), df)


def _pieces(above: Floats, all_rows: Floats) -> Floats:
    """The share of a class between each threshold and the next."""
    return ratio(above[..., :-1] - above[..., 1:], all_rows[..., None])


def _middles(above: Floats, all_rows: Floats) -> Floats:
    """The share of a class above the scores between each threshold and the next, which count half."""
    return ratio(above[..., :-1] + above[..., 1:], 2 * all_rows[..., None])
