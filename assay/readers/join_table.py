"""The second source of a join in memory, once for each process.

Files may store a column in different types. No type is turned into another, as that would change values: rows of the
same types are a part of the table, and a batch that has partners in several parts becomes a batch for each. So what
slices, labels and features are is settled as it is for files of the main source.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from weakref import WeakValueDictionary

import numpy as np
import pyarrow as pa

from assay.engine import progress
from assay.errors import BadRowError, ColumnTypeError
from assay.extracts.keys import check_same_kind, comparable, together
from assay.readers.bad_rows import refusal
from assay.readers.batches import Numbers, Rows, one_chunk
from assay.readers.join_index import Index, index_of
from assay.readers.lost_texts import first_lost
from assay.readers.source import Source, Split, format_of

_tables: WeakValueDictionary[str, Table] = WeakValueDictionary()
_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of the table that follow each other, and whose files have the same types.

    Attributes:
        first: number of the first row in the table.
        rows: number of rows.
        columns: the columns that are not keys.
        texts: the texts that some of the columns have in the file; see `TEXTS_KEY`.
    """

    first: int
    rows: int
    columns: Mapping[str, pa.Array]
    texts: Mapping[str, pa.Array]

    def take(self, rows: Numbers) -> tuple[dict[str, pa.Array], dict[str, pa.Array]]:
        """Returns these rows of the table, which are in this part, of each column, and of the texts."""
        indices = pa.array(rows - self.first)
        columns = {name: column.take(indices) for name, column in self.columns.items()}
        return columns, {name: texts.take(indices) for name, texts in self.texts.items()}


class KeyType(NamedTuple):
    """The type of a key column, and the file that has it."""

    kind: pa.DataType
    file: str


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of the second source, with an index by key.

    Attributes:
        parts: the rows, by their types.
        types: types of the key columns; empty if there are no rows.
        index: index by key; None if there are no rows.
        rows: number of rows.
        unreadable: number of rows that were left out because they could not be read.
    """

    parts: Sequence[Part]
    types: Mapping[str, KeyType]
    index: Index | None
    rows: int
    unreadable: int

    def find(self, columns: Mapping[str, pa.Array], on: Sequence[str], file: str) -> Numbers:
        """Returns the partner (n,) of each of n rows of the main source, -1 where there is none.

        Raises:
            ColumnTypeError: the key columns of `file` cannot be compared with those of the second source.
        """
        keys = []
        for name in on:
            where = f"{file}: column {name!r}"
            if name in self.types:
                kind, second_file = self.types[name]
                check_same_kind(columns[name].type, where, kind, f"{second_file}: column {name!r}")
            keys.append(comparable(columns[name], where))

        if self.index is None:
            return np.full(len(keys[0]), -1, np.int64)
        return self.index.find(keys)


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
        ColumnTypeError: files differ in the kind of a key, the type of a key column cannot be that of a key, or the
            text of a key in its file says more than its number.
    """
    batches: list[_Batch] = []
    unreadable: Counter[str] = Counter()
    for file in (file for split in splits for file in split.files):
        refuse = refusal(file, source.on_bad_rows, unreadable)
        for rows in format_of(source).read(file, source, types, refuse):
            check_keys(rows.columns, rows.texts, on, file, rows.rows)
            batches.append(_batch(rows, on, file))
        progress.reached(file, 1.0)
    if not batches:
        return Table((), {}, None, 0, unreadable.total())

    key_types = _key_types(batches, on)
    groups = _by_types(batches)
    batches = [batch for group in groups for batch in group]
    index = index_of([together([batch.compared[name] for batch in batches]) for name in on])
    if len(index.repeated):
        raise _repeated(index.repeated, batches)
    return Table(_parts(groups), key_types, index, sum(batch.rows for batch in batches), unreadable.total())


