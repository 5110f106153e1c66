"""One example at a time: batches are taken apart for a transform, and its output is put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from assay.extracts.columns import Column, leaves, row_count
from assay.slicing.codes import codes_of, column_of_keys
from assay.types import (
    ROW_TYPES_KEY,
    SLICE_KEY_TYPES_KEY,
    SOURCE_KEY,
    UNBATCH_EXTRACTOR_STAGE_NAME,
    Extractor,
    Extracts,
)

Row = dict[str, Any]

_BATCH_ROWS = 16_384


def UnbatchExtractor() -> Extractor:
    """Extractor after which each element is one example: a dict whose leaves are plain Python values or small arrays.

    For your own stages that take one example at a time until the end; assay's evaluators take batches.
    """
    return Extractor(UNBATCH_EXTRACTOR_STAGE_NAME, beam.FlatMap(rows_of).with_output_types(Row))


def per_row(transform: beam.PTransform | Callable[[Row], Any]) -> beam.PTransform:
    """Wraps a transform of single examples, or a function of one example, so that it can be used on batches.

    Each example is a dict like the Extracts, with a value in place of each column. If the transform returns a
    PCollection of examples (as an extractor does), they are put together into batches again; if it returns a dict of
    PCollections (as an evaluator does), that is the result.
    """
    return _PerRow(transform if isinstance(transform, beam.PTransform) else beam.Map(transform))


class _PerRow(beam.PTransform):
    """PCollection[Extracts] -> PCollection[Extracts], or an Evaluation."""

    def __init__(self, transform: beam.PTransform) -> None:
        super().__init__()
        self._transform = transform

    def expand(self, extracts: beam.PCollection[Extracts]) -> Any:
        rows = extracts | "Unbatch" >> beam.FlatMap(rows_of).with_output_types(Row)
        result = rows | "EachRow" >> self._transform
        if isinstance(result, Mapping):
            return result
        return result | "Batch" >> batches_of()


def batches_of() -> beam.PTransform:
    """Transform that puts examples together: PCollection[Row] -> PCollection[Extracts]."""
    return beam.ParDo(_Batch()).with_output_types(Extracts)


def rows_of(extracts: Extracts) -> Iterator[Row]:
    """Yields the examples of a batch."""
    columns = {path: _values(path, column) for path, column in leaves(extracts)}
    types = {path: c.type if isinstance(c, pa.Array) else c.dtype for path, c in leaves(extracts)}
    for i in range(row_count(extracts)):
        row = _nest({path: values[i] for path, values in columns.items()})
        row[ROW_TYPES_KEY] = types
        yield row


def _values(path: tuple[str, ...], column: Column) -> Any:
    if path[0] == SLICE_KEY_TYPES_KEY:
        return _slice_keys(column)
    if isinstance(column, pa.Array):
        return column.to_pylist()
    return column.tolist() if column.ndim == 1 else column


def _slice_keys(column: pa.Array) -> list[list[Any]]:
    """The slice keys of each row."""
    codes = codes_of(column)
    keys_of: list[list[Any]] = [[] for _ in range(len(column))]
    rows = range(len(column)) if codes.rows is None else codes.rows.tolist()
    entries = [0] * len(column) if codes.codes is None else codes.codes.tolist()
    for row, code in zip(rows, entries, strict=True):
        if code >= 0:
            keys_of[row].append(codes.keys[code])
    return keys_of


def _nest(flat: Mapping[tuple[str, ...], Any]) -> Row:
    nested: Row = {}
    for (*parents, last), value in flat.items():
        at = nested
        for parent in parents:
            at = at.setdefault(parent, {})
        at[last] = value
    return nested


def batch_of(rows: list[Row]) -> Extracts:
    """Puts examples together. A column keeps the type that it had before, if the values still fit it."""
    types = rows[0].get(ROW_TYPES_KEY, {})
    first = {key: value for key, value in rows[0].items() if key != ROW_TYPES_KEY}
    paths = [path for path, _ in leaves(first)]
    return _nest({path: _column([_at(row, path) for row in rows], types.get(path), path) for path in paths})


def _at(row: Row, path: tuple[str, ...]) -> Any:
    value: Any = row
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _column(values: list[Any], kind: Any, path: tuple[str, ...]) -> Column:
    if path[0] == SLICE_KEY_TYPES_KEY:
        return column_of_keys(values)
    if isinstance(values[0], np.ndarray):
        return np.stack(values)
    if None not in values and isinstance(values[0], float | int) and not isinstance(kind, pa.DataType):
        array = np.asarray(values)
        return array.astype(kind) if kind is not None and np.can_cast(array.dtype, kind, "same_kind") else array
    try:
        return pa.array(values, kind if isinstance(kind, pa.DataType) else None)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array(values)


class _Batch(beam.DoFn):
    """Examples -> batches of up to 16,384 rows of one split."""

    def start_bundle(self) -> None:
        self._rows: list[Row] = []
        self._split: int | None = None

    def process(self, row: Row) -> Iterator[Extracts]:
        split = row.get(SOURCE_KEY, {}).get("split")
        if self._rows and (split != self._split or len(self._rows) == _BATCH_ROWS):
            yield batch_of(self._rows)
            self._rows = []
        self._split = split
        self._rows.append(row)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        if self._rows:
            window = GlobalWindow()
            yield WindowedValue(batch_of(self._rows), window.max_timestamp(), [window])
        self._rows = []
