"""What a person has of results in Python: a page, a frame, diagrams; in a temporary folder and in a named one."""

import gc
import html
import math
import os
import pickle
import tempfile

import numpy as np
import pandas as pd
import pytest

import assay
from assay.errors import ResultsError, UsageError
from assay.report.page.plots import KINDS

ROWS = 400
RNG = np.random.default_rng(3)
SCORE = RNG.random(ROWS)
FRAME = pd.DataFrame(
    {
        "label": (RNG.random(ROWS) < SCORE).astype(float),
        "prediction": SCORE,
        "town": RNG.choice(["north", "<b>south</b>"], ROWS),
    }
)
CONFIG = {
    "slicing_specs": [{}, {"feature_keys": ["town"]}],
    "metrics_specs": [
        {
            "metrics": [
                {"class_name": "AUC", "threshold": {"value_threshold": {"lower_bound": {"value": 0.5}}}},
                {"class_name": "ExampleCount"},
                {"class_name": "ConfusionMatrixPlot"},
                {"class_name": "CalibrationPlot"},
            ]
        }
    ],
}
WITH_INTERVALS = CONFIG | {"options": {"compute_confidence_intervals": True}}


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Where temporary folders are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def result():
    return assay.analyze_raw_data(FRAME, CONFIG)


def test_results_without_an_output_path_have_page_frame_and_diagrams(temporary):
    result = assay.analyze_raw_data(FRAME, CONFIG)
    assert os.path.dirname(os.path.dirname(result.output)) == str(temporary)
    assert "BLESSED" in result._repr_html_()
    assert set(result.to_frame()["metric"]) == {"auc", "example_count"}
    assert "<svg" in result.plot("roc").html


def test_a_temporary_folder_goes_with_its_results(temporary):
    result = assay.analyze_raw_data(FRAME, CONFIG)
    assert os.listdir(temporary)
    del result
    gc.collect()
    assert os.listdir(temporary) == []


def test_no_temporary_folder_is_left_by_an_error(temporary):
    with pytest.raises(UsageError):
        assay.analyze_raw_data(FRAME.assign(label="?"), CONFIG)
    assert os.listdir(temporary) == []


def test_a_named_folder_stays(tmp_path):
    result = assay.analyze_raw_data(FRAME, CONFIG, tmp_path / "out")
    folder = result.output
    del result
    gc.collect()
    assert os.path.exists(os.path.join(folder, "verdict.json"))


