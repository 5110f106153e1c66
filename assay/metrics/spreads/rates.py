"""Shares of rows: Wilson's score interval, which holds near 0 and 1, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.metrics.arithmetic import ratio
from assay.metrics.computations.squares import squares_of
from assay.metrics.computations.table import Computation
from assay.metrics.spreads.quantiles import Z, between
from assay.metrics.values import Floats, Interval

_PRIOR = 4.0
"""Rows whose weights are like those of all, beside those that are counted: about Z^2, as Wilson's interval has."""


@dataclass(frozen=True)
class Rate:
    """The share of some counts in the counts of all.

    Attributes:
        of: fields of the state that count.
        others: fields that are in the whole beside them.
        whole: instead of `others`, the field that is the whole.
    """

    of: tuple[str, ...]
    others: tuple[str, ...] = ()
    whole: str = ""

    def squares(self, needs: Computation, *, weighted: bool) -> Computation | None:
        """The squared weights of the same counts."""
        return squares_of(needs) if weighted else None

    def parts(self, state: Any, squares: Any) -> tuple[Floats, ...]:
        """What counts and the rest, by weight and by squared weight."""
        return *self._split(state), *self._split(state if squares is None else squares)

    def interval(self, *parts: Floats) -> Interval:
        """Wilson's interval for as many rows as the weights are worth; see `effective_rows`."""
        counted, rest, _, _ = parts
        return between(*wilson(ratio(counted, counted + rest), effective_rows(*parts)))

    def _split(self, state: Any) -> tuple[Floats, Floats]:
        counted = _total(state, self.of)
        return counted, getattr(state, self.whole) - counted if self.whole else _total(state, self.others)


def _total(state: Any, fields: Sequence[str]) -> Floats:
    total: Floats = getattr(state, fields[0])
    for name in fields[1:]:
        total = total + getattr(state, name)
    return total


def effective_rows(counted: Floats, rest: Floats, squared: Floats, squared_rest: Floats) -> Floats:
    """How many rows of weight 1 would tell a share as precisely.

    That is W / ((1 - p) r1 + p r0), with W the sum of the weights, p the share, and r1 and r0 the mean weights by
    weight, sum w^2 / sum w, of what counts and of the rest (linearisation, as in Korn and Graubard 1998). Where both
    have weights alike, it is (sum w)^2 / sum w^2 (Kish 1965). As r1 of few rows says little, four rows with weights
    like all are added to each.

    Args:
        counted: weights of what counts.
        rest: weights of the rest.
        squared: squared weights of what counts.
        squared_rest: squared weights of the rest.
    """
    whole = counted + rest
    of_all = ratio(squared + squared_rest, whole)
    share = ratio(counted, whole)
    of_counted = _mean_weight(counted, squared, of_all)
    of_rest = _mean_weight(rest, squared_rest, of_all)
    return ratio(whole, (1 - share) * of_counted + share * of_rest)


def _mean_weight(weight: Floats, squared: Floats, of_all: Floats) -> Floats:
    """Mean weight by weight of some rows and of a few like all."""
    rows = np.divide(weight * weight, squared, out=np.zeros_like(weight), where=squared > 0)
    mean = np.divide(squared, weight, out=np.zeros_like(weight), where=weight > 0)
    return (rows * mean + _PRIOR * of_all) / (rows + _PRIOR)


def wilson(share: Floats, rows: Floats) -> tuple[Floats, Floats]:
    """Bounds of the central 95 % of shares that a sample of so many rows does not contradict. Source: Wilson (1927)."""
    with np.errstate(all="ignore"):
        middle = (share + Z * Z / (2 * rows)) / (1 + Z * Z / rows)
        distance = Z * np.sqrt(share * (1 - share) / rows + Z * Z / (4 * rows * rows)) / (1 + Z * Z / rows)
    return np.where(share == 0, 0.0, middle - distance), np.where(share == 1, 1.0, middle + distance)
