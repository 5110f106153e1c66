"""Values of a run as a tidy grid: a row for each slice and number, of all models, with bounds and all digits."""

from __future__ import annotations

from collections.abc import Sequence

from assay.report.evidence import Slice
from assay.report.figures import Figure
from assay.report.grids.grid import Column, Grid, Value
from assay.results.files import load_metrics
from assay.results.keys import text_of
from assay.results.long_tables import METRICS_SCHEMA, key_row, metrics_table
from assay.results.records import ERROR_METRIC_NAME

_TEXTS = ("slice", "metric", "model", "output", "aggregation", "element", "text")
_KEY = ("metric", "model", "output", "class_id", "k", "top_k", "weighted", "aggregation", "is_diff")


def tidy_grid(results: str, slices: Sequence[Slice], figures: Sequence[Figure]) -> Grid:
    """The values of some figures in some slices; a slice with too few rows has one row, which says so.

    Columns are those of `long_tables.METRICS_SCHEMA` but for `slice_key`; `at` behind `position`, which says what a
    number of several is at, such as its threshold; and `failed`, whether a threshold fails on the value.

    Args:
        results: folder of a run.
        slices: of the run, in the order wanted.
        figures: of the run.

    Raises:
        CorruptFileError: a file is damaged.
    """
    records = {text_of(record): record for record in load_metrics(results)}
    rows = metrics_table(records[slice_.name] for slice_ in slices).drop_columns(["slice_key"]).to_pylist()

    wanted = {(key_row(figure.key), figure.position): figure for figure in figures}
    failed = {(slice_.name, key_row(key)) for slice_ in slices for key in slice_.failed}
    names = [name for name in METRICS_SCHEMA.names if name != "slice_key"]
    after_position = names.index("position") + 1
    names = [*names[:after_position], "at", *names[after_position:], "failed"]

    kept: list[list[Value]] = []
    for row in rows:
        key = tuple(row[name] for name in _KEY)
        figure = wanted.get((key, row["position"])) or wanted.get((key, None))
        if figure is not None or row["metric"] == ERROR_METRIC_NAME:
            at = figure.measure.points[figure.position] if figure and figure.position is not None else None
            more = {"at": at, "failed": (row["slice"], key) in failed}
            kept.append([{**row, **more}[name] for name in names])
    return Grid([Column(name, "text" if name in _TEXTS else "number") for name in names], kept)
