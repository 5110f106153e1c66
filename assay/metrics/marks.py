"""Marks of scores: whether all scores of a cell are equal, told from two sums.

Each score has a mark, a number from 1 to 2 of 20 bits that its own bits make. Where all scores of a cell are equal, the
mean of their marks is such a number; where they are close but not equal, it hardly ever is.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from assay.metrics.values import Floats

Ints = npt.NDArray[np.int64]
Marks: TypeAlias = npt.NDArray[np.uint8]
"""What is kept of the mark of all scores of a cell, above 0; 0 where the scores have several marks.

One byte will do: where a cell has one score of each class, one of 255 such pairs passes for tied.
"""

_BITS = 20
_KEPT = 255
_NEAR = 0.05
"""How far from a whole number a mean may be, in units of the last bit: weights make sums inexact, by some 1e-16 for
each row of a split in the worst case."""


def marks_of(scores: Floats) -> Floats:
    """The marks, float64; those of up to 2^32 rows without weights add up exactly."""
    bits = (scores + 0.0).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)  # -0.0 becomes 0.0
    bits = (bits ^ (bits >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    return ((bits >> np.uint64(44) << np.uint64(32)) | np.uint64(0x3FF0000000000000)).view(np.float64)


def marked(weights: Floats, scores: Floats) -> npt.NDArray[np.complex128]:
    """The weights, and as imaginary parts the weighted marks of their scores."""
    both = np.empty(len(weights), np.complex128)
    both.real = weights
    np.multiply(weights, marks_of(scores), out=both.imag)
    return both


def common(sums: npt.NDArray[np.inexact[Any]]) -> Marks:
    """The marks of cells of which these are the sums of what `marked` gives, complex128."""
    with np.errstate(all="ignore"):
        units = (sums.imag / sums.real - 1) * (1 << _BITS)
        whole = np.rint(units)
        is_one = np.abs(units - whole) <= _NEAR
    return np.where(is_one, whole % _KEPT + 1, 0).astype(np.uint8)


def joined(marks: Marks, first: Ints) -> Marks:
    """The marks of cells that are put together: one ends where the next one has its `first`."""
    of_cell = marks[first]
    differs = np.flatnonzero(marks != np.repeat(of_cell, np.diff(np.append(first, len(marks)))))
    of_cell[np.searchsorted(first, differs, "right") - 1] = 0
    return of_cell
