"""Parquet files: only the wanted columns are decoded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assay.engine import progress
from assay.errors import CorruptFileError
from assay.extracts.without_pandas import let_pandas_in
from assay.readers import bad_rows, files, signatures
from assay.readers.bad_rows import Refuse
from assay.readers.batches import Numbers, Rows, numbered, recut
from assay.readers.source import Source, Split, check_names, to_read_fewer

_READ_BYTES = 1 << 20


def schema(file: str, source: Source) -> dict[str, pa.DataType]:
    """Returns the columns of the file and their types; if columns have the same name, the type of the first."""
    with files.naming(file, "Parquet"), _open(file) as parquet:
        return _types(parquet)


def names(file: str, source: Source) -> list[str]:
    """Returns the names of the columns in the order of the file; one that it has twice is there twice."""
    with files.naming(file, "Parquet"), _open(file) as parquet:
        return list(parquet.schema_arrow.names)


def _types(parquet: pq.ParquetFile) -> dict[str, pa.DataType]:
    types: dict[str, pa.DataType] = {}
    for field in parquet.schema_arrow:
        types.setdefault(field.name, field.type)
    return types


def _open(file: str, **settings: Any) -> pq.ParquetFile:
    with files.open_raw(file) as stream:
        head = stream.read(signatures.HEAD_BYTES)
    if not head.startswith((b"PAR1", b"PARE")):
        content = signatures.binary_format(head) or (signatures.text_format(head) if head else "0 bytes")
        raise CorruptFileError(f"{file}: not readable as Parquet: found {content}")

    parquet = pq.ParquetFile(files.open_raw(file), **settings)
    if not _lacks_pandas(parquet.schema_arrow):
        return parquet
    parquet.close()
    return pq.ParquetFile(files.open_raw(file), **settings)


def _lacks_pandas(schema: pa.Schema) -> bool:
    """Whether Arrow read types of pandas, such as periods, as numbers, as it did not know them. Afterwards it does."""
    names = [(field.metadata or {}).get(b"ARROW:extension:name", b"") for field in schema]
    if not any(name.startswith(b"pandas.") for name in names):
        return False
    let_pandas_in("pandas.core.arrays.arrow.extension_types")
    return True


def row_groups(file: str) -> list[int]:
    """The number of rows of each row group."""
    with files.naming(file, "Parquet"), _open(file) as parquet:
        return [parquet.metadata.row_group(number).num_rows for number in range(parquet.metadata.num_row_groups)]


def read(file: str, source: Source, columns: Mapping[str, pa.DataType], refuse: Refuse) -> Iterator[Rows]:
    """Yields the batches of a file; text columns named in `source.dictionary` keep their dictionaries.

    Raises:
        CorruptFileError: the file is truncated, damaged or not Parquet.
        MissingColumnError: the file lacks one of the columns.
    """
    with files.naming(file, "Parquet"):
        yield from recut(_tables(file, source, columns, refuse), source.rows_per_batch, file)


def read_part(split: Split, source: Source, columns: Mapping[str, pa.DataType], refuse: Refuse) -> Iterator[Rows]:
    """The same of some of its row groups."""
    (file,) = split.files
    with files.naming(file, "Parquet"):
        yield from recut(_tables(file, source, columns, refuse, split), source.rows_per_batch, file)


def _tables(
    file: str, source: Source, columns: Mapping[str, pa.DataType], refuse: Refuse, part: Split | None = None
) -> Iterator[pa.Table]:
    with _open(file) as parquet:
        types, names = _types(parquet), parquet.schema_arrow.names
    check_names(file, types, {column: "the analysis" for column in columns})
    twice = next((name for name in columns if names.count(name) > 1), None)
    if twice is not None:
        raise CorruptFileError(
            f"{file}: there are two columns {twice!r}; expected one: rename one{to_read_fewer(source)}"
        )

    is_text = {name: pa.types.is_string(kind) or pa.types.is_binary(kind) for name, kind in types.items()}
    texts = [name for name in source.dictionary if name in columns and is_text[name]]
    with _open(
        file,
        read_dictionary=texts,
        page_checksum_verification=True,
        pre_buffer=False,  # it would keep all that was read until the end of the file
        buffer_size=_READ_BYTES,
    ) as parquet:
        groups = range(*part.groups) if part and part.groups else range(parquet.metadata.num_row_groups)
        rows = sum(parquet.metadata.row_group(number).num_rows for number in groups)
        name, start = (part.names[0], part.row) if part else (file, 0)
        done = 0
        batches = parquet.iter_batches(
            source.rows_per_batch, row_groups=list(groups), columns=list(columns), use_threads=False
        )
        for batch in batches:
            good, numbers = _intact(batch.select(list(columns)), start + done, refuse)
            yield numbered(pa.Table.from_batches([good]), numbers)
            done += len(batch)
            progress.reached(name, done / max(rows, 1))


def _intact(batch: pa.RecordBatch, first: int, refuse: Refuse) -> tuple[pa.RecordBatch, Numbers]:
    """The intact rows of a batch and their numbers, which begin at `first`; damaged rows are refused."""
    numbers = np.arange(first, first + len(batch), dtype=np.int64)
    try:
        for column in batch.columns:
            _check(column)
        return batch, numbers
    except pa.ArrowInvalid:
        batch = _with_plain_texts(batch)

    bad = []
    for row, why in bad_rows.find(0, len(batch), lambda start, stop: _problem(batch[start:stop])):
        refuse(first + row, why)
        bad.append(row)

    kept = np.delete(np.arange(len(batch)), bad)
    return batch.take(pa.array(kept)), numbers[kept]


def _check(column: pa.Array) -> None:
    """Checks what `validate(full=True)` does; of dictionary arrays in a tenth of its time."""
    if not isinstance(column, pa.DictionaryArray):
        column.validate(full=True)
        return
    column.validate()
    column.dictionary.validate(full=True)
    _check_indices(column)


def _check_indices(column: pa.DictionaryArray) -> None:
    ends = pc.min_max(column.indices).as_py()
    if ends["min"] is not None and (ends["min"] < 0 or ends["max"] >= len(column.dictionary)):
        raise pa.ArrowInvalid("a dictionary has fewer texts than a row says")


def _with_plain_texts(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch without dictionaries, so that a damaged text damages only the rows that have it."""
    columns = []
    for column in batch.columns:
        if isinstance(column, pa.DictionaryArray):
            _check_indices(column)
            column = column.dictionary_decode()
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


def _problem(batch: pa.RecordBatch) -> str | None:
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            pa.concat_arrays([column]).validate(full=True)
        except pa.ArrowInvalid as error:
            return f"column {name!r}: {error}"
    return None
