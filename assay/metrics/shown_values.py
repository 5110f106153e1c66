"""Values of the data as they are shown to people: none goes through a float that it is not."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assay.extracts.columns import Column, is_list, plain
from assay.slicing.values import number_or_text, numbers_of, still_read_from, times_of


def shown_values(column: Column, rows: npt.NDArray[np.int64], texts: pa.Array | None = None) -> list[Any]:
    """Returns the values of some rows: int, float, text or bytes, None where there is none.

    Whole numbers keep all digits, a float32 is the number of its own shortest text, decimals are their text, and dates
    and times the text that slices have. Booleans, lists and objects are JSON.

    Args:
        column: n rows.
        rows: (m,) which of them.
        texts: (n,) what a file has where the number says less; see `TEXTS_KEY`. It is shown as a slice would be named.
    """
    if not isinstance(column, pa.Array):
        return _of_numpy(column[rows])
    picked = column.take(pa.array(rows))
    values = [_shown(value) for value in _python(picked)]
    return values if texts is None else _with_texts(values, picked, texts.take(pa.array(rows)))


def _with_texts(values: list[Any], column: pa.Array, texts: pa.Array) -> list[Any]:
    rows = zip(values, texts.to_pylist(), still_read_from(texts, column, column.type), strict=True)
    return [number_or_text(text) if is_told else value for value, text, is_told in rows]


def _of_numpy(picked: npt.NDArray[Any]) -> list[Any]:
    if picked.ndim == 1:
        return [_shown(value) for value in _python(pa.array(picked))]
    short = picked.dtype.kind == "f" and picked.dtype.itemsize < 8
    return [_shown(value) for value in (picked.astype("U").astype(np.float64) if short else picked).tolist()]


def _shown(value: Any) -> Any:
    if isinstance(value, bool | list | dict):
        return json.dumps(value, ensure_ascii=False, default=_in_json)
    return value


def _in_json(value: Any) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def _python(column: pa.Array) -> list[Any]:
    """A column as Python values: bool, int, float, text, bytes, lists of these and dicts."""
    column = plain(column)
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _python(column.dictionary_decode())
    if is_list(kind):
        return _lists(column)
    if pa.types.is_float16(kind) or pa.types.is_float32(kind):
        column = numbers_of(column)
    elif pa.types.is_temporal(kind):
        column = times_of(column)
    values: list[Any] = column.to_pylist()
    return [None if value is None else str(value) for value in values] if pa.types.is_decimal(kind) else values


def _lists(column: pa.Array) -> list[Any]:
    inner = _python(column.flatten())  # without what null lists may hide
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_pylist()
    missing = column.is_null().to_pylist()
    rows, start = [], 0
    for length, is_missing in zip(lengths, missing, strict=True):
        rows.append(None if is_missing else inner[start : start + length])
        start += 0 if is_missing else length
    return rows
