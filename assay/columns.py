"""What can be done to the leaves of Extracts: numpy arrays (n, ...) and Arrow arrays of n rows, in nested dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from assay.errors import ColumnTypeError
from assay.types import Extracts

Column: TypeAlias = "npt.NDArray[Any] | pa.Array"
Floats: TypeAlias = npt.NDArray[np.float64]


def leaves(extracts: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Column]]:
    """Yields (path of keys, column) of every leaf."""
    for key, value in extracts.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def map_leaves(function: Callable[[Column], Column], extracts: Mapping[str, Any]) -> Extracts:
    """Returns the same dicts with `function` applied to every leaf."""
    return {k: map_leaves(function, v) if isinstance(v, Mapping) else function(v) for k, v in extracts.items()}


def row_count(extracts: Mapping[str, Any]) -> int:
    """Rows of a batch; 0 if it has no leaf."""
    return next((len(column) for _, column in leaves(extracts)), 0)


def take(extracts: Mapping[str, Any], rows: npt.NDArray[Any]) -> Extracts:
    """Returns the rows named by a boolean mask (n,) or by integer indices (m,)."""
    indices = np.flatnonzero(rows) if rows.dtype == bool else rows
    arrow = pa.array(indices)
    return map_leaves(lambda c: c[indices] if isinstance(c, np.ndarray) else c.take(arrow), extracts)


def cut(extracts: Mapping[str, Any], start: int, stop: int) -> Extracts:
    """Returns rows [start, stop) without a copy."""
    return map_leaves(lambda c: c[start:stop], extracts)


def to_numpy(column: Column, name: str) -> npt.NDArray[Any]:
    """Returns a column as numpy: (n,) for flat columns, (n, k) for lists of equal length k.

    Nulls of numbers become NaN.

    Raises:
        ColumnTypeError: lists of different lengths, or of a type that numpy cannot hold.
    """
    if isinstance(column, np.ndarray):
        return column
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _lists_to_numpy(column, name)
    return column.to_numpy(zero_copy_only=False)


def _lists_to_numpy(column: pa.Array, name: str) -> npt.NDArray[Any]:
    if column.null_count:
        raise ColumnTypeError(
            f"column {name!r}: {column.null_count} of {len(column)} lists are missing; expected a list in each row"
        )
    if not len(column):
        return np.zeros((0, 1))
    width, rest = divmod(len(column.flatten()), len(column))
    lengths = np.diff(column.offsets.to_numpy()) if hasattr(column, "offsets") else np.full(len(column), width)
    if rest or (lengths != width).any():
        raise ColumnTypeError(
            f"column {name!r}: lists of {lengths.min()} to {lengths.max()} values; expected the same number in each row"
        )
    inner = to_numpy(column.flatten(), name)
    return inner.reshape(len(column), width, *inner.shape[1:])


def _written_type(kind: pa.DataType) -> pa.DataType:
    """The type that the data has; columns to slice on come as dictionaries, which is nobody's concern."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def to_floats(column: Column, name: str, role: str = "") -> Floats:
    """Returns a column as float64, (n,) or (n, k); a second axis of length 1 is dropped, nulls become NaN.

    Args:
        column: n rows.
        name: its name, for errors.
        role: what stands behind the name in errors, such as " (label_key)".

    Raises:
        ColumnTypeError: the column holds no numbers.
    """
    if isinstance(column, pa.Array) and pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    array = to_numpy(column, name)
    if array.dtype.kind not in "fiub":
        found = _written_type(column.type) if isinstance(column, pa.Array) else array.dtype
        raise ColumnTypeError(f"column {name!r}{role} has type {found}; expected numbers")
    floats = array.astype(np.float64, copy=False)
    return floats[:, 0] if floats.ndim == 2 and floats.shape[1] == 1 else floats
