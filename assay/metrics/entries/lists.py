"""Lists of any length, each row's elements after one another: what rows of boxes are made of."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import ColumnTypeError
from assay.extracts.columns import Column, is_list, plain, to_floats
from assay.metrics.values import Floats, Ints

Mask = npt.NDArray[np.bool_]


class Elements(NamedTuple):
    """The elements of the lists of n rows.

    Attributes:
        lengths: (n,) how many each row has.
        values: (m, width) the numbers of each element, row by row.
        is_odd: (m,) whether an element has more or fewer numbers than `width`; its values are NaN.
    """

    lengths: Ints
    values: Floats
    is_odd: Mask

    @property
    def rows(self) -> Ints:
        """(m,) ascending: the row of each element."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @property
    def positions(self) -> Ints:
        """(m,) the position of each element in its row, from 0 on."""
        return np.arange(len(self.values)) - np.repeat(np.cumsum(self.lengths) - self.lengths, self.lengths)

    def of(self, kept: Mask) -> Elements:
        """Some of the elements (m,)."""
        lengths = np.bincount(self.rows[kept], minlength=len(self.lengths))
        return Elements(lengths, self.values[kept], self.is_odd[kept])


def elements_of(column: Column, called: str, width: int | None = None) -> Elements:
    """The elements of a column: lists of numbers, or lists of lists; one number is a list of one.

    A row that is missing has none.

    Args:
        column: n rows.
        called: what errors call it.
        width: how many numbers an element has; None for as many as the first one.

    Raises:
        ColumnTypeError: a column of something else.
    """
    if isinstance(column, np.ndarray):
        if column.dtype.kind == "O":
            return elements_of(pa.array(column.tolist()), called, width)
        return _of_numpy(column, called)
    column = plain(column)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    lengths, elements = _flattened(column)
    inner, flat = _flattened(elements) if is_list(elements.type) else (np.ones(len(elements), np.int64), elements)
    numbers = to_floats(flat, called) if len(flat) else np.zeros(0)
    if numbers.ndim > 1:
        raise ColumnTypeError(
            f"{called} has type {column.type}; expected lists of numbers, or lists of lists of numbers"
        )

    # Elements of another width have no place among the others: their numbers go.
    width = width or int(inner[0] if len(inner) else 1)
    is_odd = inner != width
    values = np.full((len(inner), width), np.nan)
    values[~is_odd] = numbers[np.repeat(~is_odd, inner)].reshape(-1, width)
    return Elements(lengths, values, is_odd)


def _flattened(column: pa.Array) -> tuple[Ints, pa.Array]:
    """Lengths (n,), 0 of what is missing, and all values; a single value is a list of one."""
    if is_list(column.type):
        return pc.list_value_length(column).fill_null(0).to_numpy().astype(np.int64), column.flatten()
    is_there = column.is_valid().to_numpy(zero_copy_only=False)
    return is_there.astype(np.int64), column.drop_null()


def _of_numpy(column: npt.NDArray[np.generic], called: str) -> Elements:
    if column.ndim > 3:
        raise ColumnTypeError(f"{called} has shape {column.shape}; expected (rows, boxes) or (rows, boxes, numbers)")
    values = to_floats(column, called)
    if column.ndim == 1:
        is_there = ~np.isnan(values)
        return Elements(is_there.astype(np.int64), values[is_there][:, None], np.zeros(int(is_there.sum()), bool))
    rows, length = column.shape[:2]
    count, width = rows * length, 1 if column.ndim == 2 else column.shape[2]
    return Elements(np.full(rows, length), values.reshape(count, width), np.zeros(count, bool))
