"""Matrices of several classes on the page and in the summary."""

import numpy as np
import pytest

from assay.metrics.keys import MetricKey, PlotKey
from assay.metrics.values import MultiClassMatrices, MultiLabelMatrices
from assay.report.page.results import html_page, markdown_summary
from tests.report.made_results import save
from tests.report.page.test_page import Page

MATRIX = [[0, 0, 0, 30], [0, 0, 2, 10], [0, 1, -1, 5], [0, 1, 0, 2], [0, 1, 1, 43], [0, 2, 2, 10]]
PAIRS = [[0, 0, 0, 3, 0, 0, 9], [0, 0, 1, 1, 2, 3, 6], [0, 1, 0, 2, 2, 0, 0], [0, 1, 1, 0, 0, 0, 4]]


def of(kind, *cells):
    values = np.empty(1, object)
    values[0] = np.array(cells, float)
    return kind(np.array([0.5]), values)


def results(folder, plots, **more):
    return save(folder, [()], np.array([0.8]), plotted=1, more_plots=plots, **more)


def labels_of(page):
    return [value for tag, name, value in page.attributes if (tag, name) == ("svg", "aria-label")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    plots = {
        PlotKey("multi_class_confusion_matrix_plot", "new"): [of(MultiClassMatrices, *MATRIX)],
        PlotKey("multi_label_confusion_matrix_plot", "new"): [of(MultiLabelMatrices, *PAIRS)],
    }
    metrics = {MetricKey("classes", name): of(MultiClassMatrices, *MATRIX) for name in ("new", "old")}
    return results(tmp_path_factory.mktemp("classes"), plots, more=metrics)


def test_a_matrix_of_several_classes_is_a_diagram_with_words_for_those_who_cannot_see_it(folder):
    page = Page(html_page(folder))
    assert labels_of(page).count("new at 0.5: 3 classes, 83.0% predicted right") == 2  # a plot, and a metric
    assert labels_of(page).count("old at 0.5: 3 classes, 83.0% predicted right") == 1
    assert "multi class confusion matrix plot" in page.texts


def test_the_most_frequent_confusions_are_told_in_a_table(folder):
    tables = [rows for rows in Page(html_page(folder)).rows.values() if rows[0][:2] == ["Label", "Predicted"]]
    assert len(tables) == 3
    assert tables[0][1:] == [["0", "2", "10", "25.0%"], ["1", "none", "5", "10.0%"], ["1", "0", "2", "4.0%"]]


def test_a_diagram_has_rows_for_classes_that_occur_and_a_column_where_none_is_predicted(folder):
    boxes = [value for tag, name, value in Page(html_page(folder)).attributes if (tag, name) == ("svg", "viewbox")]
    assert boxes.count(f"0 0 {64 + 4 * 46 + 4} {46 + 3 * 24 + 4}") == 3
    assert boxes.count(f"0 0 {64 + 2 * 46 + 4} {46 + 2 * 24 + 4}") == 1


def test_pairs_of_classes_show_what_is_predicted_in_the_rows_of_each_class(folder):
    page = Page(html_page(folder))
    assert "new at 0.5: classes predicted in the rows of each class: 2 classes" in labels_of(page)
    assert {"75.0%", "100.0%"} <= set(page.texts)


def test_of_many_classes_the_largest_are_drawn(tmp_path):
    cells = [[0, i, (i + shift) % 40, 1 + i] for i in range(40) for shift in (0, 1)]
    plots = {PlotKey("plot", "new"): [of(MultiClassMatrices, *cells)]}
    text = html_page(results(tmp_path, plots))
    assert len(text) < 200_000
    assert "new at 0.5: 40 classes, 50.0% predicted right; the 16 largest are shown" in Page(text).texts


def test_a_matrix_without_rows_says_so(tmp_path):
    plots = {PlotKey("plot", "new"): [of(MultiClassMatrices, [0, 0, 0, 0.0])]}
    assert "new at 0.5: no rows" in labels_of(Page(html_page(results(tmp_path, plots))))


def test_the_summary_has_the_confusions_of_all_rows(folder):
    text = markdown_summary(folder)
    assert "### Confusions of classes new at 0.5" in text
    assert "| 0 | 2 | 10 | 25.0% |" in text
