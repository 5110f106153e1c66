"""Slices by SQL: a query runs in DuckDB, once for each combination of values that the rows of a batch have."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from threading import local
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from assay.errors import ColumnTypeError, EvalConfigError
from assay.extracts.columns import Column, is_list, plain
from assay.extras import require
from assay.slicing.coded import Ints, compact, encode
from assay.slicing.sql_text import Query, list_name, quoted
from assay.text.printable import printable_line

if TYPE_CHECKING:
    import duckdb

_MOST_COMBINATIONS = 1 << 20
"""More possible combinations of values are not looked for; then the query sees every row."""

_ROW = "__row"

_CONNECTIONS = local()
"""The connection of each thread, with the process that made it."""


class Entries(NamedTuple):
    """Which slices rows are in: `rows`, `codes` as in `Codes`, and the keys that the codes are of."""

    rows: Ints | None
    codes: Ints
    keys: pa.StructArray


def entries_by(query: Query, features: Mapping[str, Column], rows: int) -> Entries:
    """Runs a query on the rows of a batch.

    Args:
        query: of a slicing spec.
        features: columns of n rows; those that are not there have no values.
        rows: n.

    Raises:
        EvalConfigError: DuckDB does not take the query, for columns of these types.
        ColumnTypeError: a field of the query has values that cannot name a slice.
    """
    columns = [_array(features.get(name), name, rows) for name in query.columns]
    which, chosen = _combinations(columns, rows)
    if which is None or chosen is None:
        return _as_entries(*_coded(query, _run(query, columns, rows)), rows)
    found = _run(query, [column.take(pa.array(chosen)) for column in columns], len(chosen))
    return _of_rows(*_coded(query, found), which, len(chosen))


def _array(column: Column | None, name: str, rows: int) -> pa.Array:
    """A column as DuckDB takes it."""
    if column is None:
        return pa.nulls(rows, pa.string())
    if isinstance(column, np.ndarray):
        flat = pa.array(column.reshape(-1))
        offsets = np.arange(rows + 1, dtype=np.int32) * int(np.prod(column.shape[1:]))
        column = flat if column.ndim == 1 else pa.ListArray.from_arrays(pa.array(offsets), flat)
    array = plain(column)
    if pa.types.is_dictionary(array.type):
        return array
    try:
        if is_list(array.type):
            return array.cast(pa.list_(_known(array.type.value_type)))
        return array.cast(_known(array.type))
    except pa.ArrowInvalid as error:
        raise ColumnTypeError(f"column {name!r} has type {array.type} and cannot be used in SQL: {error}") from error


def _known(kind: pa.DataType) -> pa.DataType:
    """The type by which DuckDB knows values: bytes are text."""
    if pa.types.is_float16(kind):
        return pa.float32()
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_null(kind):
        return pa.string()
    return kind


def _combinations(columns: Sequence[pa.Array], rows: int) -> tuple[Ints | None, Ints | None]:
    """For each row the number of its combination of values, and a row that has each; None where there are many."""
    codes, size = np.zeros(rows, np.int64), 1
    for column in columns:
        if is_list(column.type):
            return None, None
        encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        own = len(encoded.dictionary) + 1  # the last is a missing value
        size *= own
        if size > min(_MOST_COMBINATIONS, rows):
            return None, None
        indices = encoded.indices.fill_null(own - 1) if encoded.indices.null_count else encoded.indices
        codes = codes * own + indices.to_numpy()
    which, present = compact(codes, size)
    chosen = np.zeros(len(present), np.int64)
    chosen[which] = np.arange(rows)
    return which, chosen


def _run(query: Query, columns: Sequence[pa.Array], rows: int) -> pa.Table:
    decoded = [c.dictionary_decode() if pa.types.is_dictionary(c.type) else c for c in columns]
    table = {_ROW: pa.array(np.arange(rows)), **{f"__{i}": column for i, column in enumerate(decoded)}}
    connection, engine = _connection()
    text = _text(query, [is_list(column.type) for column in decoded])
    try:
        connection.register("rows", pa.table(table))
        return connection.sql(text).to_arrow_table()
    except engine.Error as error:
        raise EvalConfigError(
            f"slice_keys_sql: DuckDB does not take it: {printable_line(str(error).splitlines()[0])}; its columns have "
            f"the types {', '.join(f'{name} {c.type}' for name, c in zip(query.columns, decoded, strict=True))}"
        ) from error


def _connection() -> tuple[duckdb.DuckDBPyConnection, Any]:
    """One that reaches no files and no network, of this thread and process."""
    require("duckdb")
    import duckdb

    if getattr(_CONNECTIONS, "process", None) != os.getpid():
        settings: dict[str, Any] = {
            "threads": 1,
            "enable_external_access": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
            "lock_configuration": True,
        }
        _CONNECTIONS.process, _CONNECTIONS.connection = os.getpid(), duckdb.connect(":memory:", config=settings)
    return _CONNECTIONS.connection, duckdb


def _text(query: Query, are_lists: Sequence[bool]) -> str:
    """The query for a table `rows` with the columns `__0`, `__1`, ... of the features that it reads."""
    at = {name: i for i, name in enumerate(query.columns)}
    columns, conditions, unnested = [_ROW], [], []
    for feature in query.lists:
        own = f"__{at[feature]}"
        as_list = own if are_lists[at[feature]] else f"CASE WHEN {own} IS NULL THEN [] ELSE [{own}] END"
        columns.append(f"coalesce({as_list}, []) AS {quoted(list_name(feature))}")
    for name, feature in query.sources:
        own = f"__{at[feature]}"
        if are_lists[at[feature]]:
            columns.append(f"{own} AS {quoted('__of ' + name)}")
            unnested.append(name)
        else:
            columns.append(f"{own} AS {quoted(name)}")
            conditions.append(f"{own} IS NOT NULL")

    inner = f"SELECT {', '.join(columns)} FROM rows" + (f" WHERE {' AND '.join(conditions)}" if conditions else "")
    for name in unnested:
        inner = f"SELECT *, unnest({quoted('__of ' + name)}) AS {quoted(name)} FROM ({inner})"
    fields = "".join(f", ({expression}) AS {quoted('__for ' + name)}" for name, expression in query.fields)
    return f"SELECT {_ROW}{fields} FROM ({inner})" + (f" WHERE ({query.condition})" if query.condition else "")


def _coded(query: Query, found: pa.Table) -> tuple[Ints, Ints, pa.StructArray]:
    """Of each line of a result with values: the row, the code of its slice; and the slices that occur."""
    names = [name for name, _ in query.fields]
    columns = [found.column(i + 1).combine_chunks() for i in range(len(names))]
    coded = [encode(plain(column), name) for column, name in zip(columns, names, strict=True)]
    codes, size = np.zeros(len(found), np.int64), 1
    for own, values in coded:
        codes = np.where((codes < 0) | (own < 0), -1, codes * len(values) + own)
        size *= len(values)
    codes, present = compact(codes, size)

    sizes = [len(values) for _, values in coded]
    parts = np.unravel_index(present, sizes) if len(present) else [np.zeros(0, np.int64)] * len(sizes)
    taken = [values.take(pa.array(part)) for (_, values), part in zip(coded, parts, strict=True)]
    known = codes >= 0
    owners = found.column(0).to_numpy()[known]
    pairs = np.unique(owners * max(len(present), 1) + codes[known])  # a row counts once for each slice
    owners, codes = np.divmod(pairs, max(len(present), 1))
    return owners, codes, pa.StructArray.from_arrays(taken, names)


def _as_entries(owners: Ints, codes: Ints, keys: pa.StructArray, rows: int) -> Entries:
    """One code a row, where no row is in several slices."""
    if len(owners) > 1 and not np.diff(owners).all():
        return Entries(owners, codes, keys)
    of_rows = np.full(rows, -1)
    of_rows[owners] = codes
    return Entries(None, of_rows, keys)


def _of_rows(owners: Ints, codes: Ints, keys: pa.StructArray, which: Ints, combinations: int) -> Entries:
    """From the slices of combinations to those of the rows that have them."""
    of_combinations = _as_entries(owners, codes, keys, combinations)
    if of_combinations.rows is None:
        return Entries(None, of_combinations.codes[which], keys)
    counts = np.bincount(owners, minlength=combinations)
    first = np.cumsum(counts) - counts
    of_row = counts[which]
    rows = np.repeat(np.arange(len(which)), of_row)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(of_row) - of_row, of_row)
    return Entries(rows, codes[np.repeat(first[which], of_row) + place], keys)
