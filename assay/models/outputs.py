"""What a model returned, as columns: one, or a dict of them by output name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from assay.errors import ModelError
from assay.extracts.columns import Column


def settle(output: Any, rows: int, model: str) -> Column | dict[str, Column]:
    """Returns a model's output as one column, or as a dict if it has several.

    (n, 1) becomes (n,); text and bytes become Arrow's; a dict of one output is that output.

    Args:
        output: an array (n, ...), what numpy can make one of, an Arrow array, or a mapping of such by name.
        rows: n.
        model: the model's name.

    Raises:
        ModelError: the output is no array, or has not one entry for each row.
    """
    if not isinstance(output, Mapping):
        return _column(output, rows, f"model {model!r}")
    if not output:
        raise ModelError(f"model {model!r} returned no output; expected an array, or a dict of arrays by output name")
    named = {str(name): _column(value, rows, f"model {model!r}, output {name!r}") for name, value in output.items()}
    return next(iter(named.values())) if len(named) == 1 else named


def join(parts: Sequence[Column | dict[str, Column]], model: str) -> Column | dict[str, Column]:
    """Returns the outputs of consecutive pieces of a batch as one; bytes that are UTF-8 throughout become text.

    Raises:
        ModelError: the pieces differ in their outputs or in the outputs' shapes.
    """
    names = [sorted(part) if isinstance(part, dict) else [] for part in parts]
    if any(others != names[0] for others in names):
        raise ModelError(f"model {model!r} returned outputs {names[0]} for some rows and others for other rows")
    dicts = [part for part in parts if isinstance(part, dict)]
    if dicts:
        return {name: _concatenate([part[name] for part in dicts], model) for name in dicts[0]}
    return _concatenate([part for part in parts if not isinstance(part, dict)], model)


def _concatenate(columns: Sequence[Column], model: str) -> Column:
    try:
        arrays = [column for column in columns if isinstance(column, np.ndarray)]
        if len(arrays) == len(columns):
            return np.concatenate(arrays)
        joined = pa.concat_arrays(columns)
    except (ValueError, TypeError) as error:  # Arrow's errors are among these
        raise ModelError(
            f"model {model!r} returned one shape or type for some rows and another for others: {error}"
        ) from None
    return _as_text(joined)


def _column(value: Any, rows: int, where: str) -> Column:
    if isinstance(value, pa.ChunkedArray):
        value = value.combine_chunks()
    column = value if isinstance(value, pa.Array) else _array(value, where)
    if len(column) != rows:
        raise ModelError(f"{where} returned {len(column)} predictions for {rows} rows; expected one for each row")
    return column


def _array(value: Any, where: str) -> Column:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise ModelError(f"{where} returned a {type(value).__name__} that is not an array: {error}") from None
    if not array.ndim:
        raise ModelError(f"{where} returned one {type(value).__name__}; expected an array with an entry for each row")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.dtype.kind in "fiub":
        return array
    if array.dtype.kind in "OSU":
        return _arrow(array, where)
    if array.dtype.name == "bfloat16":  # numpy has no type of that name of its own, Arrow neither
        return array.astype(np.float32)
    raise ModelError(f"{where} returned values of type {array.dtype}; expected numbers or text")


def _arrow(array: np.ndarray[Any, Any], where: str) -> Column:
    try:
        flat = pa.array(array.ravel(), from_pandas=True) if array.size else pa.array([], pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise ModelError(f"{where} returned Python objects that are not a column: {error}") from None
    for size in reversed(array.shape[1:]):
        flat = pa.FixedSizeListArray.from_arrays(flat, size)
    return flat


def _as_text(column: pa.Array) -> pa.Array:
    wanted = _text_type(column.type)
    if wanted == column.type:
        return column
    try:
        return column.cast(wanted)
    except pa.ArrowInvalid:
        return column


def _text_type(kind: Any) -> Any:
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_text_type(kind.value_type), kind.list_size)
    return pa.string() if pa.types.is_binary(kind) else kind
