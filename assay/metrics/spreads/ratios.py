"""Means, and other ratios of sums over rows: the delta method, with sums of squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from assay.metrics.arithmetic import ratio
from assay.metrics.computations.squares import Products, terms_of
from assay.metrics.computations.table import Computation, Table
from assay.metrics.computations.terms import Term, TermTable
from assay.metrics.spreads.quantiles import NORMAL, around
from assay.metrics.spreads.spread import PairedSpread, PairStates
from assay.metrics.values import Floats, Interval

SAME_FOR_BOTH = "it is the same for both models"
_WITHOUT_PREDICTIONS = ("weight", "label", "weight_of_relative")
"""Terms that depend on no prediction."""
_LOST = 1e-10
"""A sum of squared residuals below this share of the sum of squares may be nothing but rounding."""


@dataclass(frozen=True)
class Ratio:
    """One sum over rows divided by another; the first sum of the state is that of the weights.

    Attributes:
        of: position in the state of the sum that is divided.
        by: position of the sum that divides it; by default the weights, which makes it a mean.
        times: what the ratio is multiplied by, above 0.
    """

    of: int = 1
    by: int = 0
    times: float = 1.0

    def squares(self, needs: Computation, *, weighted: bool) -> Products:
        """The squares and the product of the two sums; of weights that are all 1, the sums are known."""
        terms = terms_of(needs)
        squares = self._squares(terms[self.of], terms[self.by], terms[0], weighted=weighted)
        return Products(squares, needs.domain, needs.reads)

    def parts(self, state: Any) -> tuple[Floats, ...]:
        """Both sums and that of the weights, as `from_sums` takes them."""
        return state[self.of], state[self.by], state[0]

    def squared_parts(self, squares: Any) -> tuple[Floats, ...]:
        """Squares and products, which it takes after these."""
        return tuple(squares)

    def paired(self, needs: Computation, *, weighted: bool) -> PairedSpread | str:
        """Student's interval of the difference of each row."""
        terms = terms_of(needs)
        of, by, weight = terms[self.of], terms[self.by], terms[0]
        if of == "label":
            return SAME_FOR_BOTH
        if by not in _WITHOUT_PREDICTIONS:
            return "which rows count depends on the model"
        gap: Term = ("gap", of)
        squares = self._squares(gap, by, weight, weighted=weighted)
        return PairedSums((gap, by, weight, *squares), self.times)

    def _squares(self, of: Term, by: Term, weight: Term, *, weighted: bool) -> tuple[Term, ...]:
        """Squares and product of two terms, and the square of the weight; with weights of 1, sums that are there."""
        if not weighted and self.by == 0:
            return (("product", of, of), of, weight, weight)
        square_of_weight = ("product", weight, weight) if weighted else weight
        return (("product", of, of), ("product", of, by), ("product", by, by), square_of_weight)

    def interval(self, *parts: Floats) -> Interval:
        """Student's interval with the degrees of freedom that the weights are worth; see `from_sums`."""
        lower, upper, error, df = from_sums(*parts)
        return Interval(self.times * lower, self.times * upper, self.times * error, df)


@dataclass(frozen=True)
class PairedSums:
    """The difference of ratios of sums, of which the second is the same for both models.

    Attributes:
        terms: those that `from_sums` takes, with the gap between both models in the place of what is divided.
        times: what the ratios are multiplied by.
    """

    terms: tuple[Term, ...]
    times: float
    origins: ClassVar[bool] = False

    def tables(self) -> tuple[Table, ...]:
        """The terms."""
        return (TermTable(self.terms),)

    def read(self, states: PairStates) -> tuple[Floats, ...]:
        """The sum of each, (s,)."""
        return tuple(states(*self.tables())[1].T)

    def interval(self, *parts: Floats) -> Interval:
        """That of the mean of the gaps; exactly 0 where there is none in any row."""
        lower, upper, error, df = from_sums(*parts, zero_is_known=True)
        return Interval(self.times * lower, self.times * upper, self.times * error, df)


def from_sums(
    of: Floats,
    by: Floats,
    weight: Floats,
    of_of: Floats,
    of_by: Floats,
    by_by: Floats,
    weight_weight: Floats,
    *,
    zero_is_known: bool = False,
) -> Interval:
    """The interval of of / by, all (s,).

    A row's residual is a - R b for its parts a and b of the two sums and their ratio R. The variance of the ratio is
    the sum of squared residuals over the square of what divides (the delta method), times n / (n - 1) for the n rows
    that the weights are worth, (sum w)^2 / sum w^2 (Kish 1965).

    There is none of fewer than two rows. Where all rows have one value, there is none either, as how they differ is not
    known; unless `zero_is_known` and that value is 0.
    """
    with np.errstate(all="ignore"):
        rows = ratio(weight * weight, weight_weight)
        value = np.where(by != 0, of / by, np.nan)
        residuals = of_of - 2 * value * of_by + value * value * by_by
        is_known = (rows >= 2) & ((residuals > _LOST * of_of) | (zero_is_known & (of_of == 0)))
        error = np.sqrt(residuals * rows / (rows - 1)) / np.abs(by)
    df = np.where(is_known, np.clip(np.floor(np.nan_to_num(rows) - 1 + 1e-9), 1, NORMAL), 1)
    return around(value, np.where(is_known, error, np.nan), df)
