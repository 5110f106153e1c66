"""Tables of any length -> batches of a fixed number of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from assay.errors import ColumnTypeError
from assay.extracts.columns import plain
from assay.types import FEATURES_KEY, INPUT_KEY, SOURCE_KEY, TEXTS_KEY, Extracts

Numbers = npt.NDArray[np.int64]

_ROW = "\0row"


class Rows(NamedTuple):
    """A batch as a format's reader yields it."""

    columns: dict[str, pa.Array]
    """Column name -> Arrow array of n rows."""
    rows: Numbers
    """(n,) row numbers within the file, from 0."""
    records: pa.Array | None = None
    """The n serialised records, if they were asked for."""
    texts: Mapping[str, pa.Array] = {}
    """Column name -> its n texts in the file, where they may say more than its values; see `TEXTS_KEY`."""


def numbered(table: pa.Table, rows: Numbers) -> pa.Table:
    """Adds the row numbers (n,) to a table of n rows, so that `recut` keeps them with their rows."""
    return table.append_column(_ROW, pa.array(rows))


def recut(tables: Iterable[pa.Table], batch_rows: int, file: str) -> Iterator[Rows]:
    """Yields batches of exactly `batch_rows` rows, but for the last, from tables of a file that are `numbered`.

    Raises:
        ColumnTypeError: the type of a column changes to one that cannot be joined with the earlier type.
    """
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        if sum(part.num_rows for part in held) < batch_rows:
            continue

        # Give away all full batches, and hold the rows that are left.
        joined = _join(held, file)
        whole = joined.num_rows - joined.num_rows % batch_rows
        for start in range(0, whole, batch_rows):
            yield _as_rows(joined.slice(start, batch_rows))
        held = [joined.slice(whole)]

    rest = _join(held, file) if held else None
    if rest is not None and rest.num_rows:
        yield _as_rows(rest)


def _join(tables: list[pa.Table], file: str) -> pa.Table:
    try:
        return _concatenated(tables)
    except pa.ArrowException as error:
        name = next(name for name in tables[0].column_names if not _goes_together([t.select([name]) for t in tables]))
        raise ColumnTypeError(
            f"{file}: column {name!r} changes its type within the file: {error}; give its type in inputs.options.types"
        ) from error


def _concatenated(tables: list[pa.Table]) -> pa.Table:
    return tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="permissive")


def _goes_together(tables: list[pa.Table]) -> bool:
    try:
        _concatenated(tables)
    except pa.ArrowException:
        return False
    return True


def _as_rows(table: pa.Table) -> Rows:
    columns = {name: plain(one_chunk(table.column(at))) for at, name in enumerate(table.column_names)}
    return Rows(columns, columns.pop(_ROW).to_numpy())


def one_chunk(column: pa.ChunkedArray) -> pa.Array:
    """Returns the column as one array, without a copy if it is one already."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def encoded(columns: Mapping[str, pa.Array], dictionary: tuple[str, ...]) -> dict[str, pa.Array]:
    """Dictionary-encodes those text columns that are named in `dictionary`."""
    return {
        name: column.dictionary_encode() if name in dictionary and pa.types.is_string(column.type) else column
        for name, column in columns.items()
    }


def extracts_of(batch: Rows, *, split: int, file: str, file_id: int) -> Extracts:
    """Returns Extracts with `features`, `_source`, `input` if there are records, and `_texts` if there are texts."""
    n = len(batch.rows)
    source: dict[str, Any] = {
        "split": np.full(n, split, np.int32),
        "file": pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array([file]), safe=False),
        "file_id": np.full(n, file_id, np.uint32),
        "row": batch.rows,
    }
    extracts: Extracts = {FEATURES_KEY: batch.columns, SOURCE_KEY: source}
    if batch.texts:
        extracts[TEXTS_KEY] = dict(batch.texts)
    return extracts if batch.records is None else {**extracts, INPUT_KEY: batch.records}
