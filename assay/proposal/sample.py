"""A sample of files: some of their rows, bounded in rows and bytes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from assay.errors import InputError
from assay.extracts.columns import plain
from assay.readers import listing
from assay.readers.source import Format, Source, format_of
from assay.readers.told_format import told_format
from assay.sample.first_rows import first_rows, rows_in_words

MOST_ROWS = 20_000
"""Rows of a sample; the wider the data, the fewer."""
_FEWEST_ROWS = 500
_MOST_CELLS = 2_000_000
_MOST_BYTES = 64 << 20
_MOST_FILES = 8
_ROWS_AT_ONCE = 1_000

NO_NAME = "it has no name"
TWICE = "the name is there twice"
MIXED = "its values are of several types"
_NOT_IN_ALL = "it is not in every file"

_OTHER_DELIMITERS = re.compile(r"[;\t|]")


@dataclass(frozen=True)
class Inputs:
    """What to write under `inputs` of an analysis file.

    Attributes:
        format: of the files.
        files: names, globs or folders, as they were given.
        options: of the format.
    """

    format: str
    files: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """Some rows of the data.

    Attributes:
        columns: column -> Arrow array of n rows.
        rows: n.
        is_all: whether there are no other rows.
        described: which rows these are, in words.
        unread: column that cannot be used -> why.
        bad_rows: rows that could not be read, and were left out.
    """

    columns: Mapping[str, pa.Array]
    rows: int
    is_all: bool
    described: str
    unread: Mapping[str, str]
    bad_rows: int = 0


def sample_of_files(patterns: Sequence[str], form: str = "") -> tuple[Inputs, Sample]:
    """Reads some rows of files, evenly spread over up to eight of them.

    Args:
        patterns: names, globs or folders.
        form: their format; "" to tell it from the first bytes.

    Raises:
        MissingFileError: a name or glob matches nothing.
        CorruptFileError: a file that is no table.
        InputError: there are no rows.
    """
    found = _with_rows(patterns)
    source = replace(_source_of(patterns, found[0], form), on_bad_rows="skip")
    chosen = _spread(found, _MOST_FILES)
    schemas = {file: schema for file in chosen if (schema := format_of(source).schema(file, source))}
    of_files = len(found) - (len(chosen) - len(schemas))  # but for those that turned out to have no rows
    sample = _sample(source, schemas, of_files)
    return Inputs(source.format, tuple(patterns), source.options), sample


def source_of_files(patterns: Sequence[str], form: str = "") -> Source:
    """Files as a source, without columns.

    Args:
        patterns: names, globs or folders.
        form: their format; "" to tell it from the first bytes.

    Raises:
        MissingFileError: a name or glob matches nothing.
        CorruptFileError: a file that is no table.
        InputError: there are no rows.
    """
    return _source_of(patterns, _with_rows(patterns)[0], form)


def _source_of(patterns: Sequence[str], first: str, form: str) -> Source:
    return _with_delimiter(Source(format=form or told_format(first), files=tuple(patterns), columns=()), first)


def _with_rows(patterns: Sequence[str]) -> list[str]:
    """The files that are not empty."""
    found = [file for file, size in listing.find(patterns, "DATA").items() if size]
    if not found:
        raise InputError(f"{', '.join(patterns)}: expected rows, found empty files only")
    return found


def _spread(files: Sequence[str], most: int) -> list[str]:
    """At most so many files, the first and the last among them."""
    if len(files) <= most:
        return list(files)
    return [files[round(i * (len(files) - 1) / (most - 1))] for i in range(most)]


def _with_delimiter(source: Source, file: str) -> Source:
    """The source with the delimiter of a CSV file whose header has no comma but another one."""
    if source.format != "csv":
        return source
    names = format_of(source).names(file, source)
    found = _OTHER_DELIMITERS.search(names[0]) if len(names) == 1 else None
    return source if found is None else replace(source, options={"delimiter": found[0]})


def _sample(source: Source, schemas: Mapping[str, Mapping[str, pa.DataType]], of_files: int) -> Sample:
    """The rows of the files whose columns these are; files without rows are not among them."""
    form = format_of(source)
    if not schemas:
        raise InputError(f"{', '.join(source.files)}: expected rows, found none")

    unread = _unusable(form, source, schemas)
    columns = list(next(iter(schemas.values())))
    readable = [name for name in columns if name not in unread]
    rows = bounded_rows(len(columns))
    bad_rows: list[int] = []
    read = [
        first_rows(
            file,
            source,
            {name: schema[name] for name in readable},
            lambda row, why: bad_rows.append(row),
            most_rows=-(-rows // len(schemas)),
            most_bytes=_MOST_BYTES // len(schemas),
            batch_rows=_ROWS_AT_ONCE,
        )
        for file, schema in schemas.items()
    ]
    joined = {name: _joined([batch.columns[name] for one in read for batch in one.batches]) for name in readable}
    unread |= {name: MIXED for name, column in joined.items() if column is None}
    total = sum(one.rows for one in read)
    is_all = len(schemas) == of_files and all(one.is_all for one in read)
    return Sample(
        {name: column for name, column in joined.items() if column is not None},
        total,
        is_all,
        described(total, is_all, len(schemas), of_files),
        unread,
        len(bad_rows),
    )


def bounded_rows(columns: int) -> int:
    """How many rows to look at where there are so many columns."""
    return min(MOST_ROWS, max(_FEWEST_ROWS, _MOST_CELLS // max(columns, 1)))


def described(rows: int, is_all: bool, files: int = 1, of_files: int = 1) -> str:
    """Which rows a sample has, in words."""
    counted = f"{rows:,} row{'s' * (rows != 1)}"
    if is_all:
        return f"all {counted}" if rows != 1 else "the only row"
    if of_files == 1:
        return rows_in_words(rows)
    return f"{counted}, the first of each of {files} of {of_files} files"


def _unusable(form: Format, source: Source, schemas: Mapping[str, Mapping[str, pa.DataType]]) -> dict[str, str]:
    """Columns of the files that cannot be read, and why."""
    unread: dict[str, str] = {}
    for file, schema in schemas.items():
        times = Counter(form.names(file, source))
        unread |= {name: _NOT_IN_ALL for other in schemas.values() for name in other if name not in schema}
        unread |= {name: TWICE for name, count in times.items() if count > 1}
        if source.format == "jsonl":  # its schema has no type for a key whose values do not go together
            unread |= {name: MIXED for name, kind in schema.items() if pa.types.is_null(kind)}
    return unread | {name: NO_NAME for name in unread if not name} | ({"": NO_NAME} if _has_no_name(schemas) else {})


def _has_no_name(schemas: Mapping[str, Mapping[str, pa.DataType]]) -> bool:
    return any("" in schema for schema in schemas.values())


def _joined(pieces: Sequence[pa.Array]) -> pa.Array | None:
    """One array of several; None if their types do not go together."""
    plain_pieces = [piece.dictionary_decode() if pa.types.is_dictionary(piece.type) else piece for piece in pieces]
    try:
        tables = [pa.table({"column": piece}) for piece in plain_pieces]
        joined = pa.concat_tables(tables, promote_options="permissive").column(0)
    except pa.ArrowException:
        return None
    return plain(pa.concat_arrays(joined.chunks)) if joined.num_chunks else pa.array([], joined.type)
