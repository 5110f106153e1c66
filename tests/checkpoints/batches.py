"""Batches of every kind that may stand in a checkpoint, and whether two are the same in every bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import strategies as st

Strategy = st.SearchStrategy[Any]

NUMPY_TYPES = [
    *("?", "i1", "u2", "<i4", ">i4", "i8", "u8", "f2", "<f4", ">f4", "f8", "g", "S1", "S5", "U1", "<U3", ">U3"),
    *("M8[D]", "<M8[ns]", ">M8[us]", "M8[25s]", "M8", "m8[Y]", "<m8[ms]", ">m8[h]", "m8"),
]
UNICODE_END = 0x110000

_NUMBERS = [pa.int8(), pa.uint16(), pa.int32(), pa.int64(), pa.uint64(), pa.float16(), pa.float32(), pa.float64()]
_TIMES = [pa.timestamp("ns", "Europe/Berlin"), pa.timestamp("s"), pa.duration("us"), pa.date32()]
_TEXTS = [pa.string(), pa.large_string(), pa.string_view()]
_BYTES = [pa.binary(), pa.large_binary(), pa.binary_view()]


@st.composite
def batches(draw: st.DrawFn) -> dict[str, Any]:
    """Extracts: dicts in dicts with columns of 0 to 5 rows."""
    rows = draw(st.integers(0, 5))
    columns = numpy_columns(rows) | arrow_columns(rows)
    keys = st.text(max_size=3) | st.sampled_from(["a.b", "a", "b", "\ud800", "features"])
    return draw(st.dictionaries(keys, st.recursive(columns, lambda inner: st.dictionaries(keys, inner, max_size=3))))


@st.composite
def numpy_columns(draw: st.DrawFn, rows: int) -> np.ndarray:
    """Any bits in any layout."""
    dtype = np.dtype(draw(st.sampled_from(NUMPY_TYPES)))
    shape = (rows, *draw(st.lists(st.integers(0, 3), max_size=2)))
    size = int(np.prod(shape)) * dtype.itemsize
    content = np.frombuffer(draw(st.binary(min_size=size, max_size=size)), np.uint8)
    if dtype.kind == "b":
        content = content % 2
    if dtype.kind == "U":
        content = (content.view(dtype.str[0] + "u4") % UNICODE_END).astype(dtype.str[0] + "u4").view(np.uint8)
    array = content.view(dtype).reshape(shape) if size else np.zeros(shape, dtype)
    return {"C": array, "F": np.asfortranarray(array), "reversed": array[::-1]}[
        draw(st.sampled_from(["C", "F", "reversed"]))
    ]


@st.composite
def arrow_columns(draw: st.DrawFn, rows: int, depth: int = 2) -> pa.Array:
    """Arrays of any type, whole or cut out of others."""
    around = draw(st.sampled_from([0, 1, 2]))
    array = draw(_flat(rows + around) if not depth else st.one_of(_flat(rows + around), _nested(rows + around, depth)))
    return array.slice(around // 2, rows)


@st.composite
def _flat(draw: st.DrawFn, rows: int) -> pa.Array:
    kind = draw(st.sampled_from([*_NUMBERS, *_TIMES, *_TEXTS, *_BYTES, pa.bool_(), pa.null(), pa.binary(3), pa.uuid()]))
    missing = np.array(draw(st.lists(st.booleans(), min_size=rows, max_size=rows)), bool)
    if kind in _NUMBERS + _TIMES:
        width = kind.bit_width // 8
        content = draw(st.binary(min_size=rows * width, max_size=rows * width))
        present = pa.array(~missing).buffers()[1] if missing.any() else None
        return pa.Array.from_buffers(kind, rows, [present, pa.py_buffer(content)])
    values = {pa.bool_(): st.booleans(), pa.null(): st.none(), pa.binary(3): st.binary(min_size=3, max_size=3)}.get(
        kind, st.text(max_size=20) if kind in _TEXTS else st.binary(max_size=20)
    )
    if kind == pa.uuid():
        return pa.ExtensionArray.from_storage(kind, pa.array([bytes([i] * 16) for i in range(rows)], pa.binary(16)))
    drawn = draw(st.lists(values, min_size=rows, max_size=rows))
    return pa.array([None if gone else value for gone, value in zip(missing, drawn, strict=True)], kind)


@st.composite
def _nested(draw: st.DrawFn, rows: int, depth: int) -> pa.Array:
    form = draw(st.sampled_from(["dictionary", "list", "large_list", "list_view", "fixed", "struct", "none", "runs"]))
    missing = pa.array(draw(st.lists(st.booleans(), min_size=rows, max_size=rows)), pa.bool_())
    if form == "none":
        return pa.array([{}] * rows, pa.struct([]))
    if form == "struct":
        fields = [draw(arrow_columns(rows, depth - 1)) for _ in range(draw(st.integers(1, 2)))]
        return pa.StructArray.from_arrays(fields, ["x", "y"][: len(fields)], mask=missing)
    if form == "fixed":
        return pa.FixedSizeListArray.from_arrays(draw(arrow_columns(rows * 2, depth - 1)), 2)
    if form == "dictionary":
        values = draw(arrow_columns(draw(st.integers(0, 4)), depth - 1).filter(_may_be_in_a_dictionary))
        index = st.none() | st.integers(0, len(values) - 1) if len(values) else st.none()
        indices = pa.array(draw(st.lists(index, min_size=rows, max_size=rows)), pa.int8())
        return pa.DictionaryArray.from_arrays(indices, values, ordered=draw(st.booleans()))
    lengths = draw(st.lists(st.integers(1 if form == "runs" else 0, 2), min_size=rows, max_size=rows))
    ends = np.cumsum([0, *lengths])
    if form == "runs":
        return pa.RunEndEncodedArray.from_arrays(
            pa.array(ends[1:], pa.int32()), draw(_flat(rows).filter(_may_be_in_runs))
        ).slice(0, rows)
    values = draw(arrow_columns(int(ends[-1]), depth - 1))
    if form == "list_view":
        return pa.ListViewArray.from_arrays(pa.array(ends[:-1], pa.int32()), pa.array(lengths, pa.int32()), values)
    if form == "large_list":
        return pa.LargeListArray.from_arrays(pa.array(ends, pa.int64()), values)
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), values)


def _may_be_in_a_dictionary(values: pa.Array) -> bool:
    return not isinstance(values, pa.DictionaryArray | pa.ExtensionArray)


def _may_be_in_runs(values: pa.Array) -> bool:
    """Of other types Arrow cannot undo the runs, which `same` has to."""
    return values.type in _NUMBERS + _TIMES


def same(one: Any, other: Any) -> bool:
    """Whether two batches, or columns of them, have the same keys in the same order, types, shapes and bits."""
    if isinstance(one, Mapping):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, np.ndarray):
        alike = isinstance(other, np.ndarray) and one.dtype.str == other.dtype.str and one.shape == other.shape
        return alike and one.tobytes() == other.tobytes()
    return one.type == other.type and len(one) == len(other) and _same_arrays(one, other)


def _same_arrays(one: pa.Array, other: pa.Array) -> bool:
    kind = one.type
    if isinstance(one, pa.ExtensionArray):
        return same(one.storage, other.storage)
    if pa.types.is_dictionary(kind):
        return same(one.indices, other.indices) and same(one.dictionary, other.dictionary)
    if not one.is_null().equals(other.is_null()):
        return False
    if pa.types.is_floating(kind):
        known = one.is_valid().to_numpy(zero_copy_only=False)
        return same(*(array.to_numpy(zero_copy_only=False)[known] for array in (one, other)))
    if pa.types.is_struct(kind):
        return all(map(same, one.flatten(), other.flatten()))
    if pa.types.is_run_end_encoded(kind):
        return same(pc.run_end_decode(one), pc.run_end_decode(other))
    if pa.types.is_nested(kind):
        return all(same(a.values, b.values) for a, b in zip(one, other, strict=True) if a.is_valid)
    return bool(one.equals(other))
