from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from assay.metrics.declare import definitions
from assay.report.reference.described_metrics import describe
from assay.report.reference.metrics_page import metrics_page

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"


def rows_of(page: str) -> list[list[str]]:
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [row for row in cells if row[0] not in ("---", "class name") and len(row) > 2]  # two: how to ask for classes


def test_the_page_in_docs_is_what_the_registry_says():
    assert PAGE.read_text() == metrics_page(definitions()), "docs/metrics.md is out of date; run: make docs"


def test_every_class_name_is_in_one_row():
    named = [name for row in rows_of(metrics_page(definitions())) for name in re.findall(r"`(\w+)`", row[0])]
    assert sorted(named) == sorted(definitions())


def test_every_row_tells_what_the_value_is():
    assert [row[0] for row in rows_of(metrics_page(definitions())) if len(row[2]) < 10] == []


def test_every_table_has_as_many_cells_in_each_row():
    for table in re.findall(r"(?:^\|.*\n)+", metrics_page(definitions()), re.MULTILINE):
        assert len({len(re.split(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


@pytest.mark.parametrize("class_name", sorted(definitions()))
def test_every_setting_stands_in_the_row_of_its_metric(class_name):
    definition = definitions()[class_name]
    (row,) = (row for row in rows_of(metrics_page(definitions())) if f"`{class_name}`" in row[0].split(", "))
    for name, default in {**definition.state_settings, **definition.settings}.items():
        shown = f"`{name}`" if default is inspect.Parameter.empty else f"`{name}` = "
        assert any(shown in cell for cell in row)


@pytest.mark.parametrize(
    ("docstring", "value", "undefined", "source"),
    [
        ("Share of rows.", "Share of rows.", "", ""),
        ("Mean label; NaN without weight.", "Mean label.", "without weight", ""),
        ("Odds.\n\n    NaN at 0.\n    Source: Glas et al. (2003).", "Odds.", "at 0", "Glas et al. (2003)"),
        ("A; b; NaN if c; d. Source: E (1999).", "A; b.", "if c; d", "E (1999)"),
        (None, "", "", ""),
    ],
)
def test_a_docstring_tells_value_undefined_cases_and_source(docstring, value, undefined, source):
    assert describe(docstring) == (value, undefined, source)
