"""Result tables as pandas frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from assay.results.files import load_metrics, load_plots
from assay.results.keys import in_order, text_of
from assay.results.long_tables import CrossSliceKey, key_of, metrics_table, plots_table
from assay.storage.file_paths import FilePath
from assay.types import SliceKey

if TYPE_CHECKING:
    import pandas as pd


_ALWAYS = ("slice", "rows", "metric", "value")


def metrics_frame(output_path: FilePath) -> pd.DataFrame:
    """One row for each slice and number of a metric, of all models.

    Columns as in `long_tables.METRICS_SCHEMA`, but `slice_key` holds the slice key itself, ((feature, value), ...).

    Args:
        output_path: as for `load_eval_result`.

    Raises:
        ResultsError: no such folder, or no metrics in it.
        CorruptFileError: a file is damaged.
    """
    records = in_order(load_metrics(output_path))
    return _frame(metrics_table(records), {text_of(record): key_of(record) for record in records})


def plots_frame(output_path: FilePath) -> pd.DataFrame:
    """One row for each slice and threshold or bucket of a plot, of all models.

    Columns as in `long_tables.PLOTS_SCHEMA`, `slice_key` as in `metrics_frame`; arguments and errors as there.
    """
    records = in_order(load_plots(output_path))
    return _frame(plots_table(records), {text_of(record): key_of(record) for record in records})


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """Without the columns in which there is nothing; slices keep their text and not their keys."""
    is_empty = frame.isna() | (frame == "")
    if not frame["is_diff"].any():
        is_empty["is_diff"] = True
    kept = [column for column in frame.columns if column in _ALWAYS or not is_empty[column].all()]
    return frame[[column for column in kept if column != "slice_key"]]


def _frame(table: Any, keys: Mapping[str, SliceKey | CrossSliceKey]) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa

    nullable = {pa.int32(): pd.Int32Dtype(), pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    at = table.schema.get_field_index("slice_key")
    frame: pd.DataFrame = table.remove_column(at).to_pandas(types_mapper=nullable.get)
    frame.insert(at, "slice_key", pd.Series([keys[text] for text in frame["slice"]], dtype=object))
    return frame
