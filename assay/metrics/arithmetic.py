"""Arithmetic that metrics share."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from assay.metrics.values import Floats

_BLOCK = 16
_BITS = 63
"""Of an integer that is not negative."""


def ratio(numerator: Any, denominator: Any) -> Floats:
    """Divides elementwise; NaN where the denominator is not above 0."""
    with np.errstate(all="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)


def suffix_sums(counts: Floats) -> Floats:
    """Sums from each position to the end of the last axis."""
    return np.flip(np.cumsum(np.flip(counts, -1), -1), -1)


def with_sums_of_others(parts: Floats) -> Floats:
    """(k, ...) parts -> (k + 1, ...): their sum, and the sums of all but each part.

    Sums of what stands before and behind each part, not total minus part: a sum of nothing stays exactly 0.
    """
    sums = np.zeros((len(parts) + 1, *parts.shape[1:]))
    sums[:-1] = np.flip(np.cumsum(np.flip(parts, 0), 0), 0)
    sums[2:] += np.cumsum(parts[:-1], 0)
    return sums


def add_up_rows(rows: Floats) -> Floats:
    """Adds to each row (n, k) all those before it, in place, in two thirds of the time of `cumsum` by column.

    What is not negative never falls, and stays exactly what it is where a row adds 0: rows are added up in blocks, and
    to each of a block what was there before.
    """
    whole = len(rows) // _BLOCK * _BLOCK
    blocks = rows[:whole].reshape(-1, _BLOCK, rows.shape[1])
    for at in range(1, _BLOCK):
        blocks[:, at] += blocks[:, at - 1]
    for before, block in pairwise(blocks):
        block += before[-1]
    rest = rows[max(whole - 1, 0) :]
    np.cumsum(rest, axis=0, out=rest)
    return rows


def sums_by_bin(bins: npt.NDArray[np.int64], values: Floats, count: int) -> Floats:
    """The sum (count,) of the values (m,) of each bin (m,), added up in their order."""
    return np.bincount(bins, values, minlength=count).astype(np.float64, copy=False)  # integers where there is no value


def stable_order(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """What sorts numbers (m,) that are not negative; equal ones stay in their order.

    A number and its place are sorted as one number, if they fit into one: that takes a fifth of the time.
    """
    bits = len(numbers).bit_length()
    if int(numbers.max(initial=0)).bit_length() + bits > _BITS:
        return np.argsort(numbers, kind="stable")
    return np.sort(numbers << bits | np.arange(len(numbers))) & ((1 << bits) - 1)
