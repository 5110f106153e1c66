"""Edges of bins that hold about as many values each."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

_DIGITS = 17
"""Enough for any number of 64 bits."""


class QuantileBins(NamedTuple):
    """Bins of some numbers.

    Attributes:
        edges: ascending and finite, as `bins` of an eval config takes them.
        sizes: how many of the numbers each bin has, one more than there are edges.
    """

    edges: tuple[float, ...]
    sizes: tuple[int, ...]


def quantile_bins(values: npt.NDArray[np.float32] | npt.NDArray[np.float64], count: int) -> QuantileBins:
    """Cuts numbers into bins of about as many each; equal numbers stay together, so there may be fewer bins.

    Of all edges that cut the numbers alike, each is the one with the fewest digits. They depend on the numbers alone,
    and not on their order.

    Args:
        values: (n,) without NaN.
        count: how many bins there should be, at least 2.
    """
    ordered = np.sort(values)
    starts = np.unique(ordered[[i * len(ordered) // count for i in range(1, count)]]) if len(ordered) else ordered
    before = np.searchsorted(ordered, starts)
    cuts = [(int(at), start) for at, start in zip(before, starts, strict=True) if at and np.isfinite(start)]
    edges = tuple(_shortest(_as_printed(ordered[at - 1]), _as_printed(start)) for at, start in cuts)
    return QuantileBins(edges, tuple(np.diff([0, *(at for at, _ in cuts), len(ordered)]).tolist()))


def _as_printed(number: Any) -> float:
    """The number that its shortest text says: of 32 bits, bins take it so."""
    return float(str(number))


def _shortest(low: float, high: float) -> float:
    """The number above `low` and not above `high` that has the fewest digits."""
    for digits in range(1, _DIGITS):
        for near in (high, (low + high) / 2):
            candidate = float(f"{near:.{digits}g}")
            if low < candidate <= high:
                return candidate
    return high