def test_results_of_files_without_an_output_path_go_too(temporary, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "rows.parquet"
    FRAME.to_parquet(path)
    config = CONFIG | {"model_specs": [{"label_key": "label", "prediction_key": "prediction"}]}
    result = assay.run_model_analysis(config, data_location=path, file_format="parquet")
    assert len(result.to_frame()) > 0
    del result
    gc.collect()
    assert os.listdir(temporary) == []


def test_the_text_of_results_is_one_line(result):
    assert repr(result) == f"EvalResult: BLESSED, 400 rows, 3 slices, 2 metrics, in {result.output}"


def test_a_notebook_shows_the_page_in_a_frame_of_its_own(result):
    shown = result._repr_html_()
    assert shown.startswith("<iframe srcdoc=")
    assert shown.endswith("</iframe>")
    assert shown.count("<") == 2  # the page stands in an attribute, escaped
    assert "Metrics by slice" in html.unescape(shown)


def test_a_frame_has_no_empty_columns(result):
    frame = result.to_frame()
    assert list(frame.columns) == ["slice", "rows", "metric", "weighted", "value", "error_bound"]
    assert not frame.isna().all().any()


def test_a_frame_has_intervals_where_they_are_computed():
    frame = assay.analyze_raw_data(FRAME, WITH_INTERVALS).to_frame()
    auc = frame[(frame["metric"] == "auc") & (frame["slice"] == "Overall")].iloc[0]
    assert auc["lower_bound"] < auc["value"] < auc["upper_bound"]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_diagram_is_drawn(result, kind):
    figure = result.plot(kind)
    assert figure.html.count("<svg") >= 2  # the legend's line and the diagram
    assert figure._repr_html_().startswith("<iframe")


def test_curves_of_several_slices_stand_below_each_other(result):
    page = result.plot("roc", slices="town").html
    assert page.count("<h3>") == 2
    assert "&lt;b&gt;south" in page
    assert "<b>south" not in page


def test_a_metric_by_slice_has_each_slice_with_its_value(result):
    page = result.plot("auc").html
    values = result.to_frame().query("metric == 'auc'")
    for name, value in zip(values["slice"], values["value"], strict=True):
        assert html.escape(name) in page
        assert f"{value:.4f}" in page


def test_a_metric_by_slice_has_a_bar_for_each_interval():
    plain = assay.analyze_raw_data(FRAME, CONFIG).plot("auc").html
    barred = assay.analyze_raw_data(FRAME, WITH_INTERVALS).plot("auc").html
    assert barred.count('class="line c0"') == plain.count('class="line c0"') + 3


def test_both_models_stand_in_one_diagram():
    frame = FRAME.assign(old=np.sqrt(SCORE))
    specs = [
        {"name": "new", "label_key": "label", "prediction_key": "prediction"},
        {"name": "old", "label_key": "label", "prediction_key": "old", "is_baseline": True},
    ]
    result = assay.analyze_raw_data(frame, CONFIG | {"model_specs": specs})
    for page in (result.plot("roc").html, result.plot("auc").html):
        body = page.split("</style>")[1]
        assert "c1" in body
        assert "old" in body


def test_an_undefined_value_has_a_row_and_no_dot():
    frame = FRAME.assign(label=np.where(FRAME["town"] == "north", 1.0, FRAME["label"]))
    page = assay.analyze_raw_data(frame, CONFIG).plot("auc").html
    assert "undefined" in page
    assert "nan" not in page.split("</style>")[1].lower()


@pytest.mark.parametrize(
    ("what", "slices", "told"),
    [
        ("acu", None, "did you mean 'auc'"),
        ("auc", "nowhere", "no slice has 'nowhere' in its name"),
        ("roc", "nowhere", "no slice has 'nowhere' in its name"),
    ],
)
def test_a_diagram_of_what_is_not_there_is_refused(result, what, slices, told):
    with pytest.raises(ResultsError, match=told):
        result.plot(what, slices)


def test_a_curve_without_its_plot_names_the_metric_to_add():
    config = {"metrics_specs": [{"metrics": [{"class_name": "AUC"}]}]}
    with pytest.raises(ResultsError, match="ConfusionMatrixPlot"):
        assay.analyze_raw_data(FRAME, config).plot("roc")


def test_a_diagram_is_written_as_a_page(result, tmp_path):
    figure = result.plot("roc")
    figure.save(tmp_path / "roc.html")
    assert (tmp_path / "roc.html").read_text() == figure.html
    with pytest.raises(UsageError, match="choose another file"):
        figure.save(tmp_path)


def test_results_whose_folder_is_gone_say_so(temporary):
    copy = pickle.loads(pickle.dumps(assay.analyze_raw_data(FRAME, CONFIG)))
    gc.collect()
    assert math.isfinite(copy.get_metrics_for_slice()["auc"]["doubleValue"])  # what was read is there still
    for use in (copy.to_frame, copy.plot, copy._repr_html_):
        with pytest.raises(ResultsError):
            use()


def test_a_comparison_is_shown_as_its_text(result):
    class Printer:
        shown = ""

        def text(self, text):
            self.shown += text

    printer, comparison = Printer(), assay.compare(result.output, result.output)
    comparison._repr_pretty_(printer, False)
    assert printer.shown == str(comparison)
    assert "auc" in printer.shown
