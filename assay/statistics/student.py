"""Student's t distribution, without SciPy, which the core image does not have. Degrees of freedom of 0 mean normal."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]

_TINY = 1e-300
_MOST_STEPS, _PRECISE = 300, 1e-15
_LIKE_NORMAL = 1e7
"""With more degrees of freedom than this the normal distribution serves."""

_BISECTIONS, _NEWTON_STEPS = 12, 3

_log_gamma = np.vectorize(math.lgamma, otypes=[float])
_erfc = np.vectorize(math.erfc, otypes=[float])


def upper_tail(t: Floats, degrees_of_freedom: Floats) -> Floats:
    """P(T > t), to a relative error of about 1e-12.

    Args:
        t: of any shape; may be infinite. NaN stays NaN.
        degrees_of_freedom: of the same shape; 0 for the normal distribution.
    """
    t, df = np.broadcast_arrays(np.asarray(t, float), np.asarray(degrees_of_freedom, float))
    is_normal = (df <= 0) | (df > _LIKE_NORMAL)
    tail = np.full(t.shape, np.nan)
    if is_normal.any():
        tail[is_normal] = 0.5 * _erfc(t[is_normal] / math.sqrt(2))
    known = ~is_normal & ~np.isnan(t)
    if known.any():
        of_known = df[known]
        with np.errstate(over="ignore"):
            share = of_known / (of_known + t[known] ** 2)
        half = 0.5 * _incomplete_beta(of_known / 2, 0.5, share)
        tail[known] = np.where(t[known] > 0, half, 1 - half)
    return tail


def p_above(estimate: Floats, standard_error: Floats, degrees_of_freedom: Floats, bound: float = 0.0) -> Floats:
    """One-sided p-values that what is estimated lies above a bound; 1 where nothing varies, so no test can be made."""
    with np.errstate(all="ignore"):
        t = (np.asarray(estimate, float) - bound) / standard_error
    p_values = upper_tail(t, degrees_of_freedom)
    return np.where(np.isnan(p_values) | np.isinf(t), 1.0, p_values)


def quantile(probability: Floats, degrees_of_freedom: Floats) -> Floats:
    """The t that a share `probability`, in (0, 1), lies below: by bisection, then by Newton's method."""
    pairs = np.broadcast_arrays(np.asarray(probability, float), np.asarray(degrees_of_freedom, float))
    distinct, at = np.unique(np.stack([values.ravel() for values in pairs]), axis=1, return_inverse=True)
    share, df = distinct
    beyond = np.minimum(share, 1 - share)

    low, high = np.zeros(share.shape), np.ones(share.shape)
    while (is_short := upper_tail(high, df) > beyond).any():
        low, high = np.where(is_short, high, low), np.where(is_short, 2 * high, high)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        is_low = upper_tail(middle, df) > beyond
        low, high = np.where(is_low, middle, low), np.where(is_low, high, middle)
    t = (low + high) / 2
    for _ in range(_NEWTON_STEPS):
        t = t + (upper_tail(t, df) - beyond) / _density(t, df)
    signed = np.where(share < 0.5, -t, t)
    return signed[at.ravel()].reshape(pairs[0].shape)


def _density(t: Floats, df: Floats) -> Floats:
    """Of the t distribution at t."""
    normal = np.exp(-(t**2) / 2) / math.sqrt(2 * math.pi)
    is_normal = (df <= 0) | (df > _LIKE_NORMAL)
    finite = np.where(is_normal, 1.0, df)
    scale = np.exp(_log_gamma((finite + 1) / 2) - _log_gamma(finite / 2)) / np.sqrt(finite * math.pi)
    return np.where(is_normal, normal, scale * (1 + t**2 / finite) ** (-(finite + 1) / 2))


def _incomplete_beta(a: Floats, b: float, x: Floats) -> Floats:
    """The regularised incomplete beta function I_x(a, b), (n,), by its continued fraction (DLMF 8.17.22)."""
    distinct, at = np.unique(a, return_inverse=True)
    log_beta = np.array([math.lgamma(one) + math.lgamma(b) - math.lgamma(one + b) for one in distinct])[at]
    with np.errstate(divide="ignore"):
        front = np.exp(a * np.log(x) + b * np.log1p(-x) - log_beta)

    # The fraction converges fast on one side of the mean; on the other I_x(a, b) = 1 - I_1-x(b, a) does.
    is_fast = x < (a + 1) / (a + b + 2)
    first, second = np.where(is_fast, a, b), np.where(is_fast, b, a)
    value = front * _fraction(first, second, np.where(is_fast, x, 1 - x)) / first
    return np.where(is_fast, value, 1 - value)


def _fraction(a: Floats, b: Floats, x: Floats) -> Floats:
    """The continued fraction of `_incomplete_beta`, by the modified method of Lentz."""
    value, c, d = np.ones_like(x), np.full_like(x, np.inf), np.ones_like(x)
    for step in range(1, _MOST_STEPS):
        m = step // 2
        if step % 2:
            factor = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            factor = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / _not_zero(1 + factor * d)
        c = _not_zero(1 + factor / c)
        value = value * c * d
        if (np.abs(c * d - 1) < _PRECISE).all():
            break
    return value


def _not_zero(values: Floats) -> Floats:
    return np.where(np.abs(values) < _TINY, _TINY, values)
