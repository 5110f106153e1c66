"""Losses as whole numbers, whose sums are exact: the same bits in whatever order rows and workers come.

A loss that has a bound is a multiple of 2^-27. One that has none is rounded to a millionth of itself: it belongs to
the window of 12 powers of 2 that it lies in, of which the three highest that occur are kept. What lies below them is
less than 2^-24 of the largest loss, and counts as 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from assay.metrics.values import Floats, Ints

WINDOWS = 3
_WIDTH = 12
_FIXED = (27, 22)
"""Binary digits after the point of a bounded loss, and of its square."""
_DIGITS = (20, 8)
"""The same of a loss, and of its square, once the lower end of its window is 1."""


class Amounts(NamedTuple):
    """What rows add to a table.

    Attributes:
        parts: whole numbers (n,), each below 2^33: the loss, window by window, then its square likewise.
        top: the highest window; None for losses that have a bound, which have no windows.
    """

    parts: Sequence[Floats]
    top: int | None = None


def amounts_of(losses: Floats, *, bounded: bool) -> Amounts:
    """The amounts of finite losses (n,).

    Args:
        losses: bounded ones lie in [-16.2, 16.2].
        bounded: whether they have a bound.
    """
    if bounded:
        digits, more = _FIXED
        return Amounts([np.rint(np.ldexp(losses, digits)), np.rint(np.ldexp(np.square(losses), more))])
    window = (np.frexp(losses)[1] - 1) // _WIDTH
    known = window[losses != 0]
    top = int(known.max()) if len(known) else None
    of_loss, of_square = [], []
    for at in range(WINDOWS):
        mine = (losses != 0) & (window == (0 if top is None else top) - at)
        scaled = np.where(mine, np.ldexp(losses, -_WIDTH * window), 0.0)
        of_loss.append(np.rint(np.ldexp(scaled, _DIGITS[0])))
        of_square.append(np.rint(np.ldexp(np.square(scaled), _DIGITS[1])))
    return Amounts([*of_loss, *of_square], top)


def lowered(sums: Ints, by: int) -> Ints:
    """Sums (parts, ...) of unbounded losses for a highest window that is `by` higher."""
    moved = np.zeros_like(sums)
    half = len(sums) // 2
    for start in (0, half):
        kept = max(half - by, 0)
        moved[start + half - kept : start + half] = sums[start : start + kept]
    return moved


def lowered_parts(added: Amounts, top: int) -> list[Floats]:
    """The parts of unbounded losses for a highest window that is `top`."""
    assert added.top is not None
    half, by = len(added.parts) // 2, top - added.top
    nothing = [np.zeros_like(added.parts[0])] * min(by, half)
    of_loss, of_square = added.parts[:half], added.parts[half:]
    return [*nothing, *of_loss[: half - len(nothing)], *nothing, *of_square[: half - len(nothing)]]


def read(sums: Ints, top: int | None, *, bounded: bool) -> tuple[Floats, Floats]:
    """The sums of losses and of their squares from sums of amounts (parts, ...)."""
    if bounded:
        digits, of_square = _FIXED
        return np.ldexp(sums[0].astype(float), -digits), np.ldexp(sums[1].astype(float), -of_square)
    high = 0 if top is None else top
    half = len(sums) // 2
    losses = sum(np.ldexp(sums[at].astype(float), _WIDTH * (high - at) - _DIGITS[0]) for at in range(half))
    squares = sum(np.ldexp(sums[half + at].astype(float), 2 * _WIDTH * (high - at) - _DIGITS[1]) for at in range(half))
    return np.asarray(losses), np.asarray(squares)
