"""Calls of Python go through the door of every other run: results that vouch for themselves, progress, checkpoints."""

from __future__ import annotations

import io
import json
import re

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import assay
from assay.errors import ConfigError, InputError, MissingColumnError

RANDOM = np.random.default_rng(5)
FRAME = pd.DataFrame({"label": RANDOM.integers(0, 2, 500), "prediction": RANDOM.random(500), "group": list("ab") * 250})
CONFIG = {
    "model_specs": [{"label_key": "label", "prediction_key": "prediction"}],
    "slicing_specs": [{}, {"feature_keys": ["group"]}],
    "metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}, {"class_name": "AUC"}]}],
}


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    for i, part in enumerate((FRAME[:200], FRAME[200:])):
        part.to_parquet(tmp_path / "data" / f"{i}.parquet")
    return {"data_location": "data/*.parquet", "file_format": "parquet", "output_path": "out"}


def results_of(folder):
    (file,) = folder.glob("*/results.json")
    return json.loads(file.read_text())


@pytest.mark.parametrize("door", ["files", "memory"])
def test_results_vouch_for_themselves_and_have_a_page(door, files, tmp_path):
    if door == "files":
        assay.run_model_analysis(CONFIG, params={"day": "monday"}, **files)
    else:
        assay.analyze_raw_data(FRAME, CONFIG, "out", params={"day": "monday"})
    results = results_of(tmp_path / "out")
    assert results["rows"] == 500
    assert results["params"] == {"day": "monday"}
    assert results["verdict"] == "NOT_EVALUATED"
    assert {"page.html", "verdict.json"} <= set(results["files"])
    assert "auc" in next((tmp_path / "out").glob("*/page.html")).read_text()


@pytest.mark.parametrize("door", ["files", "memory"])
def test_progress_is_shown_where_it_is_asked_for(door, files):
    shown = io.StringIO()
    if door == "files":
        assay.run_model_analysis(CONFIG, progress=shown, **files)
    else:
        assay.analyze_raw_data(FRAME, CONFIG, progress=shown)
    assert "500 rows" in shown.getvalue()


def test_checkpoints_are_left_and_used_again_with_the_same_numbers(files, tmp_path):
    plain = assay.run_model_analysis(CONFIG, **files)
    first = assay.run_model_analysis(CONFIG, checkpoints="root", **files)
    told = io.StringIO()
    second = assay.run_model_analysis(CONFIG, checkpoints="root", progress=told, **files)
    assert plain.slicing_metrics == first.slicing_metrics == second.slicing_metrics
    assert told.getvalue().count("nothing to do, checkpoint found") >= 3
    assert len(list(tmp_path.glob("root/ReadInputs/*/manifest.json"))) == 1


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"writers": []}, "writers: cannot be combined with checkpoints"),
        ({"evaluators": [assay.AnalysisTableEvaluator()]}, "evaluators: cannot be combined with checkpoints"),
        ({"params": {"key": {"secret": True, "default": "x"}}}, "params: key is secret"),
    ],
)
def test_what_other_processes_could_not_be_given_is_refused_beside_checkpoints(more, message, files, tmp_path):
    with pytest.raises(ConfigError, match=message):
        assay.run_model_analysis(CONFIG, checkpoints="root", **more, **files)
    assert not (tmp_path / "root").exists()


def test_a_model_of_ones_own_has_its_arguments_beside_checkpoints_too(files, tmp_path, monkeypatch):
    (tmp_path / "scaled_scores.py").write_text(
        "def scaled(by):\n    return lambda columns: columns['prediction'] * float(by)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    config = {
        **CONFIG,
        "model_specs": [{"name": "m", "label_key": "label"}],
        "metrics_specs": [{"metrics": [{"class_name": "MeanPrediction"}]}],
    }
    model = assay.ModelRef("m", "scaled_scores:scaled", "callable", features=("prediction",), args={"by": "${by}"})
    for by, root in ((0.5, None), (0.5, "root"), (0.25, "root")):
        result = assay.run_model_analysis(config, models=[model], params={"by": str(by)}, checkpoints=root, **files)
        mean = result.get_metrics_for_slice()["mean_prediction"]["doubleValue"]
        assert mean == pytest.approx(by * FRAME["prediction"].mean())


FRAMES = {
    "polars": pl.from_pandas(FRAME),
    "a table": pa.Table.from_pandas(FRAME),
    "a record batch": pa.Table.from_pandas(FRAME).to_batches()[0],
    "a reader of record batches": pa.Table.from_pandas(FRAME).to_reader(max_chunksize=100),
    "rows": FRAME.to_dict("records"),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_of_every_library_have_the_same_results(kind):
    expected = assay.analyze_raw_data(FRAME, CONFIG)
    assert assay.analyze_raw_data(FRAMES[kind], CONFIG).slicing_metrics == expected.slicing_metrics


@pytest.mark.parametrize("data", [FRAME["label"], pl.Series([1, 2]), {"label": [1]}, pl.from_pandas(FRAME).lazy(), 3])
def test_what_is_no_table_is_refused_in_one_line(data):
    with pytest.raises(InputError, match=f"^data: expected an Arrow table, .*found {type(data).__name__}$"):
        assay.analyze_raw_data(data, CONFIG)


@pytest.mark.parametrize(
    ("columns", "of_second", "message"),
    [
        (["id"], None, "inputs.columns does not name 'prediction', which prediction_key of model_specs[0] needs"),
        (None, [], "inputs.join.columns does not name 'label', which label_key of model_specs[0] needs"),
        (["prediction"], ["group"], "inputs.join.columns does not name 'label', which"),
    ],
)
def test_a_needed_column_that_neither_source_of_a_join_reads_is_named_with_the_option(
    columns, of_second, message, tmp_path
):
    FRAME[["prediction"]].assign(id=range(500)).to_parquet(tmp_path / "main.parquet")
    FRAME[["label", "group"]].assign(id=range(500)).to_parquet(tmp_path / "second.parquet")
    join = {"files": [tmp_path / "second.parquet"], "on": ["id"], "columns": of_second}
    with pytest.raises(MissingColumnError, match=re.escape(message)):
        assay.run_model_analysis(
            CONFIG, data_location=tmp_path / "main.parquet", file_format="parquet", columns=columns, join=join
        )
