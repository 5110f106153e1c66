"""The central 95 % of a value from its bootstrap replicates: their percentiles, as they are or corrected."""

from __future__ import annotations

import numpy as np

from assay.metrics.values import Floats
from assay.statistics.student import quantile, upper_tail

_SHARES = 0.025, 0.975


def percentiles(drawn: Floats) -> tuple[Floats, Floats]:
    """Both ends, (s, ...) each, of the replicates (s, r, ...); NaN where one of these is NaN.

    Source: Efron (1979); Efron and Tibshirani (1993), chapter 13.
    """
    low, high = np.quantile(drawn, _SHARES, axis=1)
    return low, high


def bias_corrected(value: Floats, drawn: Floats, left_out: Floats) -> tuple[Floats, Floats]:
    """Both ends of the bias-corrected and accelerated interval, BCa; NaN where it is not defined.

    The bias comes from the share of replicates below the value, ties counting half; the acceleration from the values
    without each of some equal parts of the rows.

    Source: Efron (1987), DiCiccio and Efron (1996), equations 2.3 and 6.6.

    Args:
        value: (s, 1, ...).
        drawn: (s, r, ...) replicates.
        left_out: (s, p, ...) the value without each of p parts.
    """
    below = ((drawn < value).mean(1) + (drawn <= value).mean(1)) / 2
    bias, acceleration = _normal_quantile(below), _acceleration(left_out)
    ascending = np.sort(drawn, axis=1)
    ends = []
    for share in _SHARES:
        z = bias + _normal_quantile(np.full_like(bias, share))
        scale = np.where(np.isfinite(z), 1 - acceleration * z, np.nan)
        corrected = 1 - upper_tail(np.where(scale > 0, bias + z / scale, np.nan), np.zeros(1))
        ends.append(_at(ascending, corrected))
    return ends[0], ends[1]


def _acceleration(left_out: Floats) -> Floats:
    """A sixth of the skewness of the influence of parts; 0 where no part has any."""
    influence = left_out.mean(axis=1, keepdims=True) - left_out
    squares = np.square(influence).sum(1)
    return np.where(squares > 0, np.power(influence, 3).sum(1) / (6 * squares**1.5), np.where(squares == 0, 0, np.nan))


def _normal_quantile(share: Floats) -> Floats:
    """Infinite for shares of 0 and 1."""
    inside = np.where((share > 0) & (share < 1), share, 0.5)
    edges = np.where(share <= 0, -np.inf, np.where(share >= 1, np.inf, np.nan))
    return np.where((share > 0) & (share < 1), quantile(inside, np.zeros(1)), edges)


def _at(ascending: Floats, share: Floats) -> Floats:
    """The quantile `share` (s, ...) of values (s, r, ...), between the two nearest; NaN where one of them is NaN."""
    place = np.nan_to_num(share) * (ascending.shape[1] - 1)
    before = np.floor(place).astype(np.int64)
    after = np.minimum(before + 1, ascending.shape[1] - 1)
    low, high = (np.take_along_axis(ascending, at[:, None], axis=1)[:, 0] for at in (before, after))
    is_known = np.isfinite(share) & ~np.isnan(ascending[:, -1])
    return np.where(is_known, low + (place - before) * (high - low), np.nan)
