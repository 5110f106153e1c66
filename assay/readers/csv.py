"""CSV files, plain or compressed. Rows of the wrong length and values of the wrong type are bad rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from assay import bounds
from assay.errors import CorruptFileError
from assay.readers import bad_rows, csv_edges, files, signatures
from assay.readers.bad_rows import Refuse
from assay.readers.batches import Numbers, Rows, encoded, numbered, recut
from assay.readers.csv_blocks import Blocks, Text
from assay.readers.edges import Piece, piece_of
from assay.readers.source import (
    Source,
    Split,
    check_names,
    check_types,
    declared_types,
    shown_and_guessed,
    to_read_fewer,
)
from assay.slicing.values import number_or_text

_MISSING_NUMBERS = pa.array(["", "NA", "N/A", "n/a", "#N/A", "NULL", "null", "None", "?"])
"""Texts that mean a missing number or truth value, beside `null_values`. In a column of text they are text."""

_END = "\0end"
_LEADING_ZERO = r"^[+-]?0[0-9]"


def schema(file: str, source: Source) -> dict[str, pa.DataType]:
    """Returns the columns of the file; types as declared, else as the first block (1 MB) suggests.

    A column is int64, float64 or bool if all its values can be read as that type, else text. Numbers with leading zeros
    are text.
    """
    with _naming(file):
        names = _names(file, source)
        if not names:
            return {}
        texts = arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.binary()), **_nulls(source))
        with _open(file, source, texts) as blocks:
            block = next(iter(blocks), None)
    if block is None or not block.num_rows:
        return {}

    declared, missing = declared_types(source), _missing_numbers(source)
    check_types(file, source, names)
    columns = zip(names, block.columns, strict=True)
    return {name: declared.get(name) or _infer(column, missing) for name, column in columns}


def names(file: str, source: Source) -> list[str]:
    """Returns the names of the columns in the order of the file; one that it has twice is there twice."""
    with _naming(file):
        return _names(file, source)


def read(file: str, source: Source, columns: Mapping[str, pa.DataType], refuse: Refuse) -> Iterator[Rows]:
    """Yields the batches of a file.

    Raises:
        CorruptFileError: a compressed file is damaged, a row is too long, or a quote is never closed.
        MissingColumnError: the file lacks one of the columns.
    """
    with _naming(file):
        yield from _read(file, source, columns, refuse)


def read_part(split: Split, source: Source, columns: Mapping[str, pa.DataType], refuse: Refuse) -> Iterator[Rows]:
    """The same of the rows that begin in a range of bytes."""
    (file,) = split.files
    with _naming(file):
        yield from _read(file, source, columns, refuse, _piece(split, source))


def _piece(split: Split, source: Source) -> Piece:
    dialect = csv_edges.Dialect(_delimiter(source).encode(), (source.options.get("quote", '"') or "").encode())
    piece = piece_of(split, partial(csv_edges.search, dialect=dialect), dialect)
    if "columns" in source.options or not piece.start.row:
        return piece
    with files.open_raw(piece.file) as stream:
        header = csv_edges.header(cast(BinaryIO, stream), dialect)
    return replace(piece, head=header, first_row=piece.start.row - 1)


def _read(
    file: str, source: Source, columns: Mapping[str, pa.DataType], refuse: Refuse, piece: Piece | None = None
) -> Iterator[Rows]:
    declared, missing = declared_types(source), _missing_numbers(source)
    guessed = shown_and_guessed(source, columns)
    for batch in recut(_tables(file, source, columns, refuse, piece), source.rows_per_batch, file):
        values, rows = _converted(batch, columns, declared, missing, refuse)
        yield Rows(
            encoded({name: value.values for name, value in values.items()}, source.dictionary),
            rows,
            texts={name: _more_than_numbers(values[name]) for name in guessed},
        )


class _Converted(NamedTuple):
    """A column of n rows."""

    values: pa.Array
    texts: pa.Array | None = None
    """For numbers and truth values: the n texts that they were read from, trimmed; null where the value is missing."""


class _Malformed:
    """Collects the rows of the wrong length, and tells whether the file ends outside of quotes.

    One more row, of the wrong length, is added behind the file's end. If it does not come here, it was read as part of
    a quoted value that is never closed.
    """

    def __init__(self, first_number: int) -> None:
        self._first_number = first_number
        self._new: list[tuple[int, str]] = []
        self._all: list[int] = []
        self.ended = False

    def __call__(self, row: Any) -> str:
        if row.text is not None and row.text.startswith(_END):
            self.ended = True
        else:
            at = row.number - self._first_number
            self._all.append(at)
            self._new.append((at, f"{row.actual_columns} values; expected {row.expected_columns}"))
        return "skip"

    def refuse(self, refuse: Refuse) -> None:
        """Refuses the rows that were collected since the last call."""
        new, self._new = self._new, []
        for row, why in new:
            refuse(row, why)

    def row_numbers(self, first: int, count: int) -> Numbers:
        """Numbers within the file of the well-formed rows first, ..., first + count - 1."""
        # A row's number is its rank among the well-formed rows, plus the malformed rows before it.
        ranks = np.arange(first, first + count, dtype=np.int64)
        before = np.asarray(self._all, np.int64) - np.arange(len(self._all))
        return ranks + np.searchsorted(before, ranks, side="right")


def _tables(
    file: str, source: Source, columns: Mapping[str, pa.DataType], refuse: Refuse, piece: Piece | None
) -> Iterator[pa.Table]:
    """Yields blocks of the columns as bytes, with their row numbers."""
    names = _names(file, source)
    if not names or (piece and piece.is_empty):
        return
    check_names(file, dict.fromkeys(names), dict.fromkeys(columns, "the analysis"))
    twice = [name for name in columns if names.count(name) > 1]
    if twice:
        raise CorruptFileError(
            f"{file}: the header names column {twice[0]!r} twice; expected it once: rename one{to_read_fewer(source)}"
        )

    # If no column were named, pyarrow would read all.
    included = list(columns) or names[:1]
    convert = arrow_csv.ConvertOptions(
        include_columns=included, column_types=dict.fromkeys(included, pa.binary()), **_nulls(source)
    )
    malformed = _Malformed(first_number=1 if "columns" in source.options else 2)
    ending = f"\n{_END}{_delimiter(source) if len(names) == 1 else ''}\n"

    before = piece.first_row if piece else 0
    refuse_here = bad_rows.shifted(refuse, before)
    first = 0
    with _open(file, source, convert, malformed, ending, piece) as blocks:
        for block in blocks:
            malformed.refuse(refuse_here)
            yield numbered(pa.Table.from_batches([block]), before + malformed.row_numbers(first, len(block)))
            first += len(block)

    malformed.refuse(refuse_here)
    if not malformed.ended:
        raise CorruptFileError(f"{file}: a quote is opened and never closed; is the file cut off?")


def _open(
    file: str,
    source: Source,
    convert: arrow_csv.ConvertOptions,
    on_malformed: Callable[[Any], str] = lambda row: "skip",
    ending: str = "\n",  # without it, a header alone would not be CSV
    piece: Piece | None = None,
) -> Blocks:
    options = source.options
    # Arrow wants a whole row in a block, so the bound on a row is the size of a block.
    block_size = bounds.CSV_ROW.value * bounds.MB
    read = arrow_csv.ReadOptions(use_threads=False, column_names=options.get("columns"), block_size=block_size)
    parse = {
        "delimiter": _delimiter(source),
        "quote_char": options.get("quote", '"'),
        "escape_char": options.get("escape", False),
        "newlines_in_values": True,
    }
    text: Text = piece.open() if piece else files.open_text(file, "CSV", options.get("encoding"))
    return Blocks(text, ending.encode(), on_malformed, parse, read_options=read, convert_options=convert)


def _names(file: str, source: Source) -> list[str]:
    """Column names as declared, else from the header; none for an empty file."""
    with files.open_text(file, "CSV", source.options.get("encoding")) as stream:
        head = stream.read(signatures.HEAD_BYTES)
    if not head:
        return []
    if "columns" not in source.options and (signatures.is_json(head) or signatures.is_json_array(head)):
        raise CorruptFileError(f"{file}: expected CSV, found JSON; for one object a line, say format: jsonl")
    with _open(file, source, arrow_csv.ConvertOptions()) as blocks:
        try:
            return blocks.names
        except UnicodeDecodeError as error:
            raise CorruptFileError(
                f"{file}: the header is not UTF-8: {error}; set inputs.options.encoding to what it is, such as latin-1"
            ) from error


@contextmanager
def _naming(file: str) -> Iterator[None]:
    """As `files.naming`, with our own message for a long row: the parser's advice is for programmers."""
    with files.naming(file, "CSV"):
        try:
            yield
        except pa.ArrowInvalid as error:
            if "straddling" not in str(error):
                raise
            raise CorruptFileError(
                f"{file}: a row is longer than {bounds.CSV_ROW}; is a quote opened and never closed?"
            ) from error


