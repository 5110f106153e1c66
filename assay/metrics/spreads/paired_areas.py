"""The difference of two areas under the ROC curve on the same rows: DeLong's variance, from placements in both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from assay.metrics.arithmetic import ratio, sums_by_bin
from assay.metrics.computations.curve import Curve, closed
from assay.metrics.computations.drawn_pairs import DrawnPairs, sizes_of
from assay.metrics.computations.scores import ScoreCurve
from assay.metrics.computations.squares import SquaredClasses
from assay.metrics.computations.table import Table
from assay.metrics.spreads.quantiles import NORMAL, around
from assay.metrics.spreads.spread import PairStates
from assay.metrics.states.drawn_rows import CLASSES, DrawnRows
from assay.metrics.values import Floats, Interval, Ints

_ROUNDING = 1e-12
"""How far from 0 and 1 an area is at least that is neither."""


@dataclass(frozen=True)
class PairedAreas:
    """The difference of areas under two ROC curves, of which the pieces between two thresholds are straight lines.

    Attributes:
        curve: of either model.
        weighted: whether rows have weights.
    """

    curve: ScoreCurve
    weighted: bool
    origins: ClassVar[bool] = True

    def tables(self) -> tuple[Table, ...]:
        """Some rows of each class."""
        return (DrawnPairs(),)

    def read(self, states: PairStates) -> tuple[Floats, ...]:
        """The difference of the areas, its variance and the degrees of freedom; see `difference_of_areas`."""
        drawn: DrawnRows = states(*self.tables())[1]
        model, baseline = (self._side(states, drawn, number) for number in (0, 1))
        return difference_of_areas(drawn, model, baseline)

    def _side(self, states: PairStates, drawn: DrawnRows, number: int) -> Side:
        """What one of the models says, some lanes at a time."""
        lanes = (len(drawn.start) - 1) // CLASSES
        side = Side(np.zeros(lanes), np.zeros((lanes, CLASSES)), np.zeros(len(drawn.ranks)))
        for own, group in states.of_model(number):
            curve, at, rows = self.curve.read(group), drawn.places(own), drawn.take(own)
            points = self.curve.points(group, curve, rows.owner // CLASSES, rows.values[:, number])
            side.area[own], side.placements[at] = _placed(curve, rows.owner, points)
            side.worth[own] = _worth(curve, SquaredClasses().read(group) if self.weighted else None)
        return side

    def interval(self, *parts: Floats) -> Interval:
        """Student's interval; exactly 0 where both models place all rows alike."""
        difference, variance, df = parts
        return around(difference, np.sqrt(variance), df)


class Side(NamedTuple):
    """What one model says of s slices and of e drawn rows.

    Attributes:
        area: (s,) under the ROC curve.
        worth: (s, 2) how many rows of weight 1 the negatives and the positives are worth.
        placements: (e,) of a positive, the share of negatives above it; of a negative, that of positives.
    """

    area: Floats
    worth: Floats
    placements: Floats


def _placed(curve: Curve, owner: Ints, points: Ints) -> tuple[Floats, Floats]:
    """The area of each slice, and the placements of rows, from the last point of the curve that each is above."""
    whole = closed(curve)
    points = points + (whole.tp.shape[1] - curve.tp.shape[1] > 0)
    above = np.stack([whole.tp, whole.fp], 1)  # of the other class
    all_of_others = above[..., 0]
    slices, other = np.divmod(owner, CLASSES)
    halves = above[slices, other, points] + above[slices, other, np.minimum(points + 1, whole.tp.shape[1] - 1)]

    steps = (whole.fp[:, :-1] - whole.fp[:, 1:]) * (whole.tp[:, :-1] + whole.tp[:, 1:])
    return ratio(steps.sum(-1), 2 * all_of_others.prod(-1)), ratio(halves, 2 * all_of_others[slices, other])


def _worth(curve: Curve, squared: Floats | None) -> Floats:
    weights = np.stack([curve.fp[:, 0] + curve.tn[:, 0], curve.tp[:, 0] + curve.fn[:, 0]], 1)
    return weights if squared is None else ratio(weights * weights, squared.T)


def difference_of_areas(drawn: DrawnRows, model: Side, baseline: Side) -> tuple[Floats, Floats, Floats]:
    """The difference of two areas, its variance and the degrees of freedom of that, all (s,).

    The variance is that of the differences of a row's two placements over the rows of either class, added up. Rows that
    were drawn stand for the others: each for as many as 1 / its probability says. The degrees of freedom are
    Satterthwaite's; those of a class have 1 / (n - 1) for its n rows, and half of the relative variance of the estimate
    from the drawn ones.

    Source: DeLong, DeLong and Clarke-Pearson (1988), with the sample of Duffield, Lund and Thorup (2007).
    """
    difference = model.area - baseline.area
    owner = drawn.owner
    gaps = (model.placements - baseline.placements) * np.where(owner % CLASSES, -1, 1)
    shares, likely = _shares(drawn)

    def total(values: Floats) -> Floats:
        return sums_by_bin(owner, values, CLASSES * len(difference))

    squares = np.square(gaps - difference[owner // CLASSES])
    spread = ratio(total(shares * squares), total(shares))
    doubt = total((1 - likely) * np.square(shares * (squares - spread[owner])))
    doubt = ratio(doubt, np.square(total(shares * squares))).reshape(-1, CLASSES)

    worth = np.minimum(model.worth, baseline.worth) - 1
    of_classes = ratio(spread.reshape(-1, CLASSES), worth)
    variance = of_classes.sum(-1)
    parts = (np.square(of_classes) * (1 / worth + np.nan_to_num(doubt) / 2)).sum(-1)
    df = np.clip(np.floor(np.nan_to_num(ratio(variance**2, parts), nan=1.0)), 1, NORMAL)
    is_inside = [(side.area > _ROUNDING) & (side.area < 1 - _ROUNDING) for side in (model, baseline)]
    is_known = is_inside[0] & is_inside[1] & ((variance > 0) | (difference == 0))
    return difference, np.where(is_known, variance, np.nan), df


def _shares(drawn: DrawnRows) -> tuple[Floats, Floats]:
    """How much weight each row stands for, 0 for one that only tells of the others; and how likely it was drawn."""
    count, owner = np.diff(drawn.start), drawn.owner
    last = (drawn.start[1:] - 1)[count == drawn.limit]
    bound = np.full(len(count), np.inf)
    bound[count == drawn.limit] = drawn.ranks[last]
    likely = np.minimum(1.0, bound[owner] * sizes_of(*drawn.values.T))
    shares = drawn.values[:, 2] / likely
    shares[last] = 0
    return shares, likely
