"""The plots of slices that a reader picks: their numbers, the moving threshold, two slices side by side, groups."""

import os
from typing import TypeAlias

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_score, roc_curve

from assay.metrics.keys import PlotKey
from assay.metrics.values import Buckets, Matrices, MultiClassMatrices, MultiLabelMatrices, Value
from assay.report.page.results import html_page
from assay.types import SliceKey
from tests.report.browser import PROGRAM
from tests.report.made_results import save
from tests.report.opened_page import live, saved
from tests.report.page.test_page import cities

pytestmark = pytest.mark.skipif(
    PROGRAM is None and os.environ.get("CI") != "true",
    reason="NOT TESTED: no chromium on this machine (apt-get install chromium)",
)

Plots: TypeAlias = dict[PlotKey, list[Value]]

TITLES = "[...document.querySelectorAll('.picked h3')].map(title => title.firstChild.textContent)"
FIGURES = "[...document.querySelectorAll('.picked figcaption, .picked caption')].map(caption => caption.textContent)"
CELLS = (
    "[...document.querySelector('.picked .confusion tbody').rows]"
    ".map(row => [...row.cells].slice(1).map(cell => cell.firstChild.data))"
)


def scored(seed, rows):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, rows)
    return labels, np.round(np.clip(rng.normal(0.35 + 0.3 * labels, 0.2), 0, 1), 3)


def matrices_of(examples):
    thresholds = np.concatenate([[-1e-6], np.arange(1001) / 1000])
    counts = np.array(
        [
            [confusion_matrix(labels, scores > threshold, labels=[1, 0]).ravel() for threshold in thresholds]
            for labels, scores in examples
        ],
        float,
    )
    tp, fn, fp, tn = np.moveaxis(counts, -1, 0)
    return Matrices(thresholds, tp, fp, tn, fn)


