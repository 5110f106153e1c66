"""Whole as multiples of a number, which tell no single row. Standard library only."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Whole = TypeVar("Whole", int, "npt.NDArray[np.int64]")


def to_multiple(count: Whole, of: int) -> Whole:
    """The nearest multiple of `of` to a count, or to each of an array; from the middle between two, the higher one."""
    return (count + of // 2) // of * of