class _Batch(NamedTuple):
    """Rows of one file."""

    file: str
    rows: int
    columns: dict[str, pa.Array]
    """Those that are not keys: of a joined row the keys are those of the main source, and so are their texts."""
    texts: dict[str, pa.Array]
    keys: dict[str, pa.Array]
    """The key columns as the file has them."""
    compared: dict[str, pa.Array]
    """The key columns as `comparable` gives them."""


def _batch(rows: Rows, on: Sequence[str], file: str) -> _Batch:
    keys = {name: rows.columns[name] for name in on}
    return _Batch(
        file=file,
        rows=len(rows.rows),
        columns={name: column for name, column in rows.columns.items() if name not in on},
        texts={name: texts for name, texts in rows.texts.items() if name not in on},
        keys=keys,
        compared={name: comparable(key, f"{file}: column {name!r}") for name, key in keys.items()},
    )


def _key_types(batches: Iterable[_Batch], on: Sequence[str]) -> dict[str, KeyType]:
    """The types of the key columns in the first file that tells them; the other files must have the same kind."""
    types: dict[str, KeyType] = {}
    for batch in batches:
        for name in on:
            kind = batch.keys[name].type
            known, file = types.get(name, (pa.null(), batch.file))
            check_same_kind(kind, f"{batch.file}: column {name!r}", known, f"{file}: column {name!r}")
            if pa.types.is_null(known):
                types[name] = KeyType(kind, batch.file)
    return types


def _by_types(batches: Iterable[_Batch]) -> list[list[_Batch]]:
    """The batches in groups whose columns have the same types. A column without any value goes with every type."""
    batches = list(batches)
    known: dict[str, pa.DataType] = {}
    for batch in batches:
        for name, column in batch.columns.items():
            if not pa.types.is_null(column.type):
                known.setdefault(name, column.type)

    groups: dict[tuple[pa.DataType, ...], list[_Batch]] = {}
    for batch in batches:
        columns = {
            name: column.cast(known[name]) if pa.types.is_null(column.type) and name in known else column
            for name, column in batch.columns.items()
        }
        types = tuple(column.type for column in columns.values())
        groups.setdefault(types, []).append(batch._replace(columns=columns))
    return list(groups.values())


def _parts(groups: Iterable[Sequence[_Batch]]) -> list[Part]:
    parts: list[Part] = []
    first = 0
    for group in groups:
        rows = sum(batch.rows for batch in group)
        columns = {name: _joined([batch.columns[name] for batch in group]) for name in group[0].columns}
        with_texts = dict.fromkeys(name for batch in group for name in batch.texts)
        parts.append(Part(first, rows, columns, {name: _texts(name, group) for name in with_texts}))
        first += rows
    return parts


def _texts(name: str, batches: Sequence[_Batch]) -> pa.Array:
    """The texts of a column, which some batches may lack, or have as an array of type null."""
    texts = [batch.texts.get(name, pa.nulls(batch.rows)) for batch in batches]
    is_empty = all(pa.types.is_null(part.type) for part in texts)
    return _joined(texts if is_empty else [part.cast(pa.string()) for part in texts])


def _joined(arrays: Sequence[pa.Array]) -> pa.Array:
    return one_chunk(pa.chunked_array(arrays))


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


def _repeated(pairs: Numbers, batches: Sequence[_Batch]) -> Exception:
    ends = np.cumsum([batch.rows for batch in batches])
    first, second = np.searchsorted(ends, pairs[0], side="right")
    own, earlier = batches[second], batches[first].file
    row = int(pairs[0, 1] - (ends[second] - own.rows))

    key = ", ".join(f"{name}={column[row].as_py()!r}" for name, column in own.keys.items())
    more = f" (and {len(pairs) - 1:,} more repeated)" if len(pairs) > 1 else ""
    before = "already in this file" if earlier == own.file else f"already in {earlier}"
    return BadRowError(
        f"{own.file}: the key {key} is {before}{more}; expected every key once in inputs.join.files, so that no row "
        "has two matches"
    )
