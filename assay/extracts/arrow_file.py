"""Extracts as bytes: a file of Arrow IPC streams, with a record batch for each batch of Extracts.

A leaf is a column, named by its keys. Arrow arrays stand as they are; numpy arrays as numbers of the same bits, or as
bytes of fixed size where Arrow has no such number; rows of more than one value as lists of fixed size. The schema says
under `assay` how the columns hang in dicts: `{"labels": [3, "<f8", []]}` is column 3, in numpy float64 of shape (n,).

Streams, not Arrow's file format, since that holds one dictionary for a column in all batches, and ours differ. Most
files are one stream, which any reader of Arrow opens; the next one begins where the schema changes.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from assay.errors import CorruptFileError, PipelineError
from assay.extracts.columns import Column, leaves
from assay.extracts.contents import check_extracts
from assay.types import ROW_TYPES_KEY, Extracts

Wanted: TypeAlias = Callable[[tuple[str, ...]], bool]
"""Whether a column, by its key path, is needed."""

_TREE = b"assay"
_END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"
_KINDS = "biufSUmM"


def to_record_batch(extracts: Extracts) -> pa.RecordBatch:
    """Returns a batch of n rows as a record batch of n rows, without a copy where memory is contiguous.

    Raises:
        PipelineError: single examples, a key that is no text, a leaf that may not stand in Extracts, or a dictionary
            of dictionaries or of an extension type.
    """
    if ROW_TYPES_KEY in extracts:
        raise PipelineError(
            "a checkpoint holds batches and found single examples; "
            "put UnbatchExtractor behind the last checkpoint, that is: run fused"
        )
    check_extracts(extracts, "checkpoint")
    tree = json.dumps(_tree(extracts, itertools.count()))
    columns = list(leaves(extracts))
    for path, column in columns:
        _check_type(path, column)
    arrays = [_to_arrow(column) for _, column in columns]
    fields = [pa.field(_name(path), array.type) for (path, _), array in zip(columns, arrays, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields, {_TREE: tree}))


def from_record_batch(batch: pa.RecordBatch, wanted: Wanted | None = None) -> Extracts:
    """Returns the Extracts of which `to_record_batch` made a batch; numpy arrays are read-only views of its memory.

    An extension type that is not registered in this process comes back as its storage.

    Args:
        batch: n rows.
        wanted: which columns; None for all. The dicts that they were in stay.

    Raises:
        CorruptFileError: the record batch has no Extracts in it.
    """
    tree = (batch.schema.metadata or {}).get(_TREE)
    if tree is None:
        raise CorruptFileError("expected Extracts as assay writes them; found a record batch of another origin")
    return _pick(json.loads(tree), batch, wanted, ())


class ExtractsFile:
    """Writes batches to a binary file, which stays open."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._stream: pa.RecordBatchStreamWriter | None = None
        self._schema: pa.Schema | None = None
        self._rows = self._batches = 0

    def write(self, extracts: Extracts) -> None:
        """Adds a batch.

        Raises:
            PipelineError: as `to_record_batch`.
        """
        batch = to_record_batch(extracts)
        if self._stream is None or not self._continues(batch.schema):
            self._end_stream()
            self._stream, self._schema = pa.ipc.new_stream(self._file, batch.schema), batch.schema
        self._stream.write_batch(batch)
        self._rows += batch.num_rows
        self._batches += 1

    def close(self) -> tuple[int, int]:
        """Ends the file; returns how many (rows, batches) it has."""
        if not self._batches:
            self._stream = pa.ipc.new_stream(self._file, pa.schema([]))
        self._end_stream()
        return self._rows, self._batches

    def _continues(self, schema: pa.Schema) -> bool:
        same: bool = schema.equals(self._schema, check_metadata=True)
        return same and not any(_has_float_dictionary(field.type) for field in schema)

    def _end_stream(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def read_batches(buffer: pa.Buffer | bytes, wanted: Wanted | None = None) -> Iterator[Extracts]:
    """Yields the batches of a file in order, as views of the buffer where that is possible.

    Whether single bits are right is not looked at: the caller has a checksum of the whole.

    Args:
        buffer: the whole file.
        wanted: which columns, as in `from_record_batch`.

    Raises:
        CorruptFileError: no such file, or one that is cut off.
    """
    content = buffer if isinstance(buffer, pa.Buffer) else pa.py_buffer(buffer)
    if content.size < len(_END_OF_STREAM) or content[-len(_END_OF_STREAM) :].to_pybytes() != _END_OF_STREAM:
        raise CorruptFileError("expected Arrow IPC streams to their end; found a file that is cut off or no such file")
    source = pa.BufferReader(content)
    while source.tell() < content.size:
        for batch in _stream(source):
            yield from_record_batch(batch, wanted)


def _stream(source: pa.BufferReader) -> Iterator[pa.RecordBatch]:
    try:
        yield from pa.ipc.open_stream(source)
    except (pa.ArrowException, OSError) as error:
        raise CorruptFileError(f"expected Arrow IPC streams; found: {error}") from error


# The tree of columns --------------------------------------------------------------------------------------------------


def _tree(extracts: Mapping[str, Any], numbers: Iterator[int]) -> dict[str, Any]:
    """The same dicts with [number] or [number, dtype, shape of a row] in place of each column."""
    return {
        key: _tree(value, numbers) if isinstance(value, Mapping) else [next(numbers), *_numpy_type(value)]
        for key, value in extracts.items()
    }


def _check_type(path: tuple[str, ...], column: Column) -> None:
    """Arrow's format says of a dictionary's values no more than their plain type."""
    dictionaries = filter(pa.types.is_dictionary, _types_in(column.type)) if isinstance(column, pa.Array) else ()
    for kind in dictionaries:
        if pa.types.is_dictionary(kind.value_type) or isinstance(kind.value_type, pa.BaseExtensionType):
            raise PipelineError(
                f"column {_name(path)!r} has a dictionary of type {kind.value_type}, which a checkpoint cannot hold; "
                f"expected a dictionary of plain values"
            )


def _numpy_type(column: Column) -> list[Any]:
    return [column.dtype.str, list(column.shape[1:])] if isinstance(column, np.ndarray) else []


def _pick(tree: Mapping[str, Any], batch: pa.RecordBatch, wanted: Wanted | None, path: tuple[str, ...]) -> Extracts:
    picked: Extracts = {}
    for key, value in tree.items():
        inner_path = (*path, key)
        if isinstance(value, dict):
            picked[key] = _pick(value, batch, wanted, inner_path)
        elif wanted is None or wanted(inner_path):
            number, *numpy_type = value
            picked[key] = _to_numpy(batch.column(number), *numpy_type) if numpy_type else batch.column(number)
    return picked


def _name(path: tuple[str, ...]) -> str:
    """For people; two columns may have the same, and text that is not UTF-8 is escaped."""
    return ".".join(path).encode("utf-8", "backslashreplace").decode()


# Columns --------------------------------------------------------------------------------------------------------------


def _to_arrow(column: Column) -> pa.Array:
    if isinstance(column, pa.Array):
        return column
    width = int(np.prod(column.shape[1:]))
    if not width * column.itemsize:
        return pa.nulls(len(column))
    content = pa.py_buffer(np.ascontiguousarray(column).reshape(-1).view(np.uint8))
    values = pa.Array.from_buffers(_number_type(column.dtype), column.size, [None, content])
    return values if column.ndim == 1 else pa.FixedSizeListArray.from_arrays(values, width)


def _number_type(dtype: np.dtype[Any]) -> pa.DataType:
    """An Arrow type of the same bits."""
    if dtype.isnative and dtype.kind in "iuf" and dtype.itemsize <= 8:
        return pa.from_numpy_dtype(dtype)
    if dtype.isnative and dtype.kind in "mM":
        return pa.int64()
    return pa.uint8() if dtype.kind == "b" else pa.binary(dtype.itemsize)


def _to_numpy(array: pa.Array, type_text: str, row_shape: list[int]) -> npt.NDArray[Any]:
    dtype, rows, size = np.dtype(type_text), len(array), int(np.prod(row_shape))
    if dtype.kind not in _KINDS:
        raise CorruptFileError(f"expected a column of numbers, text or bytes; found numpy type {dtype}")
    if not size * dtype.itemsize:
        return np.zeros((rows, *row_shape), dtype)
    values = array if not row_shape else array.flatten()
    start = values.offset * dtype.itemsize
    return np.frombuffer(values.buffers()[1], dtype, rows * size, start).reshape(rows, *row_shape)


def _types_in(kind: pa.DataType) -> Iterator[pa.DataType]:
    """Yields a type and all types in it."""
    yield kind
    if isinstance(kind, pa.BaseExtensionType):
        yield from _types_in(kind.storage_type)
    elif pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        yield from _types_in(kind.value_type)
    elif pa.types.is_nested(kind):
        for at in range(kind.num_fields):
            yield from _types_in(kind.field(at).type)


def _has_float_dictionary(kind: pa.DataType) -> bool:
    """Whether a dictionary holds floats.

    A stream has a dictionary again only if it is not equal to the last, and 0.0 equals -0.0, and any NaN each other.
    """
    dictionaries = filter(pa.types.is_dictionary, _types_in(kind))
    return any(pa.types.is_floating(inner) for dictionary in dictionaries for inner in _types_in(dictionary.value_type))
