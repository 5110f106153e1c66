"""Metrics by class as a grid: a row for each class and average."""

from __future__ import annotations

from collections.abc import Sequence

from assay.metrics.keys import MetricKey
from assay.report.class_grid import class_grid
from assay.report.evidence import Evidence, Slice
from assay.report.figures import Figure
from assay.report.grids.grid import Column, Grid, Value
from assay.report.terminal.slices_grid import COLOURS, figure_text
from assay.results.labels import labels_of


def classes_grid(slice_: Slice, figures: Sequence[Figure], evidence: Evidence) -> Grid | None:
    """The figures of a slice by class; None if there are no classes to compare.

    Args:
        slice_: whose values are shown.
        figures: whose values have columns.
        evidence: of the run.
    """
    by_measure: dict[MetricKey, dict[str, Figure]] = {}
    for figure in figures:
        if figure.measure.is_number:
            by_measure.setdefault(figure.measure.key, {})[figure.heading] = figure
    grid = class_grid(by_measure, evidence.classes)
    if grid is None:
        return None

    columns = [Column("class")]
    rows: list[list[Value]] = [[name] for name in grid.rows]
    for label, column in labels_of(grid.columns, evidence.classes).items():
        of_rows = [by_measure[keys[column]] if column in keys else {} for keys in grid.rows.values()]
        own = {heading for of_row in of_rows for heading, figure in of_row.items() if figure.is_own}
        for heading in dict.fromkeys(heading for of_row in of_rows for heading in of_row):
            name = label if heading in own else f"{label} {heading}"
            columns.append(Column(name, "number", COLOURS, follows=heading not in own))
            for row, of_row in zip(rows, of_rows, strict=True):
                row.append(figure_text(slice_, of_row[heading]) if heading in of_row else "")
    return Grid(columns, rows)