def _delimiter(source: Source) -> str:
    return str(source.options.get("delimiter", ","))


def _nulls(source: Source) -> dict[str, Any]:
    """Only texts of `null_values` are missing: "NA" is a country."""
    return {"null_values": source.options.get("null_values", [""]), "strings_can_be_null": True}


def _missing_numbers(source: Source) -> pa.Array:
    """What means a missing number. Around numbers there may be blanks, and so around these texts."""
    given = [text.strip() for text in source.options.get("null_values", ())]
    return pa.concat_arrays([_MISSING_NUMBERS, pa.array(given, pa.string())])


def _infer(column: pa.Array, missing: pa.Array) -> pa.DataType:
    try:
        texts = column.cast(pa.string()).drop_null()
    except pa.ArrowInvalid:  # not UTF-8: reading shows whether it is a bad row or a wrong encoding
        return pa.string()
    if not len(texts):
        return pa.null()

    known = _without_missing(texts, missing).drop_null()
    if not len(known) or pc.any(pc.match_substring_regex(known, _LEADING_ZERO)).as_py():
        return pa.string()
    return next((kind for kind in (pa.int64(), pa.float64(), pa.bool_()) if _casts(known, kind)), pa.string())


def _casts(texts: pa.Array, kind: pa.DataType) -> bool:
    try:
        texts.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True


