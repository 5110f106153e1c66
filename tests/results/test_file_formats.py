"""A run whose files are Parquet is shown, compared and judged as one whose files are TFRecords."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import assay
from assay.cli import main
from assay.errors import ResultsError
from assay.report.page.results import html_page
from assay.results.files import records_of

FORMATS = ("tfrecord", "parquet")
CONFIG = {
    "model_specs": [{"label_key": "label", "prediction_key": "score"}],
    "slicing_specs": [{}, {"feature_keys": ["city"]}],
    "metrics_specs": [
        {
            "metrics": [
                {"class_name": "AUC", "threshold": {"value_threshold": {"lower_bound": 0.6}}},
                {"class_name": "ConfusionMatrixPlot"},
                {"class_name": "CalibrationPlot"},
            ]
        }
    ],
}


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of one run in each format, over the same rows."""
    rng = np.random.default_rng(4)
    score = rng.random(300)
    rows = {"label": rng.random(300) < score, "score": score, "city": rng.choice(["Bonn", "Ulm", "Trier"], 300)}
    output = tmp_path_factory.mktemp("formats")
    for form in FORMATS:
        assay.analyze_raw_data(pd.DataFrame(rows), CONFIG, output, output_file_format=form)
    return output


@pytest.fixture(scope="module")
def runs(output: Path) -> list[Path]:
    """The folders of the runs, in the order of `FORMATS`."""
    suffix_of = {folder: next(folder.glob("plots-*")).suffix for folder in output.iterdir() if folder.is_dir()}
    assert sorted(suffix_of.values()) == [".parquet", ".tfrecord"]
    return sorted(suffix_of, key=suffix_of.__getitem__, reverse=True)


@pytest.mark.parametrize("key", ["metrics", "plots", "validations"])
def test_the_records_are_the_same(key, runs):
    records, from_tables = (sorted(records_of(str(run), key)) for run in runs)
    assert from_tables == records != []


def test_the_gate_says_the_same(runs):
    verdict, from_tables = (assay.load_verdict(run) for run in runs)
    assert from_tables == verdict
    assert verdict.checks


@pytest.mark.parametrize("frame", [assay.metrics_frame, assay.plots_frame])
def test_frames_are_the_same(frame, runs):
    expected, found = (frame(run) for run in runs)
    assert len(expected) >= 4
    pd.testing.assert_frame_equal(found, expected)


def test_a_notebook_shows_the_same(runs):
    expected, found = (assay.load_eval_result(run) for run in runs)
    assert found.slicing_metrics == expected.slicing_metrics
    assert list(found.plots) == list(expected.plots)
    assert len(expected.plots) == 4
    assert found.plot("roc")._repr_html_() == expected.plot("roc")._repr_html_()


def test_the_page_is_the_same(runs):
    facts = {"assay_version": "1", "params": {}, "plan": "ab12"}
    expected, found = (html_page(run, facts) for run in runs)
    assert found == expected


def test_show_prints_the_same(runs, capsys):
    shown = []
    for run in runs:
        assert main(["show", str(run), "--all"]) == 0
        shown.append(capsys.readouterr().out.replace(str(run), "RUN"))
    assert shown[0] == shown[1]
    assert "city=Trier" in shown[0]


def test_nothing_moved_between_them(runs, capsys):
    assert main(["diff", *map(str, runs), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["changes"]) == 4
    assert {change["change"] for change in found["changes"]} == {0.0}
    assert [fact.what for fact in assay.compare(*runs).comparison.facts] == ["plan"]


def test_the_history_of_an_output_has_both(output, runs, capsys):
    assert main(["history", str(output), "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["run"] for row in rows} == {run.name for run in runs}
    assert [row["auc change"] for row in rows] == [0.0, None]


def test_a_folder_with_files_of_both_is_refused(runs, tmp_path):
    for run in runs:
        for file in run.glob("plots-*"):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ResultsError, match=r"files of several runs: plots-\S+\.parquet, plots-\S+\.tfrecord; remove"):
        list(assay.load_plots(tmp_path))
