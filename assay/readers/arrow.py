"""Rows that are in memory already: Arrow table, pandas frame or list of dicts -> batches of Extracts."""

from __future__ import annotations

import uuid
import weakref
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from typing import TYPE_CHECKING, Any

import apache_beam as beam
import numpy as np
import pyarrow as pa

from assay.engine.counting import Counting
from assay.engine.workers.runner import SPREAD, LocalRunner
from assay.errors import ColumnTypeError, InputError
from assay.extracts.columns import plain, row_count
from assay.readers.batches import Rows, encoded, extracts_of
from assay.readers.read_inputs import CountRows, Spread
from assay.types import SOURCE_KEY, Extracts

if TYPE_CHECKING:
    import pandas as pd

MEMORY = "<memory>"
"""Stands for the file name in `_source`."""

BATCH_ROWS = 65_536

PART_ROWS = 32 * BATCH_ROWS
"""Rows of a part of a table, which is a split as those of files are."""

_ROWS_PER_SECOND = 4e6
"""Rows that one core evaluates in a second, about."""

_held: weakref.WeakValueDictionary[str, _Held] = weakref.WeakValueDictionary()
"""Parts of tables that processes forked from this one find here."""

_NO_COLUMN = (pa.ArrowException, ValueError, TypeError, OverflowError)
"""What Arrow raises about values that make no column."""


def from_data(data: Any, *, needed: Iterable[str] | None = None) -> list[Extracts]:
    """Returns batches of an Arrow table, a frame of pandas, polars or another library of Arrow, or a list of dicts.

    Args:
        data: the rows.
        needed: as for `from_arrow`.

    Raises:
        InputError: other data.
        ColumnTypeError: a column holds values of types that do not go together, or two have the same name.
    """
    table = _as_table(data)
    if table is not None:
        return from_arrow(table, needed=needed)
    if hasattr(data, "iloc") and hasattr(data, "columns"):
        return from_pandas(data, needed=needed)
    if isinstance(data, Sequence) and all(isinstance(row, Mapping) for row in data):
        return from_rows(data, needed=needed)
    raise InputError(
        f"data: expected an Arrow table, a frame of pandas or polars, or a list of dicts, found {type(data).__name__}"
    )


def _as_table(data: Any) -> pa.Table | None:
    """Data of Arrow, or of a library that gives its frames as streams of Arrow; None for other data."""
    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if hasattr(data, "iloc") or not hasattr(data, "__arrow_c_stream__"):  # pandas has more types than Arrow
        return None
    with suppress(pa.ArrowInvalid):  # of a single column
        return pa.table(data)
    return None


def from_arrow(
    table: pa.Table,
    *,
    needed: Iterable[str] | None = None,
    dictionary: tuple[str, ...] = (),
    batch_rows: int = BATCH_ROWS,
) -> list[Extracts]:
    """Returns batches of `batch_rows` rows; an empty table gives one empty batch.

    Args:
        table: one column for each feature.
        needed: the columns to read, some of which may not exist; None for all. Other columns may have any type.
        dictionary: text columns to return as dictionary arrays.
        batch_rows: rows of each batch but the last.

    Raises:
        ColumnTypeError: two needed columns have the same name.
    """
    names = _wanted(table.column_names, needed)
    chosen = pa.table({name: table.column(name) for name in names}) if names else table.select([])
    starts = range(0, max(table.num_rows, 1), batch_rows)
    return [_batch(chosen.slice(start, batch_rows), start, dictionary) for start in starts]


def from_pandas(frame: pd.DataFrame, *, needed: Iterable[str] | None = None, **settings: Any) -> list[Extracts]:
    """Returns batches of a frame, whose cells may be arrays; NaN and None are missing. Settings as in `from_arrow`.

    Raises:
        ColumnTypeError: a column holds values of types that do not go together, or two have the same name.
    """
    labels = [str(label) for label in frame.columns]
    columns = {name: _array(name, frame.iloc[:, labels.index(name)]) for name in _wanted(labels, needed)}
    return from_arrow(_table(columns, len(frame)), **settings)


