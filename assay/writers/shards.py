"""Sharded files: `<prefix>-00000-of-00001.tfrecord` and `.parquet`, all of them complete or none.

Each bundle writes a file under a temporary name. When all are closed they get their final names, and shards of an
earlier run under the same prefix are deleted, however many there are. Beam's own file sinks do the same in three times
as many steps for each output, which would take longer than the metrics of a small evaluation.
"""

from __future__ import annotations

import glob
import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from assay import storage
from assay.errors import ColumnTypeError, MissingFileError, TransientError
from assay.storage.framing import framed
from assay.writers.files import remove, temporary_name, write_file, writing

_RECORDS, _BYTES = 1024, 16 << 20
_COMPRESSION = "zstd"
"""Plots become two thirds of what Parquet's default makes of them, in about as much time."""


class ShardFile(Protocol):
    """A shard that is being written."""

    def write(self, element: Any) -> None:
        """Adds an element."""

    def close(self) -> None:
        """Completes the file."""

    def abandon(self) -> None:
        """Gives the file up; the caller removes it."""


@dataclass(frozen=True)
class Shards:
    """Where and how the elements of one output are written.

    Attributes:
        prefix: path without shard and suffix.
        suffix: `.tfrecord` or `.parquet`.
        opened: (binary file, prefix) -> the shard that writes to it.
    """

    prefix: str
    suffix: str
    opened: Callable[[BinaryIO, str], ShardFile]

    def name(self, shard: int, count: int) -> str:
        """Final path of a shard."""
        return f"{self.prefix}-{shard:05d}-of-{count:05d}{self.suffix}"


class WriteShards(beam.PTransform):
    """{output: PCollection} -> for each output, the list of the names of its files.

    Args:
        outputs: output -> its shards; an output that is not among the PCollections gets one file without elements.
    """

    def __init__(self, outputs: Mapping[str, Shards]) -> None:
        super().__init__()
        self._outputs = dict(outputs)

    def expand(self, evaluation: Mapping[str, beam.PCollection[Any]]) -> beam.PCollection[list[str]]:
        written = [
            evaluation[output] | f"Write({output})" >> beam.ParDo(_WriteShard(output, shards))
            for output, shards in self._outputs.items()
            if output in evaluation
        ]
        pipeline = next(iter(evaluation.values())).pipeline
        paths = beam.pvalue.AsList(tuple(written) | "Flatten" >> beam.Flatten(pipeline=pipeline))
        publish = beam.FlatMap(_publish, outputs=self._outputs, paths=paths).with_output_types(list[str])
        return pipeline | "Start" >> beam.Impulse() | "Publish" >> publish


class _WriteShard(beam.DoFn):
    """Elements -> (output, path of the file that the bundle wrote)."""

    def __init__(self, output: str, shards: Shards) -> None:
        self._output, self._shards = output, shards
        self._open: tuple[str, BinaryIO, ShardFile] | None = None

    def start_bundle(self) -> None:
        self._abandon()  # a file of a bundle that failed in another step

    def process(self, element: Any) -> None:
        try:
            with writing(self._shards.prefix):
                self._write(element)
        except BaseException:
            self._abandon()
            raise

    def _write(self, element: Any) -> None:
        if self._open is None:
            path = temporary_name(self._shards.prefix)
            file = storage.open_write(path)
            try:
                self._open = path, file, self._shards.opened(file, self._shards.prefix)
            except BaseException:
                _discard(path, file)
                raise
        self._open[2].write(element)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        if self._open is not None:
            path, file, shard = self._open
            try:
                with writing(self._shards.prefix):
                    shard.close()
                    file.close()
            except BaseException:
                self._abandon()
                raise
            self._open = None
            window = GlobalWindow()
            yield WindowedValue((self._output, path), window.max_timestamp(), [window])

    def teardown(self) -> None:
        """Another step of the bundle may have failed while a file was open."""
        self._abandon()

    def _abandon(self) -> None:
        """Removes a file that will not be completed; never raises."""
        if self._open is not None:
            path, file, shard = self._open
            self._open = None
            with suppress(Exception):
                shard.abandon()
            _discard(path, file)


def _discard(path: str, file: BinaryIO) -> None:
    with suppress(Exception):
        file.close()
    remove(path)


