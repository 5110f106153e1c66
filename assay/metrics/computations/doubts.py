"""How far a value of a curve may be off because scores between two thresholds have no order.

Counts at the thresholds are exact. Between two of them, all positives may be above the negatives, or all below: a value
lies between those of the two curves that say so. Real ties have an order that is known: none.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
import numpy.typing as npt

from assay.metrics.computations.curve import Curve
from assay.metrics.computations.ties import Untied
from assay.metrics.values import Floats

Ints = npt.NDArray[np.int64]


class Doubts:
    """Doubts of the values of s slices."""

    def __init__(self, curve: Curve, untied: Untied) -> None:
        self._curve, self._untied = curve, untied

    @cached_property
    def of_roc(self) -> Floats:
        """Of the area under the ROC curve, (s,)."""
        return self._untied.doubt_of_roc()

    def of(self, value: Callable[[Curve], Floats], values: Floats) -> Floats:
        """How far `values` are from those of the further order, of their shape; 0 where one is undefined."""
        slices, *orders = self._orders
        doubts = np.zeros(values.shape)
        for curve in orders:
            distance = np.abs(value(curve) - values[slices])
            doubts[slices] = np.fmax(doubts[slices], distance)
        return doubts

    @cached_property
    def _orders(self) -> tuple[Ints, Curve, Curve]:
        """The slices in which there is doubt, and their curves in both orders."""
        slices, pairs = self._untied.slices, self._untied.pairs
        point = np.arange(len(slices)) - np.searchsorted(slices, np.arange(len(self._untied.all_pairs)))[slices]
        loose = np.zeros(self._curve.tp.shape, bool)
        loose[slices, point] = pairs > 0

        chosen = np.flatnonzero(loose.any(1))
        curve, loose = Curve(*(counts[chosen] for counts in self._curve)), loose[chosen]
        return chosen, _with_corners(curve, loose, first="positives"), _with_corners(curve, loose, first="negatives")


def _with_corners(c: Curve, loose: npt.NDArray[np.bool_], first: str) -> Curve:
    """A point behind each: as the threshold rises to the next one, the scores of the other class fall first."""

    def corner(counts: Floats) -> Floats:
        following = np.concatenate([counts[:, 1:], counts[:, -1:]], axis=1)
        return np.where(loose, following, counts)

    if first == "positives":
        corners = Curve(c.thresholds, c.tp, corner(c.fp), corner(c.tn), c.fn)
    else:
        corners = Curve(c.thresholds, corner(c.tp), c.fp, c.tn, corner(c.fn))
    return Curve(*(np.stack(pair, -1).reshape(len(loose), 2 * loose.shape[1]) for pair in zip(c, corners, strict=True)))
