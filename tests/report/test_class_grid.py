"""Values of classes stand in a grid, a class a row and a metric a column, in terminal, page and summary."""

import re
from typing import Any

import numpy as np
import pytest

from assay.metrics.keys import AggregationType, MetricKey, SubKey
from assay.metrics.values import Value
from assay.report.class_grid import class_grid
from assay.report.page.results import html_page, markdown_summary
from assay.results.class_names import NO_NAMES, ClassNames
from assay.types import SliceKey
from tests.report.made_results import save
from tests.report.on_terminal import shown

SLICES: list[SliceKey] = [(), (("city", "Oslo"),)]
MACRO = AggregationType(macro_average=True)


def keys_of(name, classes, **fields):
    return [MetricKey(name, sub_key=SubKey(class_id=i), **fields) for i in classes]


def results_with(folder, keys):
    """Results in which the i-th key has the value 0.01 i overall, and 0.5 more in Oslo."""
    values: dict[MetricKey, Value] = {key: np.array([0.01 * i, 0.5 + 0.01 * i]) for i, key in enumerate(keys, 1)}
    return save(folder, SLICES, np.array([0.8, 0.9]), more=values)


def compared(name, classes):
    """Keys of a metric of both models, and of their difference."""
    models: list[dict[str, Any]] = [
        {"model_name": "new"},
        {"model_name": "old"},
        {"model_name": "new", "is_diff": True},
    ]
    return [key for fields in models for key in keys_of(name, classes, **fields)]


def rows_of(lines):
    """Cells by the first one, of the lines of tables."""
    cells = [[cell.strip() for cell in re.split(r"\s{2,}", line)] for line in lines]
    return {row[0]: row[1:] for row in cells}


def test_a_grid_has_a_row_for_each_class_in_the_order_of_ids_then_averages():
    recall, auc = keys_of("recall", [2, 0, 10]), keys_of("auc", [0, 1, 2])
    average = MetricKey("auc", aggregation_type=MACRO)
    grid = class_grid([average, *recall, *auc, MetricKey("example_count")], ClassNames(("",), {("", ""): ["a", "b"]}))
    assert list(grid.rows) == ["0 (a)", "1 (b)", "2", "10", "macro_average"]
    assert grid.rows["0 (a)"] == {MetricKey("recall"): recall[1], MetricKey("auc"): auc[0]}
    assert grid.rows["10"] == {MetricKey("recall"): recall[2]}
    assert grid.rows["macro_average"] == {MetricKey("auc"): average}


def test_outputs_with_other_classes_have_rows_of_their_own():
    kind, mood = (keys_of("auc", range(3), output_name=output) for output in ("kind", "mood"))
    names = ClassNames(("",), {("", "kind"): ["cat", "dog", "bird"], ("", "mood"): ["calm", "wild", "bird"]})
    grid = class_grid([*kind, *mood], names)
    assert list(grid.rows) == ["0 (cat)", "0 (calm)", "1 (dog)", "1 (wild)", "2 (bird)"]
    assert list(grid.rows["2 (bird)"].values()) == [kind[2], mood[2]]


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [MetricKey("auc"), MetricKey("auc", aggregation_type=MACRO)],
        keys_of("auc", [0, 1]),
        [MetricKey("ndcg", sub_key=SubKey(top_k=k)) for k in range(1, 9)],
        [MetricKey("recall", sub_key=SubKey(k=k)) for k in range(1, 9)],
    ],
)
def test_without_three_classes_of_a_metric_there_is_no_grid(keys):
    assert class_grid(keys, NO_NAMES) is None


def test_the_grid_holds_values_of_its_classes_alone():
    one = MetricKey("f1_score", sub_key=SubKey(class_id=1))
    average, other = MetricKey("auc", aggregation_type=MACRO), MetricKey("auc", sub_key=SubKey(top_k=1))
    grid = class_grid([*keys_of("auc", range(3)), one, average, other], NO_NAMES)
    assert [grid.holds(key) for key in (*keys_of("auc", range(3)), one, average, other)] == [True] * 3 + [False] * 3


def test_the_terminal_shows_classes_by_metric_and_leaves_them_out_of_the_other_table(tmp_path):
    keys = [*compared("recall", range(3)), MetricKey("recall", "new", aggregation_type=MACRO)]
    results = results_with(tmp_path, keys)
    lines = shown(results)
    rows = rows_of(lines)
    assert "Overall, by class" in lines
    assert rows["class"] == ["recall", "recall change"]
    assert rows["0"] == ["0.0100", "+0.0700"]
    assert rows["2"] == ["0.0300", "+0.0900"]
    assert rows["macro_average"] == ["0.1000"]
    assert any("recall macro_average" in line for line in lines)
    assert not any("class_id" in line for line in lines)
    asked = shown(results, metrics=["recall"])
    assert any("class_id" in line for line in asked)
    assert not any("by class" in line for line in asked)


def test_the_terminal_shows_the_classes_of_the_slice_that_is_asked_for(tmp_path):
    results = results_with(tmp_path, keys_of("recall", range(3), model_name="new"))
    assert rows_of(shown(results, slices="Oslo"))["1"] == ["0.5200"]


def test_the_terminal_shows_forty_classes_and_says_how_many_more_there_are(tmp_path):
    results = results_with(tmp_path, keys_of("recall", range(100), model_name="new"))
    lines = shown(results)
    assert "39" in rows_of(lines)
    assert "40" not in rows_of(lines)
    assert "... and 60 rows more; assay show --all shows them" in lines
    assert "99" in rows_of(shown(results, everything=True))


def test_without_classes_the_terminal_shows_no_second_table(tmp_path):
    assert not any("by class" in line for line in shown(results_with(tmp_path, [MetricKey("recall", "new")])))


def test_the_page_and_the_summary_have_a_row_for_each_class_with_models_side_by_side(tmp_path):
    results = results_with(tmp_path, compared("recall", range(3)))
    text = markdown_summary(results)
    assert "| Class | recall new | recall old | recall change |" in text
    assert "| 1 | 0.0200 | 0.0500 | +0.0800 |" in text
    assert "class\\_id" not in text.split("###")[1]

    page = html_page(results)
    assert "<h3>By class</h3>" in page
    assert "recall change</th>" in page
    assert page.count("<td>0.0200</td>") >= 1
