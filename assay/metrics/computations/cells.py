"""Cells for scores of any scale. Their order is that of the scores, and they do not depend on the data.

Between 1/64 and 63/64 there is one cell: there, 10,000 even buckets tell scores apart. Towards 0, towards 1 and beyond
both, a cell is the exponent of the distance to 0 (or to 1) and the first bits of its mantissa: 512 cells to each
doubling, so that scores whose distances differ by more than 0.2 % are in different cells.
"""

from __future__ import annotations

import numpy as np

from assay.metrics.values import Floats, Ints

_BITS = 9
_EACH = 1 << _BITS
_NEAR = 2.0**-6
"""Distance from 0 or 1 within which there are cells of the distance."""

_BELOW, _TO_0, _TO_1, _ABOVE = (-32, 32), (-64, -6), (-53, -6), (0, 32)
"""Exponents from the least distance that is told from 0 to the largest: below 0, within [0, 1], above 1."""


def _count(exponents: tuple[int, int]) -> int:
    """The cells of the exponents, and one for what is nearer."""
    return (exponents[1] - exponents[0]) * _EACH + 1


_FROM_0 = _count(_BELOW)
_MIDDLE = _FROM_0 + _count(_TO_0)
_FROM_1 = _MIDDLE + _count(_TO_1)
COUNT = _FROM_1 + 1 + _count(_ABOVE)
"""Number of cells."""


def cell_of(scores: Floats) -> Ints:
    """The cell of each score, 0 to COUNT - 1; finite scores only."""
    cells = np.full(len(scores), _MIDDLE)
    outer = np.flatnonzero(np.abs(scores - 0.5) > 0.5 - _NEAR)
    if not len(outer):
        return cells

    values = scores[outer]
    for chosen, cell in (
        (values < 0, _below_0),
        ((values >= 0) & (values < 0.5), _near_0),
        ((values > 0.5) & (values <= 1), _near_1),
        (values > 1, _above_1),
    ):
        at = np.flatnonzero(chosen)
        if len(at):
            cells[outer[at]] = cell(values[at])
    return cells


def _below_0(scores: Floats) -> Ints:
    return _FROM_0 - 1 - _step(-scores, _BELOW)


def _near_0(scores: Floats) -> Ints:
    return _FROM_0 + _step(scores, _TO_0)


def _near_1(scores: Floats) -> Ints:
    return _FROM_1 - _step(1 - scores, _TO_1)


def _above_1(scores: Floats) -> Ints:
    return _FROM_1 + 1 + _step(scores, _ABOVE)


def _step(distances: Floats, exponents: tuple[int, int]) -> Ints:
    """0 for what is nearer than the least exponent; then one more for each 512th of a doubling."""
    low, _ = exponents
    bits = np.abs(distances).view(np.int64) >> (52 - _BITS)
    return np.clip(bits - ((1023 + low) << _BITS) + 1, 0, _count(exponents) - 1)


def samples() -> Floats:
    """Ascending scores of which at least one lies in each cell, the first that does among them."""
    below, to_0, to_1, above = (_distances(exponents) for exponents in (_BELOW, _TO_0, _TO_1, _ABOVE))
    falling = np.concatenate([-below, 1 - to_1])
    ends = np.array([-1e300, 0.0, _NEAR, 1.0, np.nextafter(1.0, 2)])
    return np.unique(np.concatenate([falling, np.nextafter(falling, np.inf), to_0, above, ends]))


def _distances(exponents: tuple[int, int]) -> Floats:
    """The distances at which cells begin."""
    mantissas = 1 + np.arange(_EACH) / _EACH
    return np.concatenate([np.ldexp(mantissas, exponent) for exponent in range(exponents[0], exponents[1] + 1)])
