"""How far a value of a curve may be off because scores between two thresholds have no order.

Counts at the thresholds are exact. Between two of them, all positives may be above the negatives, or all below: a value
lies between those of the two curves that say so. Real ties have an order that is known: none.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TypeAlias

import numpy as np

from assay.metrics.computations.curve import Curve, Mask, following
from assay.metrics.computations.ties import Untied
from assay.metrics.values import Floats

AtMost: TypeAlias = Callable[[Curve, Mask], Floats]
"""An upper bound (s,) of the doubts of a value. It takes the curve and where (s, t) scores between a threshold and the
next one have no order."""


class Doubts:
    """Doubts of the values of s slices."""

    def __init__(self, curve: Curve, untied: Untied) -> None:
        self._curve, self._untied = curve, untied
        self._orders: dict[bytes, tuple[Curve, Curve]] = {}

    @cached_property
    def of_roc(self) -> Floats:
        """Of the area under the ROC curve, (s,)."""
        return self._untied.doubt_of_roc()

    def of(
        self, value: Callable[[Curve], Floats], values: Floats, at_most: AtMost | None = None, enough: float = 0.0
    ) -> Floats:
        """How far values are from those of the further order, of their shape; 0 where one is undefined.

        Args:
            value: computes them from a curve.
            values: of the curve.
            at_most: an upper bound that costs less; it stands where it is no more than `enough`.
            enough: a doubt that makes no difference.
        """
        if at_most is None:
            return self._distances(value, values, np.logical_or.reduce(self._loose, axis=1))
        bound: Floats = np.nan_to_num(at_most(self._curve, self._loose))
        above: Mask = bound > enough
        return np.where(above, self._distances(value, values, above), bound)

    @cached_property
    def _loose(self) -> Mask:
        """Where (s, t) scores between a threshold and the next one have no order."""
        slices, pairs = self._untied.slices, self._untied.pairs
        point = np.arange(len(slices)) - np.searchsorted(slices, np.arange(len(self._untied.all_pairs)))[slices]
        loose = np.zeros(self._curve.tp.shape, bool)
        loose[slices, point] = pairs > 0
        return loose

    def _distances(self, value: Callable[[Curve], Floats], values: Floats, chosen: Mask) -> Floats:
        """Of some slices, 0 for the others."""
        distances = np.zeros(values.shape)
        if chosen.any():
            for curve in self._orders_of(chosen):
                distances[chosen] = np.fmax(distances[chosen], np.abs(value(curve) - values[chosen]))
        return distances

    def _orders_of(self, chosen: Mask) -> tuple[Curve, Curve]:
        """The curves of some slices with positives first, and with negatives first."""
        if chosen.tobytes() not in self._orders:
            curve, loose = Curve(*(counts[chosen] for counts in self._curve)), self._loose[chosen]
            both = _with_corners(curve, loose, first="positives"), _with_corners(curve, loose, first="negatives")
            self._orders[chosen.tobytes()] = both
        return self._orders[chosen.tobytes()]


def _with_corners(c: Curve, loose: Mask, first: str) -> Curve:
    """A point behind each: as the threshold rises to the next one, the scores of the other class fall first."""
    falling = ("fp", "tn") if first == "positives" else ("tp", "fn")
    corners = c._replace(**{name: np.where(loose, following(getattr(c, name)), getattr(c, name)) for name in falling})
    return Curve(*(np.stack(pair, -1).reshape(len(loose), 2 * loose.shape[1]) for pair in zip(c, corners, strict=True)))
