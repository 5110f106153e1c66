"""Metrics as a flat Parquet table."""

from __future__ import annotations

import apache_beam as beam
import pyarrow as pa

from assay.long_tables import METRICS_SCHEMA, metrics_table
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.types import METRICS_KEY, Writer
from assay.writers.batches import InTables
from assay.writers.files import path_in
from assay.writers.sinks import write_tables
from assay.writers.write import Write

WRITE_METRICS_TABLE_STAGE_NAME = "WriteMetricsTable"

# A name that starts with `metrics` would be taken for the metrics themselves by TFMA's loaders.
METRICS_TABLE_FILES = "flat_metrics"


def MetricsTableWriter(output_path: str) -> Writer:
    """Writer of `flat_metrics-*.parquet`: one row for each slice and number; columns as in `METRICS_SCHEMA`."""
    return Writer(WRITE_METRICS_TABLE_STAGE_NAME, Write(METRICS_KEY, _WriteTable(output_path)))


class _WriteTable(beam.PTransform):
    """PCollection[bytes] -> names of written files."""

    def __init__(self, output_path: str) -> None:
        super().__init__()
        self._prefix = path_in(output_path, METRICS_TABLE_FILES)

    def expand(self, records: beam.PCollection[bytes]) -> beam.PCollection[str]:
        tables = records | "InTables" >> beam.ParDo(InTables(_table)).with_output_types(pa.Table)
        return tables | write_tables(self._prefix, METRICS_SCHEMA)


def _table(records: list[bytes]) -> pa.Table:
    return metrics_table(MetricsForSlice.FromString(record) for record in records)
