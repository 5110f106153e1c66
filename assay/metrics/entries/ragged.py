"""Cells of any length as one flat column: one value each, or a list of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import ColumnTypeError
from assay.extracts.columns import Column, arrow_floats, is_list, is_text, plain
from assay.metrics.values import Floats, Ints

Mask = npt.NDArray[np.bool_]

Called: TypeAlias = tuple[str, str]
"""Name of a column, and its role in brackets; for errors."""


class Ragged(NamedTuple):
    """The cells of n rows.

    Attributes:
        values: (m,) the values of all rows, those of a row together.
        lengths: (n,) how many each row has.
        is_missing: (n,) rows that have none because the data has none, or among whose values one is missing.
    """

    values: pa.Array
    lengths: Ints
    is_missing: Mask

    @property
    def rows(self) -> Ints:
        """(m,) the row of each value, ascending."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @property
    def are_texts(self) -> bool:
        """Whether the values are texts."""
        return bool(pa.types.is_string(self.values.type))

    def floats(self, called: Called) -> Floats:
        """The values as numbers, NaN where they are missing.

        Raises:
            ColumnTypeError: they are none.
        """
        numbers = arrow_floats(self.values)
        if numbers is None:
            raise ColumnTypeError(f"column {called[0]!r}{called[1]} has type {self.values.type}; expected numbers")
        floats: Floats = numbers.to_numpy(zero_copy_only=False)
        return floats


def ragged(column: Column, called: Called) -> Ragged:
    """A column as flat values; a cell that is no list is a list of one. Bytes become text.

    Args:
        column: n rows.
        called: its name and role, for errors.

    Raises:
        ColumnTypeError: bytes that are no UTF-8, or lists of lists.
    """
    cells = _arrow(column)
    is_missing = cells.is_null().to_numpy(zero_copy_only=False)
    lengths = np.ones(len(cells), np.int64)
    values = cells
    if is_list(cells.type):
        lengths = pc.list_value_length(cells).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
        values = _arrow(cells.flatten())
    if is_list(values.type):
        raise ColumnTypeError(f"column {called[0]!r}{called[1]} has lists of lists; expected values, or lists of them")

    if is_text(values.type):
        values = _texts(values, called)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    is_missing[rows[values.is_null().to_numpy(zero_copy_only=False)]] = True
    return Ragged(values, lengths, is_missing)


def _arrow(column: Column) -> pa.Array:
    if isinstance(column, np.ndarray):
        flat = pa.array(column.reshape(-1), from_pandas=True)  # NaN is a value that is missing
        width = int(np.prod(column.shape[1:]))
        return flat if column.ndim == 1 else pa.FixedSizeListArray.from_arrays(flat, width)
    column = plain(column)
    return plain(column.dictionary_decode()) if pa.types.is_dictionary(column.type) else column


def _texts(values: pa.Array, called: Called) -> pa.Array:
    try:
        return values.cast(pa.binary()).cast(pa.string())
    except pa.ArrowInvalid as error:
        raise ColumnTypeError(
            f"column {called[0]!r}{called[1]} has bytes that are no text in UTF-8 ({error}); expected text"
        ) from error


def of_one_type(columns: Sequence[tuple[Called, Ragged]]) -> list[pa.Array]:
    """The values of columns, of one type, so that they can be compared.

    Args:
        columns: name and role of each column, for errors, and its values.

    Raises:
        ColumnTypeError: one column holds texts and another one does not.
    """
    known = [(called, one) for called, one in columns if not pa.types.is_null(one.values.type)]
    for (name, role), one in known[1:]:
        (first, of_first), other = known[0]
        if one.are_texts != other.are_texts:
            raise ColumnTypeError(
                f"column {first!r}{of_first} has type {other.values.type} and {name!r}{role} has type "
                f"{one.values.type}, which are never equal; expected both to be texts, or neither"
            )

    kinds = list(dict.fromkeys(one.values.type for _, one in known))
    kind = kinds[0] if len(kinds) == 1 else pa.float64() if kinds else pa.string()
    return [_cast(one.values, kind, called) for called, one in columns]


def _cast(values: pa.Array, kind: pa.DataType, called: Called) -> pa.Array:
    try:
        return values.cast(kind, safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ColumnTypeError(f"column {called[0]!r}{called[1]} has type {values.type}; expected numbers") from error
