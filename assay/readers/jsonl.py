"""JSON lines, plain or gzip: one object a line, a column for each key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.json as arrow_json

from assay.errors import ColumnTypeError
from assay.readers import bad_rows, files
from assay.readers.bad_rows import Refuse
from assay.readers.batches import Numbers, Rows, encoded, numbered, recut
from assay.readers.source import Source, declared_types

SAMPLE_ROWS = 1024

_CHUNK_BYTES = 4 << 20


def schema(file: str, source: Source) -> dict[str, pa.DataType]:
    """Returns the keys of the first 1,024 rows; types as declared, else as these rows show them.

    Text that looks like a date stays text.

    Raises:
        ColumnTypeError: a key holds, say, text in one row and a number in another.
    """
    declared = declared_types(source)
    with files.naming(file, "JSON lines"), files.open_text(file) as stream:
        lines = _lines(next(_chunks(stream), b""))[:SAMPLE_ROWS]
        kinds = _Kinds(pa.schema(declared), frozenset(declared), unknown="infer")
        try:
            table, _ = _parse_good(lines, kinds, lambda row, why: None)
        except pa.ArrowInvalid as error:
            raise ColumnTypeError(f"{file}: {error}; make the values alike, or declare inputs.types") from error
    names = [name for name in table.schema.names if table.num_rows]
    return {name: _plain(table.schema.field(name).type) for name in names}


def read(file: str, source: Source, columns: Mapping[str, pa.DataType], refuse: Refuse) -> Iterator[Rows]:
    """Yields the batches of a file; a key that a row lacks is null.

    Raises:
        CorruptFileError: the gzip stream is damaged.
        ColumnTypeError: a key that the first rows lack holds values of several types.
    """
    with files.naming(file, "JSON lines"):
        for batch in recut(_tables(file, source, columns, refuse), source.rows_per_batch):
            yield batch._replace(columns=encoded(batch.columns, source.dictionary))


def _tables(file: str, source: Source, columns: Mapping[str, pa.DataType], refuse: Refuse) -> Iterator[pa.Table]:
    known = pa.schema([(name, kind) for name, kind in columns.items() if not pa.types.is_null(kind)])
    unknown = "infer" if len(known) < len(columns) else "ignore"
    kinds = _Kinds(known, frozenset(declared_types(source)), unknown)
    first = 0
    with files.open_text(file) as stream:
        for chunk in _chunks(stream):
            try:
                table = kinds.parse(chunk)
                rows, count = np.arange(table.num_rows, dtype=np.int64), table.num_rows
            except pa.ArrowInvalid:
                lines = _lines(chunk)
                count = len(lines)
                table, rows = _parse_good(lines, kinds, bad_rows.shifted(refuse, first))
            yield numbered(_select(table, list(columns)), first + rows)
            first += count


class _Kinds:
    """What to expect of the keys, and how to parse with it."""

    def __init__(self, known: pa.Schema, declared: frozenset[str], unknown: str) -> None:
        """Takes the types known, which of them are declared, and whether to "infer" or "ignore" other keys."""
        fields = [(f.name, f.type if f.name in declared else _widened(f.type)) for f in known]
        self._schemas = list(dict.fromkeys([known, pa.schema(fields)]))
        self._unknown = unknown

    def parse(self, data: bytes) -> pa.Table:
        """Parses lines; int64 that is only guessed becomes float64 if some numbers are not whole.

        Raises:
            pa.ArrowInvalid: a line is no JSON object, a value is of another type, or text is not UTF-8.
        """
        *narrow, widest = self._schemas
        for schema in narrow:
            try:
                return self._parse(data, schema)
            except pa.ArrowInvalid:
                pass
        return self._parse(data, widest)

    def _parse(self, data: bytes, schema: pa.Schema) -> pa.Table:
        if not data.strip():
            return schema.empty_table()
        table = arrow_json.read_json(
            pa.BufferReader(data),
            read_options=arrow_json.ReadOptions(use_threads=False, block_size=len(data) + 1),
            parse_options=arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior=self._unknown),
        )
        table.validate(full=True)  # the parser takes any bytes for text
        return table


def _parse_good(lines: Sequence[bytes], kinds: _Kinds, refuse: Refuse) -> tuple[pa.Table, Numbers]:
    """Parses what can be parsed: a table of m rows, and their positions (m,) in `lines`."""

    def problem(start: int, stop: int) -> str | None:
        try:
            kinds.parse(b"\n".join(lines[start:stop]))
        except pa.ArrowInvalid as error:
            return str(error).removesuffix(" in row 0")
        return None

    bad = []
    for row, why in bad_rows.find(0, len(lines), problem):
        refuse(row, why)
        bad.append(row)
    kept = np.delete(np.arange(len(lines), dtype=np.int64), bad)
    return kinds.parse(b"\n".join(lines[int(row)] for row in kept)), kept


def _chunks(stream: pa.NativeFile) -> Iterator[bytes]:
    """Yields about 4 MB at a time, cut behind a line."""
    rest = b""
    while block := stream.read(_CHUNK_BYTES):
        cut = block.rfind(b"\n") + 1
        if cut:
            yield rest + block[:cut]
            rest = block[cut:]
        else:
            rest += block
    if rest.strip():
        yield rest


def _lines(chunk: bytes) -> list[bytes]:
    return [line for line in chunk.split(b"\n") if line.strip()]


def _select(table: pa.Table, names: list[str]) -> pa.Table:
    """The named columns, null where the table lacks one."""
    there = set(table.schema.names)
    columns = [table.column(n) if n in there else pa.nulls(table.num_rows) for n in names]
    return pa.table(columns, names=names)


def _widened(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_list(kind):
        return pa.list_(_widened(kind.value_type))
    return pa.float64() if pa.types.is_int64(kind) else kind


def _plain(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_timestamp(kind) else kind
