"""The rows themselves, as a Parquet table."""

from __future__ import annotations

from functools import partial
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa

from assay.errors import ColumnTypeError, PipelineError
from assay.extracts.columns import Column, leaves, row_count
from assay.storage.file_paths import FilePath
from assay.types import ANALYSIS_KEY, WRITE_ANALYSIS_TABLE_STAGE_NAME, Evaluation, Extracts, Writer
from assay.writers.files import path_in
from assay.writers.shards import Shards, TableFile, WriteShards

ANALYSIS_TABLE_FILES = "analysis"


def AnalysisTableWriter(output_path: FilePath) -> Writer:
    """Writer of `analysis-*.parquet`: one row for each row of the Extracts under the output `analysis`.

    A nested key becomes a column `features.age`; keys that start with an underscore are left out; an array of more than
    one axis becomes lists.
    """
    shards = Shards(path_in(output_path, ANALYSIS_TABLE_FILES), ".parquet", partial(TableFile, table_of=_table))
    return Writer(WRITE_ANALYSIS_TABLE_STAGE_NAME, _WriteTable(shards))


class _WriteTable(beam.PTransform):
    """Evaluation -> names of written files."""

    def __init__(self, shards: Shards) -> None:
        super().__init__()
        self._shards = shards

    def expand(self, evaluation: Evaluation) -> beam.PCollection[str]:
        if ANALYSIS_KEY not in evaluation:
            raise PipelineError(f"{WRITE_ANALYSIS_TABLE_STAGE_NAME}: no evaluator has the output {ANALYSIS_KEY!r}")
        filled = evaluation[ANALYSIS_KEY] | "Filled" >> beam.Filter(row_count)
        return {ANALYSIS_KEY: filled} | WriteShards({ANALYSIS_KEY: self._shards})


def _table(batches: list[Extracts]) -> pa.Table:
    return pa.concat_tables([extracts_table(batch) for batch in batches])


def extracts_table(extracts: Extracts) -> pa.Table:
    """A batch as a table.

    Raises:
        ColumnTypeError: a leaf that Parquet cannot hold.
    """
    columns = {".".join(path): leaf for path, leaf in leaves(extracts) if not any(key.startswith("_") for key in path)}
    return pa.table({name: _arrow(leaf, name) for name, leaf in columns.items()})


def _arrow(leaf: Column, name: str) -> pa.Array:
    if isinstance(leaf, pa.ExtensionArray):
        leaf = leaf.storage
    if isinstance(leaf, pa.DictionaryArray):
        return leaf.dictionary_decode()
    try:
        return leaf if isinstance(leaf, pa.Array) else _lists(np.asarray(leaf))
    except pa.ArrowException as error:
        raise ColumnTypeError(
            f"column {name!r} of the analysis table: {error}; expected numbers, text or lists"
        ) from error


def _lists(array: np.ndarray[Any, Any]) -> pa.Array:
    """An array (n, ...) as n lists; their lengths may differ between batches."""
    if array.ndim == 1:
        return pa.array(array)
    rows, width, *rest = array.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * width
    return pa.ListArray.from_arrays(offsets, _lists(array.reshape(rows * width, *rest)))