def _publish(_: bytes, outputs: Mapping[str, Shards], paths: list[tuple[str, str]]) -> Iterator[list[str]]:
    """Gives the files of all outputs, `paths` (output, path), their final names. Can be run again after a failure."""
    for output, shards in outputs.items():
        with writing(shards.prefix):
            yield _rename(shards, sorted(path for owner, path in paths if owner == output))


def _rename(shards: Shards, paths: list[str]) -> list[str]:
    names = [shards.name(i, max(len(paths), 1)) for i in range(max(len(paths), 1))]

    # An earlier try may have had other files, where an engine has run some of the bundles again since.
    journal = f"{shards.prefix}.{'0' * 32}.tmp"
    _take_back(journal)
    missing = [path for path in paths if storage.stat(path) is None]
    if paths and missing == paths and all(storage.stat(name) is not None for name in names):
        return names  # it had these, and renamed all of them
    if missing:
        raise TransientError(
            f"{missing[0]}: the file of a bundle is gone, as the engine has run others again after it was published; "
            "run again"
        )

    for path in storage.match(f"{glob.escape(shards.prefix)}-?????-of-?????{shards.suffix}"):
        storage.delete(path)
    if not paths:
        content = io.BytesIO()
        shards.opened(content, shards.prefix).close()
        write_file(names[0], content.getvalue())
    if len(paths) > 1:
        storage.write(journal, json.dumps(dict(zip(paths, names, strict=True))).encode())
    for path, name in zip(paths, names, strict=False):
        storage.rename(path, name)
    remove(journal)
    return names


def _take_back(journal: str) -> None:
    """Gives files their temporary names again that a try has renamed which did not come to its end."""
    try:
        renamed: dict[str, str] = json.loads(storage.read(journal))
    except MissingFileError:
        return
    for path, name in renamed.items():
        if storage.stat(path) is None and storage.stat(name) is not None:
            storage.rename(name, path)


def as_record(element: Any) -> bytes:
    """The bytes of a record; an evaluator of the user's own may give the message instead."""
    record: bytes = element if isinstance(element, bytes) else element.SerializeToString()
    return record


class RecordFile:
    """TFRecords of bytes or messages."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file

    def write(self, element: Any) -> None:
        """Adds a record."""
        self._file.write(framed(as_record(element)))

    def close(self) -> None:
        """Nothing to do: every record is written at once."""

    def abandon(self) -> None:
        """Nothing to do."""


class TableFile:
    """A Parquet file whose schema may not be known before its first table.

    Args:
        file: the file to write.
        name: its name, for errors.
        table_of: makes a table of up to 1,024 elements; if they are bytes, of up to 16 MB.
        schema: of all tables; None is that of the first.
    """

    def __init__(
        self, file: BinaryIO, name: str, table_of: Callable[[list[Any]], pa.Table], schema: pa.Schema | None = None
    ) -> None:
        self._file, self._name, self._table_of = file, name, table_of
        self._writer = pq.ParquetWriter(file, schema, compression=_COMPRESSION) if schema is not None else None
        self._held: list[Any] = []
        self._bytes = 0

    def write(self, element: Any) -> None:
        """Adds an element."""
        self._held.append(element)
        self._bytes += len(element) if isinstance(element, bytes) else _BYTES
        if len(self._held) >= _RECORDS or self._bytes >= _BYTES:
            self._flush()

    def _flush(self) -> None:
        table = self._table_of(self._held)
        self._held, self._bytes = [], 0
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._file, table.schema, compression=_COMPRESSION)
        self._writer.write_table(self._fitting(table, self._writer.schema))

    def _fitting(self, table: pa.Table, expected: pa.Schema) -> pa.Table:
        try:
            return table if table.schema.equals(expected) else table.select(expected.names).cast(expected)
        except (pa.ArrowException, KeyError) as error:
            raise ColumnTypeError(
                f"{self._name}: batches have different columns; expected {_text(expected)}, found {_text(table.schema)}"
            ) from error

    def close(self) -> None:
        """Completes the file, even if it has no table."""
        if self._held:
            self._flush()
        (self._writer or pq.ParquetWriter(self._file, pa.schema([]))).close()

    def abandon(self) -> None:
        """Closes the Parquet writer; otherwise Python would do so later, when the file is closed already."""
        if self._writer is not None:
            self._writer.is_open = False
            self._writer.writer.close()


def _text(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name}: {field.type}" for field in schema)
