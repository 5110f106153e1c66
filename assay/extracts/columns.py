"""What can be done to the leaves of Extracts: numpy arrays (n, ...) and Arrow arrays of n rows, in nested dicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import ColumnTypeError
from assay.extracts.without_pandas import let_pandas_in
from assay.types import Extracts

Column: TypeAlias = "npt.NDArray[Any] | pa.Array"
Floats: TypeAlias = npt.NDArray[np.float64]

_PRINTED_BY_PANDAS = ("pandas.period", "pandas.interval")


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


def plain(column: pa.Array) -> pa.Array:
    """Returns a column of an extension type as a column of Arrow's own types; others stay as they are.

    Periods, intervals and UUIDs become the text that pandas prints for them, whole numbers that stand for booleans
    become booleans, other extension types what they are stored as. Runs and views become plain arrays; Arrow (25.0)
    cannot even take rows of a view.
    """
    kind = column.type
    if isinstance(column, pa.ExtensionArray):
        return _without_extension(column)
    if pa.types.is_run_end_encoded(kind):
        return plain(pc.run_end_decode(column))
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        return column.cast(pa.string() if pa.types.is_string_view(kind) else pa.binary())
    if pa.types.is_dictionary(kind) and not _is_plain(kind.value_type):
        return pa.DictionaryArray.from_arrays(column.indices, plain(column.dictionary))
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        return plain(_without_view(column))
    if (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and not _is_plain(kind.value_type):
        whole = pa.concat_arrays([column])  # so that offsets start at 0
        return type(whole).from_arrays(whole.offsets, plain(whole.values), mask=whole.is_null())
    return column


def _is_plain(kind: pa.DataType) -> bool:
    is_view = pa.types.is_string_view(kind) or pa.types.is_binary_view(kind)
    return not (is_view or isinstance(kind, pa.BaseExtensionType))


def _without_extension(column: pa.ExtensionArray) -> pa.Array:
    name = column.type.extension_name
    if name in _PRINTED_BY_PANDAS:
        let_pandas_in()
        texts = column.to_pandas().astype(str)
        return pa.array(texts, pa.string(), mask=column.is_null().to_numpy(zero_copy_only=False))
    if name == "arrow.uuid":
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())
    if name == "arrow.bool8":
        return column.cast(pa.bool_())
    return plain(column.storage)


def _without_view(column: pa.Array) -> pa.LargeListArray:
    """A view of lists as lists; Arrow's own cast (25.0) loses values."""
    offsets = np.concatenate([[0], np.cumsum(pc.list_value_length(column).fill_null(0).to_numpy())])
    return pa.LargeListArray.from_arrays(pa.array(offsets), column.flatten(), mask=column.is_null())


def to_numpy(column: Column, name: str) -> npt.NDArray[Any]:
    """Returns a column as numpy: (n,) for flat columns, (n, k) for lists of equal length k.

    Nulls of numbers become NaN.

    Raises:
        ColumnTypeError: lists of different lengths, or of a type that numpy cannot hold.
    """
    if isinstance(column, np.ndarray):
        return column
    column = plain(column)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if is_list(column.type):
        return _lists_to_numpy(column, name)
    return column.to_numpy(zero_copy_only=False)


def is_list(kind: pa.DataType) -> bool:
    """Whether the cells of a column are lists."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _lists_to_numpy(column: pa.Array, name: str) -> npt.NDArray[Any]:
    if column.null_count:
        raise ColumnTypeError(
            f"column {name!r}: {column.null_count} of {len(column)} lists are missing; expected a list in each row"
        )
    if not len(column):
        return np.zeros((0, 1))

    lengths = pc.list_value_length(column).to_numpy()
    width = int(lengths[0])
    if (lengths != width).any():
        raise ColumnTypeError(
            f"column {name!r}: lists of {lengths.min()} to {lengths.max()} values; expected the same number in each row"
        )
    inner = to_numpy(column.flatten(), name)
    return inner.reshape(len(column), width, *inner.shape[1:])


def stored_type(kind: pa.DataType) -> pa.DataType:
    """The type that the data has; columns to slice on come as dictionaries, which is nobody's concern."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def is_text(kind: pa.DataType) -> bool:
    """Whether the cells of a column are texts or bytes, of whichever of Arrow's types."""
    types = pa.types
    is_string = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    is_bytes = types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind)
    return bool(is_string or is_bytes or types.is_fixed_size_binary(kind))


def holds_text(kind: pa.DataType) -> bool:
    """Whether the cells of a column are texts or bytes, or lists of such; in a dictionary or not."""
    kind = stored_type(kind)
    return holds_text(kind.value_type) if is_list(kind) else is_text(kind)


def to_floats(column: Column, name: str, role: str = "") -> Floats:
    """Returns a column as float64, (n,) or (n, k); a second axis of length 1 is dropped.

    Missing values, missing lists and empty lists become NaN. A list of another length than most lists of the batch
    becomes infinite: like a missing value it makes its row a bad one, but it is not missing.

    Args:
        column: n rows.
        name: its name, for errors.
        role: what stands behind the name in errors, such as " (label_key)".

    Raises:
        ColumnTypeError: the column holds no numbers.
    """
    floats = _numpy_floats(column) if isinstance(column, np.ndarray) else _arrow_floats(column)
    if floats is None:
        found = stored_type(column.type) if isinstance(column, pa.Array) else column.dtype
        raise ColumnTypeError(f"column {name!r}{role} has type {found}; expected numbers")
    return floats[:, 0] if floats.ndim == 2 and floats.shape[1] == 1 else floats


def _numpy_floats(column: npt.NDArray[Any]) -> Floats | None:
    return column.astype(np.float64, copy=False) if column.dtype.kind in "fiub" else None


def _arrow_floats(column: pa.Array) -> Floats | None:
    """Float64 (n, ...); None for what is no number."""
    column = plain(column)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if is_list(column.type):
        return _floats_of_lists(column)
    numbers = arrow_floats(column)
    return None if numbers is None else numbers.to_numpy(zero_copy_only=False)


def arrow_floats(column: pa.Array) -> pa.Array | None:
    """Returns a flat column as float64, missing values as null; None for what is no number."""
    kind = column.type
    if pa.types.is_null(kind):
        return column.cast(pa.float64())
    if pa.types.is_decimal(kind):
        return column.cast(pa.string()).cast(pa.float64())  # Arrow's direct way is a bit off for one value in seven
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return column.cast(pa.float64(), safe=False)
    return None


def _floats_of_lists(column: pa.Array) -> Floats | None:
    lengths = pc.list_value_length(column).fill_null(0).to_numpy()
    width = usual_length(lengths)
    fits = lengths == width
    inner = _arrow_floats(column.filter(pa.array(fits)).flatten())
    if inner is None:
        return None
    floats = np.full((len(column), width, *inner.shape[1:]), np.nan)
    floats[~fits & (lengths > 0)] = np.inf
    floats[fits] = inner.reshape(-1, width, *inner.shape[1:])
    return floats


def usual_length(lengths: npt.NDArray[Any]) -> int:
    """The length that most lists have, empty ones aside; the shortest of several; 1 if all are empty."""
    known, counts = np.unique(lengths[lengths > 0], return_counts=True)
    return int(known[counts.argmax()]) if len(known) else 1