def from_rows(
    rows: Sequence[Mapping[str, Any]], *, needed: Iterable[str] | None = None, **settings: Any
) -> list[Extracts]:
    """Returns batches of dicts, each of which may lack keys or hold None. Settings as in `from_arrow`.

    Raises:
        ColumnTypeError: a key holds values of types that do not go together.
    """
    keys = list(dict.fromkeys(str(name) for row in rows for name in row))
    columns = {name: _array(name, [row.get(name) for row in rows]) for name in _wanted(keys, needed)}
    return from_arrow(_table(columns, len(rows)), **settings)


def _table(columns: Mapping[str, pa.Array], rows: int) -> pa.Table:
    """A table that has the right number of rows even if it has no column."""
    return pa.table(dict(columns)) if columns else pa.table({"": pa.nulls(rows)}).select([])


def _wanted(columns: Iterable[str], needed: Iterable[str] | None) -> list[str]:
    """The names of the columns to read, which must be different."""
    times = Counter(columns)
    names = [name for name in times if needed is None or name in set(needed)]
    twice = next((name for name in names if times[name] > 1), None)
    if twice is not None:
        raise ColumnTypeError(f"column {twice!r}: there are {times[twice]} of that name; expected one")
    return names


def names_in(data: Any) -> list[str]:
    """The names of the columns of an Arrow table, a pandas frame or a list of dicts, sorted."""
    names = getattr(data, "column_names", None) or getattr(data, "columns", None)
    if names is None:
        names = (key for row in data for key in row)
    return sorted({str(name) for name in names})


class ReadBatches(beam.PTransform):
    """Batches of Extracts in memory -> PCollection[Extracts], in order."""

    def __init__(self, batches: Sequence[Extracts]) -> None:
        super().__init__()
        self._batches = batches

    def expand(self, pbegin: beam.Pipeline) -> beam.PCollection[Extracts]:
        """Applies the transform."""
        parts = [[*batches] for _, batches in groupby(self._batches, key=_split_of)]
        self._part_holder = _Held(parts)  # lives as long as the pipeline
        token = uuid.uuid4().hex
        _held[token] = self._part_holder
        seconds = sum(map(row_count, self._batches)) / _ROWS_PER_SECOND
        runner = pbegin.pipeline.runner
        if isinstance(runner, LocalRunner) and runner.shares(len(parts), seconds, by_fork=True):
            batches = (
                pbegin
                | "Parts" >> beam.Create(range(len(parts)), reshuffle=False)
                | SPREAD >> Spread(len(parts), seconds)
                | "Take" >> beam.FlatMap(_taken, token).with_output_types(dict)
            )
        else:
            batches = pbegin | "Create" >> beam.Create(self._batches, reshuffle=False)
        return batches | "Count" >> Counting(beam.ParDo(CountRows()).with_output_types(dict))


class _Held:
    """Batches of each part."""

    def __init__(self, parts: Sequence[Sequence[Extracts]]) -> None:
        self.parts = parts


def _split_of(extracts: Extracts) -> int:
    split = extracts[SOURCE_KEY]["split"]
    return int(split[0]) if len(split) else 0


def _taken(part: int, token: str) -> Iterator[Extracts]:
    """The batches of a part, in the process that holds them or in a fork of it."""
    yield from _held[token].parts[part]


def _array(name: str, values: Any) -> Any:
    """One column of Arrow from any sequence of values."""
    try:
        return pa.array(values, from_pandas=True)
    except _NO_COLUMN:
        pass  # perhaps cells of two or more dimensions, which Arrow takes as nested lists only

    plain_values = [value.tolist() if isinstance(value, np.ndarray | np.generic) else value for value in values]
    try:
        return pa.array(plain_values, from_pandas=True)
    except _NO_COLUMN as error:
        raise ColumnTypeError(f"column {name!r}: the values do not go together: {error}") from error


def _batch(table: pa.Table, first: int, dictionary: tuple[str, ...]) -> Extracts:
    columns = {name: plain(_compact(table.column(name))) for name in table.column_names}
    rows = np.arange(first, first + table.num_rows, dtype=np.int64)
    return extracts_of(
        Rows(encoded(columns, dictionary), rows),
        split=first // PART_ROWS,
        file=MEMORY,
        file_id=zlib.crc32(MEMORY.encode()),
    )


def _compact(column: pa.ChunkedArray) -> pa.Array:
    """A copy, since a slice would be pickled with all of its parent."""
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
