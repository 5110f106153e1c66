"""Metrics, plots, attributions and validations in the files that TFMA's loaders open too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, BinaryIO

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq

from assay.errors import PipelineError
from assay.proto import metrics_for_slice_pb2 as pb
from assay.storage.file_paths import FilePath
from assay.storage.framing import framed
from assay.types import (
    ATTRIBUTIONS_KEY,
    METRICS_KEY,
    OUTPUT_FILE_FORMATS,
    PARQUET,
    PLOTS_KEY,
    TFRECORD,
    VALIDATIONS_KEY,
    WRITE_METRICS_PLOTS_AND_VALIDATIONS_STAGE_NAME,
    Evaluation,
    Writer,
)
from assay.writers.files import create_files, path_in, write_file
from assay.writers.shards import RecordFile, ShardFile, Shards, TableFile, WriteShards, as_record

SERIALIZED_VALUE_COLUMN = "serialized_value"
_SLICE_KEY_TYPE = pa.struct(
    {
        "single_slice_keys": pa.list_(
            pa.struct(
                {
                    "column": pa.string(),
                    "bytes_value": pa.binary(),
                    "float_value": pa.float32(),
                    "int64_value": pa.int64(),
                }
            )
        )
    }
)
_SLICED = pa.schema({"slice_key": _SLICE_KEY_TYPE, SERIALIZED_VALUE_COLUMN: pa.binary()})
_MESSAGES: Mapping[str, Any] = {
    METRICS_KEY: pb.MetricsForSlice,
    PLOTS_KEY: pb.PlotsForSlice,
    ATTRIBUTIONS_KEY: pb.AttributionsForSlice,
}


def MetricsPlotsAndValidationsWriter(output_path: FilePath, output_file_format: str = TFRECORD) -> Writer:
    """Writer of `metrics`, `plots`, `attributions` (sharded) and `validations` (one file).

    Args:
        output_path: folder of the results.
        output_file_format: `tfrecord` (one record a slice) or `parquet` (columns `slice_key` and `serialized_value`).
            An output that no evaluator has gets a file without records.
            Files of the other format that an earlier run left in the folder stay; loaders refuse a folder with both.

    Raises:
        PipelineError: another format.
    """
    if output_file_format not in OUTPUT_FILE_FORMATS:
        raise PipelineError(
            f"output_file_format: expected one of {list(OUTPUT_FILE_FORMATS)}, found {output_file_format!r}"
        )
    transform = _WriteAll(output_path, output_file_format)
    return Writer(WRITE_METRICS_PLOTS_AND_VALIDATIONS_STAGE_NAME, transform)


class _WriteAll(beam.PTransform):
    """Evaluation -> {what: names of written files}."""

    def __init__(self, output_path: FilePath, output_file_format: str) -> None:
        super().__init__()
        self._folder, self._format = output_path, output_file_format

    def expand(self, evaluation: Evaluation) -> dict[str, beam.PCollection[str]]:
        shards = {key: self._shards(key) for key in _MESSAGES}
        written = {"shards": evaluation | "WriteShards" >> WriteShards(shards)}
        path = path_in(self._folder, f"{VALIDATIONS_KEY}.{self._format}")
        if VALIDATIONS_KEY in evaluation:
            write = beam.Map(_write_validations, path=path, form=self._format).with_output_types(str)
            written[VALIDATIONS_KEY] = evaluation[VALIDATIONS_KEY] | f"Write({VALIDATIONS_KEY})" >> write
        else:
            pipeline = next(iter(evaluation.values())).pipeline
            written[VALIDATIONS_KEY] = create_files(pipeline, {path: _file_of([], self._format)})
        return written

    def _shards(self, key: str) -> Shards:
        opened: Callable[[BinaryIO, str], ShardFile] = RecordFile
        if self._format == PARQUET:
            opened = partial(TableFile, table_of=partial(_sliced_table, key=key), schema=_SLICED)
        return Shards(path_in(self._folder, key), f".{self._format}", opened)


def _write_validations(record: bytes, path: str, form: str) -> str:
    return write_file(path, _file_of([record], form))


def _file_of(records: list[bytes], form: str) -> bytes:
    """The bytes of a small file."""
    if form == TFRECORD:
        return b"".join(framed(record) for record in records)
    stream = pa.BufferOutputStream()
    pq.write_table(pa.table({SERIALIZED_VALUE_COLUMN: pa.array(records, pa.binary())}), stream)
    content: bytes = stream.getvalue().to_pybytes()
    return content


def _sliced_table(elements: list[Any], key: str) -> pa.Table:
    """Serialised messages beside the slice that each speaks of; a cross slice has no key there."""
    records = [as_record(element) for element in elements]
    slices = [_MESSAGES[key].FromString(record).slice_key.single_slice_keys for record in records]
    rows = [{"single_slice_keys": [_single(part) for part in parts]} for parts in slices]
    return pa.table({"slice_key": rows, SERIALIZED_VALUE_COLUMN: records}, schema=_SLICED)


def _single(part: pb.SingleSliceKey) -> dict[str, Any]:
    kind = part.WhichOneof("kind")
    return {"column": part.column, **({kind: getattr(part, kind)} if kind else {})}
