"""Which numbers below a bound occur: sorted if they are few, ticked off if they are many."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from assay.metrics.values import Ints

Mask: TypeAlias = npt.NDArray[np.bool_]

_TO_SORT = 64
"""A number is sorted in about the time that it takes to look at so many ticks."""


def different(numbers: Ints, bound: int) -> Ints:
    """The different numbers below `bound`, ascending."""
    if len(numbers) * _TO_SORT < bound:
        return np.unique(numbers)
    return np.flatnonzero(_ticks(numbers, bound))


def numbered(numbers: Ints, bound: int) -> tuple[Ints, Ints]:
    """The different numbers below `bound`, ascending; and where each of the numbers stands among these."""
    if len(numbers) * _TO_SORT < bound:
        return np.unique(numbers, return_inverse=True)
    occurring = np.flatnonzero(_ticks(numbers, bound))
    place = np.empty(bound, np.int64)
    place[occurring] = np.arange(len(occurring))
    return occurring, place[numbers]


def _ticks(numbers: Ints, bound: int) -> Mask:
    occurs = np.zeros(bound, bool)
    occurs[numbers] = True
    return occurs
