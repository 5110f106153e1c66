"""The second source of a join in memory, once for each process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

import numpy as np
import pyarrow as pa

from assay.errors import BadRowError, ColumnTypeError
from assay.readers.bad_rows import Refuse, refusal
from assay.readers.batches import Numbers, Rows, one_chunk
from assay.readers.join_index import Index, index_of
from assay.readers.join_keys import check_same_kind, comparable
from assay.readers.lost_texts import first_lost
from assay.readers.source import Source, Split, format_of

_TEXT = "\0text"
"""Prefix of the names of columns of texts, while they are in one table with the columns that were read from them."""

_tables: WeakValueDictionary[str, Table] = WeakValueDictionary()
_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of the second source, with an index by key.

    Attributes:
        columns: the columns that are not keys.
        types: types of the key columns; empty if there are no rows.
        index: index by key; None if there are no rows.
        rows: number of rows.
        unreadable: number of rows that were left out because they could not be read.
        texts: the texts that some of the columns have in the file; see `TEXTS_KEY`.
    """

    columns: Mapping[str, pa.Array]
    types: Mapping[str, pa.DataType]
    index: Index | None
    rows: int
    unreadable: int
    texts: Mapping[str, pa.Array] = field(default_factory=dict)

    def find(self, columns: Mapping[str, pa.Array], on: Sequence[str], file: str) -> Numbers:
        """Returns the partner (n,) of each of n rows of the main source, -1 where there is none.

        Raises:
            ColumnTypeError: the key columns of `file` cannot be compared with those of the second source.
        """
        keys = []
        for name in on:
            where = f"{file}: column {name!r}"
            if name in self.types:
                check_same_kind(columns[name].type, where, self.types[name], f"inputs.join.files: column {name!r}")
            keys.append(comparable(columns[name], where))

        if self.index is None:
            return np.full(len(keys[0]), -1, np.int64)
        return self.index.find(keys)

    def take(self, rows: Numbers) -> tuple[dict[str, pa.Array], dict[str, pa.Array]]:
        """Returns these rows of each column, and of the texts."""
        indices = pa.array(rows)
        columns = {name: column.take(indices) for name, column in self.columns.items()}
        return columns, {name: texts.take(indices) for name, texts in self.texts.items()}


def shared(token: str, make: Callable[[], Table]) -> Table:
    """Returns the table of a token, made if there is none; it is kept as long as somebody refers to it."""
    with _lock:
        table = _tables.get(token)
        if table is None:
            table = _tables[token] = make()
        return table


def read_table(source: Source, splits: Sequence[Split], types: Mapping[str, pa.DataType], on: Sequence[str]) -> Table:
    """Reads all files into one table.

    Args:
        source: the second source.
        splits: its splits.
        types: column -> type of the columns to read, keys included; empty if the source has no rows.
        on: names of the key columns.

    Raises:
        BadRowError: two rows have the same key, or a row cannot be read.
        ColumnTypeError: files differ in the type of a column, the type of a key column cannot be that of a key, or the
            text of a key in its file says more than its number.
    """
    parts: list[pa.Table] = []
    ends: dict[str, int] = {}  # file -> the row of the table behind its last one
    unreadable: list[int] = []
    for file in (file for split in splits for file in split.files):
        refuse = refusal(file, "fail") if source.on_bad_rows == "fail" else _noting(unreadable)
        read = []
        for rows in format_of(source).read(file, source, types, refuse):
            check_keys(rows.columns, rows.texts, on, file, rows.rows)
            read.append(_with_texts(rows))
        ends[file] = max(ends.values(), default=0) + sum(part.num_rows for part in read)
        parts += read
    if not parts:
        return Table({}, {}, None, 0, len(unreadable))

    columns = _one_table(parts)
    index = index_of([comparable(columns[name], f"inputs.join.files: column {name!r}") for name in on])
    if len(index.repeated):
        raise _repeated(index.repeated, columns, on, ends)

    # Of a joined row the keys are those of the main source, and so are their texts.
    texts = {name.removeprefix(_TEXT): columns.pop(name) for name in list(columns) if name.startswith(_TEXT)}
    keys = {name: columns.pop(name) for name in on}
    texts = {name: column for name, column in texts.items() if name in columns}
    types = {name: key.type for name, key in keys.items()}
    return Table(columns, types, index, len(keys[on[0]]), len(unreadable), texts)


def check_keys(
    columns: Mapping[str, pa.Array], texts: Mapping[str, pa.Array], on: Sequence[str], file: str, rows: Numbers
) -> None:
    """Raises ColumnTypeError if the text of a key in the file says more than the number that would be compared.

    Args:
        columns: n rows.
        texts: the texts that some of the columns have in the file; see `TEXTS_KEY`.
        on: names of the key columns.
        file: the file of the rows.
        rows: (n,) their numbers in it.
    """
    lost = first_lost(columns, texts, on)
    if lost is not None:
        raise ColumnTypeError(lost.told(f"{file}, row {rows[lost.row]}", "inputs.join.on"))


def _with_texts(rows: Rows) -> pa.Table:
    """The columns of a batch, followed by its texts."""
    return pa.table({**rows.columns, **{_TEXT + name: texts for name, texts in rows.texts.items()}})


def _noting(rows: list[int]) -> Refuse:
    """Collects unreadable rows; Beam's counters would count them once for each worker that reads the file."""
    return lambda row, why: rows.append(row)


def _one_table(parts: Sequence[pa.Table]) -> dict[str, pa.Array]:
    try:
        whole = pa.concat_tables(parts, promote_options="permissive")
        return {name: one_chunk(whole.column(name)) for name in whole.column_names}
    except pa.ArrowException as error:
        raise ColumnTypeError(f"inputs.join.files do not go together in one table: {error}") from error


def _repeated(pairs: Numbers, columns: Mapping[str, pa.Array], on: Sequence[str], ends: Mapping[str, int]) -> Exception:
    first, second = (_file_of(int(row), ends) for row in pairs[0])
    key = ", ".join(f"{name}={columns[name][int(pairs[0, 1])].as_py()!r}" for name in on)
    more = f" (and {len(pairs) - 1:,} more repeated)" if len(pairs) > 1 else ""
    before = "already in this file" if first == second else f"already in {first}"
    return BadRowError(
        f"{second}: the key {key} is {before}{more}; expected every key once in inputs.join.files, so that no row "
        "has two partners"
    )


def _file_of(row: int, ends: Mapping[str, int]) -> str:
    return next(file for file, end in ends.items() if row < end)
