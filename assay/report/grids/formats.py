"""Grids for other programs: CSV, JSON and Markdown."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

from assay.report.grids import markdown_table
from assay.report.grids.grid import Grid, Value
from assay.text.printable import printable_line


def as_csv(grid: Grid) -> str:
    """A line for each row, after one with the names of the columns.

    Numbers have all their digits; NaN and inf are written so. Nothing is an empty cell.
    """
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow([column.head for column in grid.columns])
    writer.writerows([_csv_value(value) for value in row] for row in grid.rows)
    return content.getvalue()


def as_json(grid: Grid) -> str:
    """A list with an object for each row; see `objects_of`."""
    return json.dumps(objects_of(grid), indent=1, allow_nan=False) + "\n"


def objects_of(grid: Grid) -> list[dict[str, Any]]:
    """Each row as name of a column -> JSON value. JSON has no NaN: what is no finite number is null."""
    names = [column.name for column in grid.columns]
    return [dict(zip(names, map(_json_value, row), strict=True)) for row in grid.rows]


def as_markdown(grid: Grid) -> str:
    """A table as GitHub knows it, with the texts that a terminal shows."""
    words = [i for i, column in enumerate(grid.columns) if column.kind == "text"]
    return markdown_table.table([column.head for column in grid.columns], grid.texts(), words) + "\n"


def _csv_value(value: Value) -> Value:
    if isinstance(value, str):
        return printable_line(value)
    if isinstance(value, bool):
        return str(value).lower()
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


def _json_value(value: Value) -> Value:
    return None if isinstance(value, float) and not math.isfinite(value) else value
