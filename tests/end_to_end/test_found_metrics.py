"""Metrics and plots of the slices that a search finds, held against a run that lists them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import assay
from assay.cli import main
from assay.plan.analysis_file import compile_analysis
from assay.plan.filled import with_params
from assay.report.page.results import markdown_summary
from assay.results.files import load_metrics, load_verdict, records_of
from assay.results.found_slices import load_found_slices
from assay.results.keys import text_of
from assay.results.latest import results_folder
from assay.run.local import run
from assay.run.power import power_of
from tests.end_to_end.test_found_slices import table

MODELS = [
    {"name": "new", "label_key": "label", "prediction_key": "score"},
    {"name": "old", "label_key": "label", "prediction_key": "old_score", "is_baseline": True},
]
METRICS = ["ExampleCount", "AUC", "BinaryCrossEntropy", "Calibration", "CalibrationPlot", "ConfusionMatrixPlot"]
FEATURES = ["city", "age"]
BY_CITY = {"feature_keys": ["city"]}


def config_of(options=None, slices=({}, BY_CITY), models=MODELS, metrics=METRICS, **more):
    config = {
        "model_specs": models,
        "slicing_specs": list(slices),
        "metrics_specs": [{"metrics": [{"class_name": name} for name in metrics]}],
        **more,
    }
    return {**config, "options": options} if options else config


def results_of(folder, config, find_slices=None, checkpoints=None, options=(), **more):
    """The folder of the results of a run."""
    analysis = {
        "inputs": {"format": "parquet", "files": "data.parquet", "batch_rows": 3000},
        "eval_config": config,
        "output": "out",
        **({"find_slices": find_slices} if find_slices is not None else {}),
        **more,
    }
    plan = with_params(compile_analysis(analysis, folder), {})
    return run(plan, checkpoints=checkpoints, options=options).output


def metrics_of(output):
    """Slice -> its record, and the slices that are marked as found."""
    records = {text_of(record): record for record in load_metrics(output)}
    found = {name for name, record in records.items() if record.is_found}
    for record in records.values():
        record.ClearField("is_found")
    return {name: record.SerializeToString() for name, record in records.items()}, found


def with_specs(config, added):
    """The config with the fields that a search tells to add."""
    specs = [*config["slicing_specs"], *added.get("slicing_specs", ())]
    return {**config, "slicing_specs": specs, **({"bins": added["bins"]} if "bins" in added else {})}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("found")
    pq.write_table(table(), folder / "data.parquet", row_group_size=5000)
    return folder


BY_FORMULA = {"compute_confidence_intervals": True, "confidence_intervals": {"method": "ANALYTIC"}}
BY_RESAMPLES = {"compute_confidence_intervals": True, "confidence_intervals": {"method": "POISSON_BOOTSTRAP"}}


@pytest.mark.parametrize("options", [None, BY_FORMULA, BY_RESAMPLES], ids=["plain", "analytic", "bootstrap"])
def test_they_are_those_of_a_run_that_lists_the_slices_bit_for_bit_wherever_it_reads_again(folder, options, tmp_path):
    config, section = config_of(options), {"metrics": True, "features": FEATURES, "min_rows": 50}
    fused = results_of(folder, config, section)
    record = load_found_slices(fused)
    expected, _ = metrics_of(results_of(folder, with_specs(config, record["eval_config"])))
    plots = sorted(records_of(results_folder(folder / "out"), "plots"))

    names = set(record["metrics"]["slices"])
    assert len(names) > 2
    assert any("age=[" in name for name in names)
    assert "city=Wels" in names  # which is listed as well, and there once
    staged = results_of(folder, config, section, checkpoints=str(tmp_path / "root"))
    workers = results_of(folder, config, section, options=("--workers=2",))
    for output in (fused, staged, workers):
        got, found = metrics_of(output)
        assert got == expected
        assert found == names - {"city=Wels"}
        assert sorted(records_of(output, "plots")) == plots
        assert load_found_slices(output) == record
        assert json.loads(Path(output, "results.json").read_text())["rows"] == 20_000


def test_bad_rows_are_left_out_and_counted_once(tmp_path):
    data = table(6000).to_pandas()
    data.loc[::50, "score"] = np.nan
    data.to_parquet(tmp_path / "data.parquet")
    config, more = config_of(models=MODELS[:1]), {"on_bad_rows": "skip", "max_bad_rows": 0.1}
    section = {"metrics": True, "features": FEATURES, "min_rows": 50}
    fused = results_of(tmp_path, config, section, **more)
    added = load_found_slices(fused)["eval_config"]
    expected, _ = metrics_of(results_of(tmp_path, with_specs(config, added), **more))
    for output in (fused, results_of(tmp_path, config, section, checkpoints=str(tmp_path / "root"), **more)):
        assert metrics_of(output)[0] == expected
        assert load_verdict(output).bad_rows == {"prediction not finite": 120}


def test_texts_of_a_file_that_look_like_numbers_are_sliced_as_where_they_are_listed(tmp_path):
    rng = np.random.default_rng(5)
    zips = rng.choice(["7", "007", "12"], 6000, p=[0.5, 0.2, 0.3])
    score = rng.uniform(0.02, 0.98, 6000)
    label = rng.random(6000) < np.where(zips == "7", 0.5, score)
    pa.csv.write_csv(pa.table({"zip": zips, "label": label.astype(float), "score": score}), tmp_path / "data.csv")
    inputs, config = {"format": "csv", "files": "data.csv"}, config_of(models=MODELS[:1], slices=[{}])
    section = {"metrics": True, "features": ["zip"]}
    fused = results_of(tmp_path, config, section, inputs=inputs)
    record = load_found_slices(fused)
    assert record["metrics"]["slices"] == ["zip=7"]
    expected, _ = metrics_of(results_of(tmp_path, with_specs(config, record["eval_config"]), inputs=inputs))
    staged = results_of(tmp_path, config, section, inputs=inputs, checkpoints=str(tmp_path / "root"))
    assert metrics_of(fused)[0] == metrics_of(staged)[0] == expected


def test_show_page_and_summary_have_them_among_the_other_slices(folder, capsys):
    output = results_of(folder, config_of(slices=[{}]), {"metrics": True, "features": FEATURES}, output="shown")
    (name, *_) = load_found_slices(output)["metrics"]["slices"]
    assert main(["show", str(folder / "shown"), "--slices", name]) == 0
    assert "auc" in capsys.readouterr().out
    assert main(["show", str(folder / "shown")]) == 0
    assert "stand among those of the other slices" in capsys.readouterr().out
    page = Path(output, "page.html").read_text()
    assert page.count(name) > 1  # in the table of metrics and in that of found slices
    _, summary = markdown_summary(output).split("slices by auc", 1)
    assert summary.replace("\\", "").count(name) == 2  # as on the page
    frame = assay.metrics_frame(output)
    assert name in set(frame["slice"])


def test_no_threshold_on_metrics_is_for_them(folder):
    """Not one for each slice, not one that asks for evidence, nor does `assay power` plan for them."""
    high = {"value_threshold": {"upper_bound": 0.7}}
    by_both = {"feature_keys": FEATURES}
    config = config_of({"compute_confidence_intervals": True}, slices=[{}, by_both], models=MODELS[:1])
    bound = {"slicing_specs": [by_both], "threshold": high}
    loss = {"class_name": "BinaryCrossEntropy", "per_slice_thresholds": [bound]}
    config["metrics_specs"][0]["metrics"][2] = loss
    gate = {"thresholds": [{"metric": "binary_crossentropy", "at_most": 0.7}]}
    section = {"metrics": True, "features": FEATURES}
    outputs = [results_of(folder, config, each, gate=gate, output="gated") for each in (section, {})]
    with_metrics, without = (load_verdict(output) for output in outputs)
    assert with_metrics == without
    judged = {line.slice for line in with_metrics.evidence} | {reason.slice for reason in with_metrics.reasons}
    assert any(name.startswith("age=") for name in judged)
    assert not any("[" in name for name in judged)
    analysis = {
        "inputs": {"format": "parquet", "files": "data.parquet"},
        "eval_config": config,
        "gate": gate,
        "output": "gated",
    }
    plan = with_params(compile_analysis(analysis, folder), {})
    planned = power_of(plan, outputs[0], power=0.8, change=0.0).lines
    assert not any("[" in str(line) for line in planned)


def test_nothing_found_is_nothing_more(tmp_path):
    data = table(400).select(["label", "score", "same", "old_score"])
    pq.write_table(data, tmp_path / "data.parquet")
    section = {"metrics": True, "features": ["same"]}
    output = results_of(tmp_path, config_of(slices=[{}]), section)
    assert load_found_slices(output)["metrics"] == {"slices": [], "left_out": {}}
    assert metrics_of(output)[0] == metrics_of(results_of(tmp_path, config_of(slices=[{}])))[0]


def test_rare_values_together_have_no_metrics_and_that_is_said(tmp_path, capsys):
    rng = np.random.default_rng(2)
    town = np.where(rng.random(20_000) < 0.1, rng.integers(0, 100, 20_000).astype(str), "home")
    score = rng.uniform(0.02, 0.98, 20_000)
    label = rng.random(20_000) < np.where(town == "home", score, 0.5)
    data = pa.table({"town": town, "label": label.astype(float), "score": score})
    config = config_of(slices=[{}], models=[{"label_key": "label", "prediction_key": "score"}])
    assay.analyze_raw_data(data, config, tmp_path, find_slices={"metrics": True})
    record = load_found_slices(results_folder(tmp_path))
    assert record["metrics"]["slices"] == []
    assert record["metrics"]["left_out"] == {"town=(100 rare values)": "no slicing spec makes a slice of rare values"}
    assert main(["show", str(tmp_path)]) == 0
    assert "No metrics of town=(100 rare values): no slicing spec makes" in capsys.readouterr().out


def test_slices_that_a_query_may_call_the_same_have_none(tmp_path):
    query = {"slice_keys_sql": "SELECT STRUCT(city) FROM example.city, example.age WHERE age > 70"}
    config = config_of(slices=[{}, query], models=[{"label_key": "label", "prediction_key": "score"}])
    assay.analyze_raw_data(table(), config, tmp_path, find_slices={"metrics": True, "features": FEATURES})
    told = load_found_slices(results_folder(tmp_path))["metrics"]
    assert set(told["left_out"].values()) == {"slice_keys_sql has slices of the name 'city'"}
    assert all("city" not in name for name in told["slices"])


def test_another_metric_runs_the_search_again_and_another_threshold_does_not(folder, tmp_path):
    root, section = str(tmp_path / "root"), {"metrics": True, "features": FEATURES}

    def worked(config):
        analysis = {
            "inputs": {"format": "parquet", "files": "data.parquet"},
            "eval_config": config,
            "find_slices": section,
            "output": "again",
        }
        stages = run(with_params(compile_analysis(analysis, folder), {}), checkpoints=root).stages
        return {stage.task for stage in stages if not stage.reused}

    config = config_of(metrics=["AUC", "BinaryCrossEntropy"])
    assert "FindSlices" in worked(config)
    config["metrics_specs"][0]["metrics"][0]["threshold"] = {"value_threshold": {"lower_bound": 0.1}}
    assert worked(config) == {"Gate", "WriteResults"}
    config["metrics_specs"][0]["metrics"].append({"class_name": "Calibration"})
    assert worked(config) == {"EvaluateMetricsAndPlots", "FindSlices", "Gate", "WriteResults"}


def test_small_slices_cannot_be_had_from_found_ones(tmp_path, capsys):
    """Of Wels all rows but three are old: who knew both could tell these three."""
    data = table(20_000).to_pandas()
    data["old"] = np.where(data["age"] > 60, "yes", "no")
    wels = data.index[data["city"] == "Wels"]
    data.loc[wels, "old"] = np.where(np.arange(len(wels)) < 3, "no", "yes")
    rng = np.random.default_rng(4)
    data.loc[wels, "label"] = (rng.random(len(wels)) < 0.5).astype(float)
    data.to_parquet(tmp_path / "data.parquet")
    section = {"metrics": True, "features": ["city", "old"], "most_worse": 0.01}
    open_, least = (config_of(options, models=MODELS[:1]) for options in (None, {"min_slice_size": 20}))
    pair = "city=Wels, old=yes"
    assert pair in metrics_of(results_of(tmp_path, open_, section))[0]
    fused = results_of(tmp_path, least, section)
    staged = results_of(tmp_path, least, section, checkpoints=str(tmp_path / "root"))
    for output in (fused, staged):
        record = load_found_slices(output)
        assert record["withheld"] == 1
        assert pair not in metrics_of(output)[0]
        for file in Path(output).iterdir():
            assert pair.encode() not in file.read_bytes()
        verdict = load_verdict(output)
        assert {line.outcome.name for line in verdict.evidence} == {"FAIL", "UNDECIDED"}
        assert any("min_slice_size hides 1 found slice" in line.why for line in verdict.evidence)
    assert metrics_of(fused) == metrics_of(staged)
    assert load_found_slices(fused) == load_found_slices(staged)
    assert main(["show", str(tmp_path / "out")]) == 0
    assert "1 slice that would tell" in capsys.readouterr().out