def _without_missing(texts: Any, missing: pa.Array) -> Any:
    """Trims texts, and makes those that mean a missing number null."""
    trimmed = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.is_in(trimmed, missing), None, trimmed)


def _converted(
    batch: Rows,
    columns: Mapping[str, pa.DataType],
    declared: Mapping[str, pa.DataType],
    missing: pa.Array,
    refuse: Refuse,
) -> tuple[dict[str, _Converted], Numbers]:
    """The values of a batch of bytes, and the numbers of its rows, without the rows whose bytes are no such values."""

    def convert(part: Mapping[str, pa.Array]) -> dict[str, _Converted]:
        return {name: _convert(part[name], name, kind, name in declared, missing) for name, kind in columns.items()}

    def problem(start: int, stop: int) -> str | None:
        try:
            convert({name: column[start:stop] for name, column in batch.columns.items()})
        except pa.ArrowInvalid as error:
            return str(error)
        return None

    try:
        return convert(batch.columns), batch.rows
    except pa.ArrowInvalid:
        bad = []

    for at, why in bad_rows.find(0, len(batch.rows), problem):
        refuse(int(batch.rows[at]), why)
        bad.append(at)

    kept = np.delete(np.arange(len(batch.rows)), bad)
    good = {name: column.take(pa.array(kept)) for name, column in batch.columns.items()}
    return convert(good), batch.rows[kept]


def _convert(column: pa.Array, name: str, kind: pa.DataType, declared: bool, missing: pa.Array) -> _Converted:
    """Bytes -> values. A column that was guessed to be int64 becomes float64 if some numbers are not whole."""
    try:
        texts = column.cast(pa.string())
        if pa.types.is_null(kind):
            kind = _infer(texts, missing)
        if pa.types.is_string(kind):
            return _Converted(texts)
        if pa.types.is_null(kind):
            return _Converted(pa.nulls(len(texts)))

        trimmed = _without_missing(texts, missing)
        widened = pa.float64() if pa.types.is_int64(kind) and not declared else None
        return _Converted(_cast(trimmed, kind, widened), trimmed)
    except pa.ArrowInvalid as error:
        raise pa.ArrowInvalid(f"column {name!r}: {error}") from error


def _cast(texts: pa.Array, kind: pa.DataType, widened: pa.DataType | None) -> pa.Array:
    """Texts as values of a type; if they do not fit it, of the wider type, if one is given."""
    try:
        return texts.cast(kind)
    except pa.ArrowInvalid:
        if widened is None:
            raise
    return texts.cast(widened)


def _more_than_numbers(column: _Converted) -> pa.Array:
    """The texts (n,) that say more than the numbers (n,) that were read from them, such as `007`; null elsewhere.

    If there are none, and for columns that are not numbers, an array of type null.
    """
    numbers, texts = column
    kind = numbers.type
    if texts is None or pa.types.is_boolean(kind):
        return pa.nulls(len(numbers))

    # Nearly all texts are what Arrow would print for their numbers.
    is_usual = pc.fill_null(pc.equal(numbers.cast(pa.string()), texts), True)
    if pa.types.is_floating(kind):  # it would print a whole number among floats without a point, so look at these
        is_usual = pc.and_(is_usual, pc.fill_null(pc.not_equal(pc.floor(numbers), numbers), True))
    if pc.all(is_usual).as_py():
        return pa.nulls(len(numbers))

    # Of the others, look at each text once: most are numbers in another usual form, such as 1.0.
    others = pc.if_else(is_usual, None, texts).dictionary_encode()
    pairs = zip(others.dictionary.to_pylist(), others.dictionary.cast(kind).to_pylist(), strict=True)
    kept = pa.array(
        [None if repr(number_or_text(text)) == repr(number) else text for text, number in pairs], pa.string()
    )
    return pa.nulls(len(numbers)) if kept.null_count == len(kept) else kept.take(others.indices)
