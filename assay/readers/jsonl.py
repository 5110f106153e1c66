"""JSON lines, plain or compressed: one object a line, a column for each key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial

import numpy as np
import pyarrow as pa
import pyarrow.json as arrow_json

from assay import bounds
from assay.errors import ColumnTypeError, CorruptFileError
from assay.readers import bad_rows, files, signatures
from assay.readers.bad_rows import Refuse
from assay.readers.batches import Numbers, Rows, encoded, numbered, recut
from assay.readers.edges import Piece, piece_of
from assay.readers.json_lines import LongLineError, chunks, lines_of, search
from assay.readers.json_numbers import exact_texts, is_better_whole, refuse_rounded
from assay.readers.json_objects import goes_deeper, has_null_row, has_one_a_line, keys_of, only
from assay.readers.source import Source, Split, check_types, declared_types, shown_and_guessed, to_read_fewer
from assay.text.near_miss import nearest

SAMPLE_ROWS = 1024

_TEXT = "\0text"
"""Prefix of the names of columns of texts, while they are in one table with the numbers that were read from them."""


def schema(file: str, source: Source) -> dict[str, pa.DataType]:
    """Returns the keys of the first 1,024 rows; types as declared, else as these rows suggest.

    Text that looks like a date stays text. A key that is not needed has type null if its values do not go together.

    Raises:
        CorruptFileError: not JSON lines, or a line is too long.
        ColumnTypeError: a needed key holds, say, text in one row and a number in another.
    """
    declared = declared_types(source)
    with files.naming(file, "JSON lines"), files.open_text(file, "JSON lines") as stream:
        try:
            lines = lines_of(next(chunks(stream), b""))[:SAMPLE_ROWS]
        except LongLineError as error:
            raise _long_line(file, 0) from error
    _refuse_other_json(file, lines)
    if declared and lines:
        check_types(file, source, _possible_keys(lines, source))
    try:
        inferred = _inferred(lines, declared)
        if inferred:
            return inferred
    except pa.ArrowInvalid as error:
        if source.columns is None:
            raise _mixed(file, source, error) from error

    # Some key has mixed values, or comes twice in each row. Look at each by itself, as only needed keys matter.
    return _inferred_each(lines, declared, source, file)


def _inferred_each(
    lines: Sequence[bytes], declared: Mapping[str, pa.DataType], source: Source, file: str
) -> dict[str, pa.DataType]:
    """The type of each key by itself, null for one that is not needed and whose values do not go together."""
    types: dict[str, pa.DataType] = {}
    for name in keys_of(lines):
        try:
            types |= _inferred([only(line, (name,)) for line in lines], declared) or {name: pa.null()}
        except pa.ArrowInvalid as error:
            if source.columns is None or name in source.columns:
                raise _mixed(file, source, error) from error
            types[name] = pa.null()
    return types


def _inferred(lines: Sequence[bytes], declared: Mapping[str, pa.DataType]) -> dict[str, pa.DataType]:
    kinds = _Kinds(pa.schema(declared), frozenset(declared), unknown="infer")
    table, _ = _parse_good(lines, kinds, lambda row, why: None)
    names = [name for name in table.schema.names if table.num_rows]
    return {name: table.schema.field(name).type for name in names}


def _mixed(file: str, source: Source, error: Exception) -> ColumnTypeError:
    return ColumnTypeError(
        f"{file}: {error}; make the values alike, or declare inputs.options.types{to_read_fewer(source)}"
    )


def _long_line(file: str, row: int) -> CorruptFileError:
    return CorruptFileError(f"{file}, row {row}: the line is longer than {bounds.ROW}; expected one object a line")


def _refuse_other_json(file: str, lines: Sequence[bytes]) -> None:
    """Refuses other forms of JSON, and tables of text, of which every line would be a bad row."""
    start = b"\n".join(lines[:8])[: signatures.HEAD_BYTES]
    if signatures.is_json_array(start):
        raise CorruptFileError(
            f"{file}: expected JSON lines, found a JSON array; write one object a line, as `jq -c '.[]'` does"
        )
    if signatures.is_spread_json(start):
        raise CorruptFileError(
            f"{file}: expected JSON lines, found an object over several; write one object a line, as `jq -c .` does"
        )
    if len(lines) > 1 and not any(line.lstrip().startswith(b"{") for line in lines):
        raise CorruptFileError(
            f"{file}: expected JSON lines, found no object in any of the first {len(lines)} lines; if it is CSV, set "
            "format: csv"
        )


def names(file: str, source: Source) -> list[str]:
    """Returns the names of the columns, each once."""
    return list(schema(file, source))


def read(file: str, source: Source, columns: Mapping[str, pa.DataType], refuse: Refuse) -> Iterator[Rows]:
    """Yields the batches of a file; a key that a row lacks is null.

    Raises:
        CorruptFileError: a compressed file is damaged, or a line is too long.
        ColumnTypeError: a key that the first rows lack holds values of several types.
    """
    with files.naming(file, "JSON lines"):
        yield from _read(file, source, columns, refuse)


def read_part(split: Split, source: Source, columns: Mapping[str, pa.DataType], refuse: Refuse) -> Iterator[Rows]:
    """The same of the lines that begin in a range of bytes."""
    (file,) = split.files
    with files.naming(file, "JSON lines"):
        yield from _read(file, source, columns, refuse, piece_of(split, search))


def _read(
    file: str, source: Source, columns: Mapping[str, pa.DataType], refuse: Refuse, piece: Piece | None = None
) -> Iterator[Rows]:
    for batch in recut(_tables(file, source, columns, refuse, piece), source.rows_per_batch, file):
        values = encoded({name: batch.columns[name] for name in columns}, source.dictionary)
        texts = {name: batch.columns[_TEXT + name] for name in columns if _TEXT + name in batch.columns}
        yield batch._replace(columns=values, texts=texts)


def _tables(
    file: str, source: Source, columns: Mapping[str, pa.DataType], refuse: Refuse, piece: Piece | None
) -> Iterator[pa.Table]:
    known = pa.schema([(name, kind) for name, kind in columns.items() if not _holds_null(kind)])
    unknown = "infer" if len(known) < len(columns) else "ignore"
    kinds = _Kinds(known, frozenset(declared_types(source)), unknown)
    shown = shown_and_guessed(source, columns)

    first = piece.first_row if piece else 0
    with piece.open() if piece else files.open_text(file, "JSON lines") as stream:
        try:
            for chunk in chunks(stream):
                refuse_here = bad_rows.shifted(refuse, first)
                table, rows, count = _parsed(chunk, kinds, tuple(columns), refuse_here)
                table, rows = _exact(_select(table, list(columns)), rows, chunk, shown, refuse_here)
                yield numbered(table, first + rows)
                first += count
        except LongLineError as error:
            raise _long_line(file, first) from error


def _parsed(chunk: bytes, kinds: _Kinds, names: tuple[str, ...], refuse: Refuse) -> tuple[pa.Table, Numbers, int]:
    """The m rows of a chunk that can be parsed, their positions (m,) in the chunk, and the number of its rows."""
    with suppress(pa.ArrowInvalid):
        table = kinds.parse(chunk)
        if has_one_a_line(chunk, table.num_rows):
            return table, np.arange(table.num_rows, dtype=np.int64), table.num_rows

    # Look at the lines one by one: some are bad, or the objects are not one a line, which the parser takes as well.
    lines = lines_of(chunk)

    # Where types are inferred, keys that are not needed must not make a row bad.
    needed = [only(line, names) for line in lines] if kinds.infers else lines
    return *_parse_good(needed, kinds, refuse), len(lines)


def _exact(
    table: pa.Table, rows: Numbers, chunk: bytes, shown: Sequence[str], refuse: Refuse
) -> tuple[pa.Table, Numbers]:
    """The rows of a chunk whose numbers are exact, with texts beside floats that are not what the file has."""
    lines = cache(partial(lines_of, chunk))
    kept = refuse_rounded(table, rows, lines, refuse)
    if len(kept) < len(rows):
        table, rows = table.take(pa.array(kept)), rows[kept]
    for name, texts in exact_texts(table, rows, lines, shown).items():
        table = table.append_column(_TEXT + name, texts)
    return table, rows


class _Kinds:
    """The types of the keys, and how to parse lines with them."""

    def __init__(self, known: pa.Schema, declared: frozenset[str], unknown: str) -> None:
        """Takes the known types, the keys whose types are declared, and whether to "infer" or "ignore" other keys."""
        self._known = known
        self._wider = {f.name: _widened(f.type) for f in known if f.name not in declared}
        self._schemas = list(dict.fromkeys([known, self._with_wider(self._wider)]))
        self._unknown = unknown
        self.infers = unknown == "infer"

    def parse(self, data: bytes) -> pa.Table:
        """Parses lines.

        A column that was guessed to be int64 becomes float64 if some numbers are not whole. It stays int64 if all its
        numbers in these lines are whole and floats could not hold them. Text that looks like a date stays text.

        Raises:
            pa.ArrowInvalid: a line is not a JSON object or is nested too deep, a value has another type, or text or a
                key is not UTF-8.
        """
        if self.infers and goes_deeper(data, bounds.JSON_DEPTH.value):  # the parser follows types by recursion
            raise pa.ArrowInvalid(f"lists and objects within each other go deeper than {bounds.JSON_DEPTH}")
        *narrow, widest = self._schemas
        for schema in narrow:
            try:
                return self._parse(data, schema)
            except pa.ArrowInvalid:
                pass

        # Some column needs floats. Keep whole those that need none, and that floats could not hold.
        table = self._parse(data, widest)
        fewer = self._with_wider(name for name in self._wider if not is_better_whole(table.column(name)))
        if fewer in self._schemas:
            return table
        try:
            table = self._parse(data, fewer)
        except pa.ArrowInvalid:  # some of these whole numbers have an exponent, or end in .0
            return table
        self._schemas = [self._known, fewer, widest]  # the rest of the file is likely to need the same
        return table

    def _with_wider(self, names: Iterable[str]) -> pa.Schema:
        """The known types, with float64 in place of int64 in the named columns."""
        wider = set(names)
        return pa.schema([(f.name, self._wider[f.name] if f.name in wider else f.type) for f in self._known])

    def _parse(self, data: bytes, schema: pa.Schema) -> pa.Table:
        table = self._read(data, schema)
        # Where the parser infers types, it reads text as timestamps if all of a column can be.
        texts = {f.name: _without_moments(f.type) for f in table.schema if _without_moments(f.type) != f.type}
        if not texts:
            return table
        return self._read(data, pa.schema({**dict(zip(schema.names, schema.types, strict=True)), **texts}))

    def _read(self, data: bytes, schema: pa.Schema) -> pa.Table:
        if not data.strip():
            return schema.empty_table()
        if has_null_row(data):
            raise pa.ArrowInvalid("expected an object, found null")
        table = arrow_json.read_json(
            pa.BufferReader(data),
            read_options=arrow_json.ReadOptions(use_threads=False, block_size=len(data) + 1),
            parse_options=arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior=self._unknown),
        )
        try:
            table.validate(full=True)  # the parser accepts any bytes as text and as keys
        except UnicodeDecodeError as error:
            raise pa.ArrowInvalid(f"a key is not UTF-8: {error}") from error
        return table


def _parse_good(lines: Sequence[bytes], kinds: _Kinds, refuse: Refuse) -> tuple[pa.Table, Numbers]:
    """Parses the lines that can be parsed: a table of m rows, and their positions (m,) in `lines`."""

    def problem(start: int, stop: int) -> str | None:
        try:
            chunk = b"\n".join(lines[start:stop])
            rows = kinds.parse(chunk).num_rows
        except pa.ArrowInvalid as error:
            return str(error).removesuffix(" in row 0")
        return None if has_one_a_line(chunk, rows) else f"expected one object a line, found {rows}"

    bad = []
    for row, why in bad_rows.find(0, len(lines), problem):
        refuse(row, why)
        bad.append(row)

    kept = np.delete(np.arange(len(lines), dtype=np.int64), bad)
    return kinds.parse(b"\n".join(lines[int(row)] for row in kept)), kept


def _possible_keys(lines: Sequence[bytes], source: Source) -> list[str]:
    """The keys of the first rows, and those that may come later: needed ones, or names that are no misspelt ones."""
    keys = keys_of(lines)
    if source.columns is not None:
        return [*keys, *source.columns]
    return [*keys, *(name for name in declared_types(source) if not nearest(name, keys))]


def _select(table: pa.Table, names: list[str]) -> pa.Table:
    """The named columns; null for those that the table lacks."""
    known = set(table.schema.names)
    columns = [table.column(name) if name in known else pa.nulls(table.num_rows) for name in names]
    return pa.table(columns, names=names)


def _widened(kind: pa.DataType) -> pa.DataType:
    return _each_inner(kind, lambda inner: pa.float64() if pa.types.is_int64(inner) else inner)


def _without_moments(kind: pa.DataType) -> pa.DataType:
    return _each_inner(kind, lambda inner: pa.string() if pa.types.is_timestamp(inner) else inner)


def _each_inner(kind: pa.DataType, change: Callable[[pa.DataType], pa.DataType]) -> pa.DataType:
    """A type with the types inside its lists and objects changed."""
    if pa.types.is_list(kind):
        return pa.list_(_each_inner(kind.value_type, change))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _each_inner(field.type, change)) for field in kind])
    return change(kind)


def _holds_null(kind: pa.DataType) -> bool:
    """Whether a type, or one inside its lists and objects, is not known yet, as no row has had a value."""
    if pa.types.is_list(kind) or pa.types.is_struct(kind):
        return any(_holds_null(kind.field(i).type) for i in range(kind.num_fields))
    return bool(pa.types.is_null(kind))
