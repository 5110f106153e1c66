"""Sharded files: `<prefix>-00000-of-00001.tfrecord` and `.parquet`, whole or not there.

Shards of an earlier run under the same prefix are deleted when those of this run are published, whatever their number.
"""

from __future__ import annotations

from typing import Any, BinaryIO

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.io.filebasedsink import FileBasedSink
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.io.iobase import Write

from assay.errors import ColumnTypeError
from assay.framing import framed


def write_records(prefix: str) -> beam.PTransform:
    """PCollection of bytes or messages -> names of TFRecord files, as many as the runner likes."""
    return Write(_RecordSink(prefix, ".tfrecord"))


def write_tables(prefix: str, schema: pa.Schema | None = None) -> beam.PTransform:
    """PCollection[pa.Table] -> names of Parquet files, as many as the runner likes.

    Args:
        prefix: path without shard and suffix.
        schema: of all tables; None takes each file's from its first table.
    """
    return Write(_TableSink(prefix, ".parquet", schema))


class _ShardedSink(FileBasedSink):
    """Deletes an earlier run's shards also where it had another number of them, so that no reader mixes the two."""

    def __init__(self, prefix: str, suffix: str) -> None:
        super().__init__(prefix, None, suffix, compression_type=CompressionTypes.UNCOMPRESSED)
        self._stale = f"{prefix}-?????-of-?????{suffix}"

    def pre_finalize(self, init_result: Any, writer_results: Any) -> None:
        found = [file.path for match in FileSystems.match([self._stale]) for file in match.metadata_list]
        if found:
            FileSystems.delete(found)


class _RecordSink(_ShardedSink):
    def write_record(self, file_handle: BinaryIO, value: Any) -> None:
        file_handle.write(framed(value if isinstance(value, bytes) else value.SerializeToString()))


class _TableSink(_ShardedSink):
    def __init__(self, prefix: str, suffix: str, schema: pa.Schema | None) -> None:
        super().__init__(prefix, suffix)
        self._schema = schema

    def open(self, temp_path: str) -> _TableFile:
        return _TableFile(super().open(temp_path), self._schema, self.file_path_prefix.get())

    def write_record(self, file_handle: _TableFile, value: pa.Table) -> None:
        file_handle.write(value)


class _TableFile:
    """A Parquet file whose schema may be known only when its first table comes."""

    def __init__(self, file: BinaryIO, schema: pa.Schema | None, name: str) -> None:
        self._file, self._name = file, name
        self._writer = pq.ParquetWriter(file, schema) if schema is not None else None

    def write(self, table: pa.Table) -> None:
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._file, table.schema)
        self._writer.write_table(self._fitting(table, self._writer.schema))

    def _fitting(self, table: pa.Table, expected: pa.Schema) -> pa.Table:
        try:
            return table if table.schema.equals(expected) else table.select(expected.names).cast(expected)
        except (pa.ArrowException, KeyError) as error:
            raise ColumnTypeError(
                f"{self._name}: batches have different columns; expected {_text(expected)}, found {_text(table.schema)}"
            ) from error

    def close(self) -> None:
        (self._writer or pq.ParquetWriter(self._file, pa.schema([]))).close()
        self._file.close()


def _text(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name}: {field.type}" for field in schema)
