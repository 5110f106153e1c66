"""Metrics as a flat Parquet table."""

from __future__ import annotations

from functools import partial
from typing import Any

import pyarrow as pa

from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.results.long_tables import METRICS_SCHEMA, metrics_table
from assay.storage.file_paths import FilePath
from assay.types import METRICS_KEY, WRITE_METRICS_TABLE_STAGE_NAME, Writer
from assay.writers.files import path_in
from assay.writers.shards import Shards, TableFile, WriteShards, as_record

# A name that starts with `metrics` would be taken for the metrics themselves by TFMA's loaders.
METRICS_TABLE_FILES = "flat_metrics"


def MetricsTableWriter(output_path: FilePath) -> Writer:
    """Writer of `flat_metrics-*.parquet`: one row for each slice and number; columns as in `METRICS_SCHEMA`."""
    shards = Shards(
        path_in(output_path, METRICS_TABLE_FILES),
        ".parquet",
        partial(TableFile, table_of=_table, schema=METRICS_SCHEMA),
    )
    return Writer(WRITE_METRICS_TABLE_STAGE_NAME, WriteShards({METRICS_KEY: shards}))


def _table(elements: list[Any]) -> pa.Table:
    return metrics_table(MetricsForSlice.FromString(as_record(element)) for element in elements)
