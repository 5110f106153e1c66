"""Parquet files: only the wanted columns are decoded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from assay.readers import files
from assay.readers.bad_rows import Refuse
from assay.readers.batches import Rows, numbered, recut
from assay.readers.source import Source, check_names

_READ_BYTES = 1 << 20


def schema(file: str, source: Source) -> dict[str, pa.DataType]:
    """Returns the columns of the file and their types."""
    with files.naming(file, "Parquet"), pq.ParquetFile(files.open_raw(file)) as parquet:
        return dict(zip(parquet.schema_arrow.names, parquet.schema_arrow.types, strict=True))


def read(file: str, source: Source, columns: Mapping[str, pa.DataType], refuse: Refuse) -> Iterator[Rows]:
    """Yields the batches of a file; text columns named in `source.dictionary` keep their dictionaries.

    Raises:
        CorruptFileError: the file is truncated, damaged or no Parquet.
        MissingColumnError: the file lacks one of the columns.
    """
    with files.naming(file, "Parquet"):
        yield from recut(_tables(file, source, columns), source.rows_per_batch)


def _tables(file: str, source: Source, columns: Mapping[str, pa.DataType]) -> Iterator[pa.Table]:
    there = schema(file, source)
    check_names(file, there, {column: "the analysis" for column in columns})
    texts = [
        c for c in source.dictionary if c in columns and (pa.types.is_string(there[c]) or pa.types.is_binary(there[c]))
    ]
    first = 0
    with pq.ParquetFile(
        files.open_raw(file),
        read_dictionary=texts,
        page_checksum_verification=True,
        pre_buffer=False,  # which keeps all that was read until the end of the file
        buffer_size=_READ_BYTES,
    ) as parquet:
        for batch in parquet.iter_batches(source.rows_per_batch, columns=list(columns), use_threads=False):
            table = pa.Table.from_batches([batch]).select(list(columns))
            yield numbered(table, np.arange(first, first + len(batch), dtype=np.int64))
            first += len(batch)
