"""Differences of rates of two models on the same rows: Tango's score interval, or the delta method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from assay.metrics.arithmetic import ratio
from assay.metrics.computations.curve import Mask
from assay.metrics.computations.joint_counts import JointCounts
from assay.metrics.computations.table import Table
from assay.metrics.spreads.quantiles import Z, around, between
from assay.metrics.spreads.spread import PairStates
from assay.metrics.spreads.worth import rows_worth
from assay.metrics.values import Floats, Interval

_HALVINGS = 60
"""So often an interval of length 2 is halved until it is below the precision of its ends."""

_FIELDS = {"tn": (0, 0), "fp": (0, 1), "fn": (1, 0), "tp": (1, 1)}
"""Count -> label, and whether the prediction is positive."""


@dataclass(frozen=True)
class PairedCounts:
    """The difference of shares of counts.

    Attributes:
        of: the counts that count.
        others: those that are in the whole beside them.
        odds: what the odds of the shares are multiplied by.
        counts: the joint counts of both models.
    """

    of: tuple[str, ...]
    others: tuple[str, ...]
    odds: float
    counts: JointCounts
    origins: ClassVar[bool] = False

    def tables(self) -> tuple[Table, ...]:
        """Those of the joint counts."""
        return self.counts.tables()

    def read(self, states: PairStates) -> tuple[Floats, ...]:
        """Weights and squared weights (s, t, 8) by label, candidate and baseline."""
        return tuple(counts.reshape(*counts.shape[:2], 8) for counts in self.counts.read(states))

    def interval(self, *parts: Floats) -> Interval:
        """Tango's interval where both models are measured on the same rows, else the delta method's."""
        weights, squared = parts
        (count, own), (count_of_other, other) = self._sides()
        if np.array_equal(own, other):
            gaps = count - count_of_other
            return score_interval(weights[..., own > 0], squared[..., own > 0], gaps[own > 0])
        return _delta_interval(weights, squared, count, own, count_of_other, other)

    def difference(self, weights: Floats) -> Floats:
        """What the interval is of, from weights (..., 8)."""
        of_models = [ratio((weights * count).sum(-1), (weights * whole).sum(-1)) for count, whole in self._sides()]
        return of_models[0] - of_models[1]

    def _sides(self) -> list[tuple[Floats, Floats]]:
        """What rows (8,) count for the model, and for the whole of it; and the same of the baseline."""
        counts = self.odds * _chosen(self.of)
        whole = counts + _chosen(self.others)
        label, *sides = np.indices((2, 2, 2)).reshape(3, 8)
        return [(counts[label, side], whole[label, side]) for side in sides]


def _chosen(names: tuple[str, ...]) -> Floats:
    """(2, 2) by label and prediction: 1 for the counts that are named."""
    chosen = np.zeros((2, 2))
    for name in names:
        chosen[_FIELDS[name]] = 1
    return chosen


def score_interval(weights: Floats, squared: Floats, gaps: Floats) -> Interval:
    """Of weights (..., k) of rows that count `gaps` (k,) more for the candidate."""
    whole = weights.sum(-1)
    scale = ratio(rows_worth(weights, squared, gaps), whole)
    more, less = (weights[..., gaps == sign].sum(-1) * scale for sign in (1, -1))
    return between(*tango(more, less, whole * scale))


def tango(more: Floats, less: Floats, rows: Floats) -> tuple[Floats, Floats]:
    """Bounds of the central 95 % of differences that the score test of paired rates does not reject.

    Args:
        more: rows that count for the first rate only.
        less: rows that count for the second only.
        rows: all rows; (more - less) / rows is the difference.

    Source: Tango (1998), "Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design".
    """
    inside = np.stack([ratio(more - less, rows)] * 2)
    outside = np.stack([np.full_like(inside[0], far) for far in (-1.0, 1.0)])
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        is_inside = _is_accepted(middle, more, less, rows)
        inside, outside = np.where(is_inside, middle, inside), np.where(is_inside, outside, middle)
    lower, upper = np.where(rows > 0, inside, np.nan)
    return lower, upper


def _is_accepted(d: Floats, more: Floats, less: Floats, rows: Floats) -> Mask:
    """Whether the score test does not reject the differences d (2, ...), at 5 %."""
    b, c = -more - less + (2 * rows - more + less) * d, -less * d * (1 - d)
    share = (np.sqrt(np.maximum(b * b - 8 * rows * c, 0)) - b) / (4 * rows)  # of `less`, by maximum likelihood
    variance = rows * np.maximum(2 * share + d * (1 - d), 0)
    return np.square(more - less - rows * d) <= Z * Z * variance


def _delta_interval(
    weights: Floats, squared: Floats, of: Floats, by: Floats, of_other: Floats, by_other: Floats
) -> Interval:
    """Of two ratios of sums of weights (..., 8), to which a row adds what the other arguments (8,) say.

    A row's residual is its own share of the difference, (a - R b) / B of either ratio R with the whole B.
    """
    terms = []
    for part, whole in ((of, by), (of_other, by_other)):
        total = (weights * whole).sum(-1)
        value = ratio((weights * part).sum(-1), total)
        terms.append((value, (part - value[..., None] * whole) / np.where(total > 0, total, np.nan)[..., None]))
    error = np.sqrt((squared * np.square(terms[0][1] - terms[1][1])).sum(-1))
    return around(terms[0][0] - terms[1][0], error)