EXAMPLES = [scored(1, 400), scored(2, 150), (np.ones(30, int), np.full(30, 0.5))]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Three slices with plots of 400, 150 and 30 rows; the last has one class. A fourth has no plots."""
    folder = tmp_path_factory.mktemp("plots")
    slices = cities(["Bern", "Genf", "Chur"])
    more = {PlotKey(model_name="", output_name="head"): [matrices_of(EXAMPLES)]}
    results = save(folder, slices, np.array([0.8, 0.9, 0.7, 0.75]), plotted=3, more_plots=more)
    return saved(folder, html_page(results))


def test_the_confusion_matrix_is_that_of_the_threshold_wherever_it_is_moved(tab, page):
    opened = live(tab, page)
    opened.fill("#plots-live .controls select", "1")
    labels, scores = EXAMPLES[0]
    for threshold in (0.5, 0.07, 0.93):
        opened.fill("#threshold", str(threshold))
        tp, fn, fp, tn = confusion_matrix(labels, scores > threshold, labels=[1, 0]).ravel()
        assert opened.run(CELLS) == [[str(tp), str(fn)], [str(fp), str(tn)]]
        assert f"at {threshold}, rows" in opened.text(".confusion caption")
    rates = dict(opened.run("[...document.querySelectorAll('.matrices table:last-child tbody tr')]"
                            ".map(r => [r.cells[0].textContent, r.cells[1].textContent])"))  # fmt: skip
    assert rates["precision"] == f"{precision_score(labels, scores > 0.93):.4f}"


def test_the_threshold_moves_by_keyboard_and_marks_the_point_on_the_curve(tab, page):
    opened = live(tab, page)
    before = opened.run("document.querySelector('.picked .mark').getAttribute('cx')")
    opened.focus("#threshold")
    opened.press("ArrowRight", 10)
    assert opened.text("#plots-live output") == "0.6"
    assert opened.run("document.activeElement.id") == "threshold"
    assert opened.run("document.querySelector('.picked .mark').getAttribute('cx')") != before


def test_the_roc_curve_runs_through_the_points_that_scikit_learn_has(tab, page):
    opened = live(tab, page)
    opened.fill("#plots-live .controls select", "1")
    path = opened.run("document.querySelector('.picked .line').getAttribute('d')")
    drawn = np.array([list(map(float, step.split(","))) for step in path.removeprefix("M").split()])
    fpr, tpr, _ = roc_curve(*EXAMPLES[0], drop_intermediate=False)
    exact = np.stack([44 + 232 * fpr, 8 + 232 * (1 - tpr)], axis=1)
    assert len(drawn) > 60
    assert max(np.linalg.norm(exact - point, axis=1).min() for point in drawn) < 0.1
    area = np.trapezoid(232 - (drawn[:, 1] - 8), drawn[:, 0] - 44) / 232**2
    assert area == pytest.approx(np.trapezoid(tpr, fpr), abs=2e-3)


def test_two_slices_stand_side_by_side_and_a_third_takes_the_place_of_the_first(tab, page):
    opened = live(tab, page)
    assert opened.run(TITLES) == ["Overall"]
    pick = "[...document.querySelectorAll('.pick')].find(one => one.textContent === {!r}).click()"
    opened.run(pick.format("city=Bern"))
    opened.run(pick.format("city=Genf"))
    assert opened.run(TITLES) == ["city=Bern", "city=Genf"]
    tops = "[...document.querySelectorAll('.picked > div')].map(part => part.getBoundingClientRect().top)"
    assert len(set(opened.run(tops))) == 1
    opened.run(pick.format("city=Chur"))
    assert opened.run(TITLES) == ["city=Genf", "city=Chur"]
    assert "There are no plots of this slice" in opened.text(".picked > div:last-child")
    opened.click(".chip")
    assert opened.run(TITLES) == ["city=Chur"]


def test_a_slice_of_one_class_has_no_roc_curve_and_says_so(tab, page):
    opened = live(tab, page, fragment="#panel=1&slices=city%253DGenf")
    assert opened.run(TITLES) == ["city=Genf"]
    assert "the slice has one class only" in opened.text(".picked")


def test_arrow_keys_walk_along_a_curve_and_tell_its_values(tab, page):
    opened = live(tab, page, fragment="#panel=1")
    opened.focus(".picked figure")
    opened.press("ArrowRight", 2)
    assert opened.text(".picked figure .readout").startswith("false positive rate 0, recall 0.0")
    opened.press("ArrowLeft", 5)
    assert opened.text(".picked figure .readout") == "false positive rate 0, recall 0 at 1"


def test_a_pointer_near_a_curve_tells_the_values_below_it(tab, page):
    opened = live(tab, page, fragment="#panel=1")
    opened.run("document.querySelector('.picked svg').scrollIntoView({ block: 'center' })")
    box = opened.run(
        "(() => { const { left, top, width } = document.querySelector('.picked svg').getBoundingClientRect();"
        " return { left, top, width }; })()"
    )
    scale = box["width"] / 288
    for x in (100, 102):  # near the place where 30 % of the negatives are above the threshold
        position = {"x": box["left"] + x * scale, "y": box["top"] + 60 * scale}
        tab.call("Input.dispatchMouseEvent", type="mouseMoved", **position)
    opened.wait_for("document.querySelector('.picked .readout').textContent.includes('recall 0.')")
    told = opened.text(".picked .readout")
    rate, recall, threshold = (float(word.rstrip(",")) for word in told.split() if word[:1].isdigit())
    labels, scores = EXAMPLES[0]
    assert rate == pytest.approx(((scores > threshold) & (labels == 0)).sum() / (labels == 0).sum(), abs=1e-4)
    assert recall == pytest.approx(((scores > threshold) & (labels == 1)).sum() / (labels == 1).sum(), abs=1e-4)


def test_models_that_are_unticked_leave_the_plots_too(tab, page):
    opened = live(tab, page)
    assert len(opened.run("[...document.querySelectorAll('.confusion')]")) == 2
    opened.click("[data-model='old']")
    assert opened.text(".confusion caption") == "new at 0.5, rows"
    assert len(opened.run("[...document.querySelectorAll('.confusion')]")) == 1


def test_weights_are_named_where_counts_are_weighted(tab, tmp_path):
    more = {PlotKey(model_name="new", example_weighted=True): [matrices_of(EXAMPLES[:1])]}
    opened = live(tab, saved(tmp_path, html_page(save(tmp_path, [()], np.array([0.8]), plotted=1, more_plots=more))))
    opened.fill("#plots-live .controls select", "1")
    assert opened.text(".confusion caption") == "new at 0.5, weight"


def test_regression_shows_residuals_and_predictions_in_place_of_a_matrix(tab, tmp_path):
    edges = np.concatenate([[-np.inf], np.linspace(0, 100, 51), [np.inf]])
    weight = np.ones((1, 52))
    predictions = np.concatenate([[-2], np.linspace(1, 99, 50), [103]])[None]
    more: Plots = {PlotKey(output_name="price"): [Buckets(edges[:-1], edges[1:], weight, predictions + 3, predictions)]}
    opened = live(tab, saved(tmp_path, html_page(save(tmp_path, [()], np.array([0.8]), plotted=1, more_plots=more))))
    opened.fill("#plots-live .controls select", "1")
    assert opened.run(FIGURES) == ["Calibration", "Residuals", "Predictions"]
    opened.focus(".picked figure:nth-of-type(2)")
    opened.press("ArrowRight", 4)
    assert "residual +3; weight 2" in opened.text(".picked figure:nth-of-type(2) .readout")


def test_several_classes_are_a_heat_map_of_any_slice_and_keys_tell_its_fields(tab, tmp_path):
    rng = np.random.default_rng(5)
    cells = rng.integers(1, 50, (2, 12, 12)).astype(float)
    more = {PlotKey("multi_class_confusion_matrix_plot", "new"): [class_matrices(cells)]}
    results = save(tmp_path, cities(["Bern"]), np.array([0.8, 0.9]), plotted=2, more_plots=more)
    opened = live(tab, saved(tmp_path, html_page(results)), fragment="#panel=1&slices=city%253DBern")
    assert opened.run("document.querySelectorAll('.heat rect.wrong').length") == 12 * 11
    opened.focus(".heat")
    opened.press("ArrowDown", 2)
    opened.press("ArrowRight", 3)
    weight, share = cells[1, 2, 3], 100 * cells[1, 2, 3] / cells[1, 2].sum()
    assert opened.text(".heat .readout") == f"label 2, predicted 3: {weight:.0f} ({share:.1f}% of the label)"


def class_matrices(cells):
    """(s, c, c) weights by label and prediction as the values of a plot."""
    of_slices = np.empty(len(cells), object)
    for i, matrix in enumerate(cells):
        actual, predicted = np.indices(matrix.shape).reshape(2, -1)
        of_slices[i] = np.stack([actual * 0.0, actual, predicted, matrix.ravel()], axis=1)
    return MultiClassMatrices(np.array([0.0]), of_slices)


def test_plots_that_the_script_does_not_draw_stay_as_they_are(tab, tmp_path):
    cells = np.empty(1, object)
    cells[0] = np.array([[0, 0, 0, 3, 0, 0, 9], [0, 1, 1, 0, 0, 0, 4]], float)
    more: Plots = {PlotKey("multi_label_confusion_matrix_plot", "new"): [MultiLabelMatrices(np.array([0.5]), cells)]}
    opened = live(tab, saved(tmp_path, html_page(save(tmp_path, [()], np.array([0.8]), plotted=1, more_plots=more))))
    assert opened.is_seen("#plots figure.classes")
    assert not opened.is_seen("#plots .without-script")


def test_groups_are_compared_with_all_rows_with_the_best_and_with_one_another(tab, tmp_path):
    auc = np.array([0.8, 0.6, 0.9])
    slices: list[SliceKey] = [(), (("sex", "Female"),), (("sex", "Male"),)]
    opened = live(tab, saved(tmp_path, html_page(save(tmp_path, slices, auc, rows=np.array([300, 100, 200])))))
    rows = "[...document.querySelectorAll('#groups tbody tr')].map(r => [...r.cells].map(c => c.textContent))"
    assert opened.run(rows) == [
        ["sex=Female", "100", "0.6000", "-0.2000", "0.7500"],
        ["sex=Male", "200", "0.9000", "+0.1000", "1.1250"],
    ]
    assert "a gap of 0.3000; the lowest is 0.6667 of the highest" in opened.text("#groups [role=status]")
    opened.fill("#groups label:nth-of-type(3) select", "best")
    assert [row[3:] for row in opened.run(rows)] == [["-0.3000", "0.6667"], ["0", "1"]]
    opened.fill("#groups label:nth-of-type(3) select", "sex=Female")
    assert [row[3:] for row in opened.run(rows)] == [["0", "1"], ["+0.3000", "1.5000"]]


def test_there_is_no_section_of_groups_without_a_feature_that_has_two(tab, tmp_path):
    opened = live(tab, saved(tmp_path, html_page(save(tmp_path, cities(["Bern"]), np.array([0.8, 0.9])))))
    assert not opened.is_seen("#groups")
