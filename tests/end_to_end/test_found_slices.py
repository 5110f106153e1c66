"""A search for slices in whole runs, through files, checkpoints and Python."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

import assay
from assay.cli import main
from assay.errors import ColumnTypeError, ConfigError, MissingColumnError
from assay.plan.analysis_file import compile_analysis
from assay.plan.filled import with_params
from assay.report.evidence import evidence_of
from assay.report.found_slices import specs_texts
from assay.report.page.results import markdown_summary
from assay.results.files import load_validation_result, load_verdict
from assay.results.found_slices import load_found_slices
from assay.results.keys import text_of
from assay.results.latest import results_folder
from assay.run.local import run

ROWS = 20_000
CONFIG = {
    "model_specs": [{"label_key": "label", "prediction_key": "score"}],
    "metrics_specs": [{"metrics": [{"class_name": "ExampleCount"}, {"class_name": "BinaryCrossEntropy"}]}],
}


def table(rows=ROWS):
    """Scores that are right on average, but for old rows of one city, where they tell nothing."""
    rng = np.random.default_rng(7)
    city = rng.choice(["Graz", "Linz", "Wels", None], rows, p=[0.3, 0.3, 0.3, 0.1])
    age, score = rng.integers(18, 90, rows), rng.uniform(0.02, 0.98, rows)
    is_bad = (city == "Wels") & (age > 70)
    label = rng.random(rows) < np.where(is_bad, 0.5, score)
    constant = pa.array(["x"] * rows)
    columns = {"city": city, "age": age, "same": constant, "label": label.astype(float), "score": score}
    return pa.table({**columns, "old_score": np.where(is_bad, 0.5, score)})


def analysed(tmp_path, checkpoints=None, options=(), **more):
    """The record of a run of the file."""
    analysis = {
        "inputs": {"format": "parquet", "files": "data.parquet", "batch_rows": 3000},
        "eval_config": CONFIG,
        "find_slices": {},
        "output": "out",
        **more,
    }
    plan = with_params(compile_analysis(analysis, tmp_path), {})
    return load_found_slices(run(plan, checkpoints=checkpoints, options=options).output)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("found")
    pq.write_table(table(), folder / "data.parquet", row_group_size=5000)
    return folder


@pytest.fixture(scope="module")
def found(folder):
    return analysed(folder)


def test_the_bad_slice_is_found_and_confirmed(found):
    first = found["slices"][0]
    assert first["slice"].endswith("city=Wels")
    assert "age=[" in first["slice"]
    assert first["confirmed"]
    assert first["ratio"] > 1.4
    assert found["left_out"] == {"same": "all rows have one value"}
    assert (found["loss"], found["rows"], found["features"]) == ("log_loss", ROWS, ["age", "city", "old_score"])


def test_checkpoints_batches_and_workers_give_the_same_bits(folder, found, tmp_path):
    assert analysed(folder, checkpoints=str(tmp_path / "root")) == found
    other = {"format": "parquet", "files": "data.parquet", "batch_rows": 777}
    assert analysed(folder, inputs=other) == found
    assert analysed(folder, options=("--workers=2",)) == found


def test_triples_are_found_by_a_second_scan_with_the_same_bits_wherever_that_reads(folder, tmp_path):
    section = {"level": 3, "min_rows": 50, "top_k": 40}
    found = analysed(folder, find_slices=section, output="triples")
    assert found["triples"] == {"searched": 1, "ruled_out": 0, "left_out": 0}
    assert any(len(one["slice_key"]) == 3 for one in found["slices"])
    checkpoints = str(tmp_path / "root")
    assert analysed(folder, find_slices=section, output="triples", checkpoints=checkpoints) == found
    inputs = {"format": "parquet", "files": "data.parquet", "batch_rows": 777}
    options = ("--workers=2",)
    assert analysed(folder, find_slices=section, output="triples", inputs=inputs, options=options) == found
    assert main(["show", str(folder / "triples")]) == 0


def test_python_finds_the_same_slices(found, tmp_path):
    assay.analyze_raw_data(table(), CONFIG, tmp_path, find_slices={})
    in_memory = load_found_slices(results_folder(tmp_path))
    # Rows in memory have another place than rows of a file, so that other rows confirm.
    assert in_memory["slices"][0]["slice"] == found["slices"][0]["slice"]
    assert in_memory["features"] == found["features"]


def test_what_is_to_be_added_to_the_eval_config_makes_slices_of_as_many_rows(folder, found):
    assert found["eval_config"] == yaml.safe_load("\n".join(specs_texts(found)))
    config = {**CONFIG, **found["eval_config"]}
    analysis = {
        "inputs": {"format": "parquet", "files": "data.parquet"},
        "eval_config": config,
        "output": "again",
    }
    output = run(with_params(compile_analysis(analysis, folder), {})).output
    by_name = {one.name: one.rows for one in evidence_of(output).slices}
    for one in found["slices"]:
        if one["confirmed"]:
            assert by_name[one["slice"]] == one["rows"]


def test_show_and_the_page_have_what_was_found(folder, found, capsys):
    assert main(["show", str(folder / "out")]) == 0
    shown = capsys.readouterr().out
    assert "Worst slices found" in shown
    assert found["slices"][0]["slice"] in shown
    assert "slicing_specs:" in shown
    assert main(["show", str(folder / "out"), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["found_slices"]["features"] == found["features"]
    assert "Worst slices found" in Path(results_folder(folder / "out"), "page.html").read_text()


def test_against_the_baseline_only_what_got_worse_is_found(folder):
    specs = [
        {"name": "new", "label_key": "label", "prediction_key": "score"},
        {"name": "old", "label_key": "label", "prediction_key": "old_score", "is_baseline": True},
    ]
    got_worse = analysed(
        folder,
        eval_config={**CONFIG, "model_specs": specs},
        find_slices={"baseline": True, "features": ["age", "city"]},
        output="worse",
    )
    first = got_worse["slices"][0]
    assert first["slice"].endswith("city=Wels")
    assert first["confirmed"]
    assert first["loss"] > 0
    assert first["ratio"] is None
    assert not any(one["confirmed"] for one in got_worse["slices"] if "Graz" in one["slice"])


def test_example_weights_are_not_used_and_that_is_said(folder, capsys):
    specs = [{"label_key": "label", "prediction_key": "score", "example_weight_key": "age"}]
    weighted = analysed(folder, eval_config={**CONFIG, "model_specs": specs}, output="weighted")
    assert weighted["unused_weights"] == ["age"]
    assert "age" not in weighted["features"]
    assert main(["show", str(folder / "weighted")]) == 0
    assert "Each row counts once: age is not used." in capsys.readouterr().out
    assert "### Worst slices found" in markdown_summary(str(folder / "weighted"))


def judged(folder, most_worse, checkpoints=None, **more):
    """The verdict of a run with a threshold on found slices, and the tasks that had something to do."""
    analysis = {
        "inputs": {"format": "parquet", "files": "data.parquet"},
        "eval_config": CONFIG,
        "find_slices": {"most_worse": most_worse, **more},
        "output": "judged",
    }
    plan = with_params(compile_analysis(analysis, folder), {})
    result = run(plan, checkpoints=checkpoints)
    return load_verdict(result.output), [stage.task for stage in result.stages if not stage.reused], result.output


def test_a_slice_that_is_worse_by_more_than_the_threshold_blocks(folder, found, capsys):
    verdict, _, output = judged(folder, 0.05)
    assert verdict.status == "NOT_BLESSED"
    assert found["slices"][0]["slice"] in {reason.slice for reason in verdict.reasons}
    assert len(verdict.evidence) == len(found["slices"])
    failures = load_validation_result(output).metric_validations_per_slice
    assert {text_of(one) for one in failures} == {reason.slice for reason in verdict.reasons}
    assert main(["show", str(folder / "judged")]) == 0
    assert "most_worse" in capsys.readouterr().out
    page = Path(output, "page.html").read_text()
    assert "most_worse" in page
    assert "1 of 1 threshold does not hold." in page
    assert "no found slice worse than all rows by more than 0.05" in markdown_summary(output)


def test_a_higher_threshold_passes_and_one_that_warns_blesses_with_a_warning(folder):
    assert judged(folder, 2.0)[0].status == "BLESSED"
    verdict, *_ = judged(folder, 0.05, severity="warn")
    assert verdict.status == "BLESSED"
    assert {line.effect for line in verdict.evidence} == {"warn", "pass"}


def test_with_checkpoints_the_verdict_is_the_same_and_another_threshold_judges_again_and_searches_no_more(
    folder, tmp_path
):
    root = str(tmp_path / "root")
    verdict, tasks, _ = judged(folder, 0.05, root)
    assert verdict == judged(folder, 0.05)[0]
    assert "FindSlices" in tasks
    verdict, tasks, _ = judged(folder, 2.0, root)
    assert (verdict.status, tasks) == ("BLESSED", ["Gate", "WriteResults"])


def test_ids_are_left_out(tmp_path):
    data = table(500).append_column("id", pa.array([f"id{i}" for i in range(500)]))
    assay.analyze_raw_data(data, CONFIG, tmp_path, find_slices={"min_rows": 20})
    left_out = assay.load_found_slices(tmp_path)["left_out"]
    assert left_out["id"] == "every value has fewer than 20 rows"


def test_edges_are_those_that_are_given(folder):
    section = {"edges": {"age": [30, 70]}, "features": ["age", "city"]}
    record = analysed(folder, find_slices=section, output="edges")
    assert record["slices"][0]["slice"] == "age=[70, inf), city=Wels"
    assert record["slices"][0]["eval_config"]["bins"] == {"age": {"edges": [30, 70]}}


def test_squared_errors_are_searched_without_a_bound(folder, tmp_path):
    data = table().to_pandas().drop(columns=["old_score", "same"])
    wrong = (data["city"] == "Graz") & (data["age"] < 25)
    data["label"] = data["score"] * 1e6 + np.random.default_rng(3).normal(0, np.where(wrong, 900, 300))
    data["score"] *= 1e6
    numbers = {**CONFIG, "metrics_specs": [{"metrics": [{"class_name": "MeanSquaredError"}]}]}
    assay.analyze_raw_data(data, numbers, tmp_path, find_slices={"edges": {"age": [25, 60]}})
    record = assay.load_found_slices(tmp_path)
    first = record["slices"][0]
    assert (record["loss"], first["slice"]) == ("squared_error", "age=(-inf, 25), city=Graz")
    assert record["mean_loss"] == pytest.approx(np.square(data["label"] - data["score"]).mean(), rel=1e-6)
    assert first["loss"] == pytest.approx(900**2, rel=0.2)


def test_edges_of_texts_are_refused(folder):
    with pytest.raises(ColumnTypeError, match="does not hold numbers"):
        analysed(folder, find_slices={"edges": {"city": [1]}}, output="no")


def test_a_search_that_does_not_fit_the_config_is_refused_by_the_first_task(folder, tmp_path):
    with pytest.raises(ConfigError, match="expected a baseline"):
        analysed(folder, find_slices={"baseline": True}, output="no", checkpoints=str(tmp_path / "root"))
    assert not (tmp_path / "root" / "ReadInputs").exists()


def test_other_settings_run_the_search_again_and_nothing_else(folder, tmp_path):
    for top_k in (3, 2):
        plan = compile_analysis(
            {
                "inputs": {"format": "parquet", "files": "data.parquet"},
                "eval_config": CONFIG,
                "find_slices": {"top_k": top_k},
                "output": "again",
            },
            folder,
        )
        stages = run(with_params(plan, {}), checkpoints=str(tmp_path / "root")).stages
    assert [stage.task for stage in stages if not stage.reused] == ["FindSlices", "WriteResults"]


def test_a_feature_that_is_not_there_is_refused_before_any_work(folder):
    with pytest.raises(MissingColumnError, match="no column 'income'"):
        analysed(folder, find_slices={"features": ["income"]}, output="no")


@pytest.mark.parametrize(
    ("columns", "left_out"),
    [
        ({}, {}),
        ({"a": ["x"] * 4}, {"a": "all rows have one value"}),
        ({"a": pa.array([None] * 4, pa.string())}, {"a": "no row has a value"}),
        ({"a": [[1], [2], [], [3]]}, {"a": "neither numbers nor texts"}),
    ],
)
def test_without_anything_to_search_nothing_is_found(columns, left_out, tmp_path):
    data = pa.table({**columns, "label": [0.0, 1, 0, 1], "score": [0.1, 0.9, 0.2, 0.8]})
    assay.analyze_raw_data(data, CONFIG, tmp_path, find_slices={"min_rows": 1})
    record = load_found_slices(results_folder(tmp_path))
    assert (record["slices"], record["features"], record["left_out"]) == ([], [], left_out)


def test_rows_without_a_loss_are_counted_and_left_out(tmp_path):
    data = pa.table({"a": list("xyxy"), "label": [0.0, 1, None, 1], "score": [0.1, None, 0.2, 0.8]})
    assay.analyze_raw_data(data, CONFIG, tmp_path, find_slices={}, on_bad_rows="skip")
    record = load_found_slices(results_folder(tmp_path))
    assert (record["rows"], record["rows_without_loss"]) == (2, 2)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_no_rows_are_no_slices(level, tmp_path):
    data = table(1).slice(0, 0)
    assay.analyze_raw_data(data, CONFIG, tmp_path, find_slices={"level": level})
    record = load_found_slices(results_folder(tmp_path))
    assert (record["rows"], record["mean_loss"], record["slices"]) == (0, None, [])


def test_rows_are_told_as_multiples_where_counts_are_rounded_and_all_else_stays(folder):
    options = {"min_slice_size": 50}
    found = analysed(folder, eval_config={**CONFIG, "options": options}, output="exact")
    options = {**options, "round_counts_to": 50}
    rounded = analysed(folder, eval_config={**CONFIG, "options": options}, output="rounded")
    assert [one["slice"] for one in rounded["slices"]] == [one["slice"] for one in found["slices"]] != []
    for own, exact in zip(rounded["slices"], found["slices"], strict=True):
        assert own["rows"] == 50 * ((exact["rows"] + 25) // 50) != exact["rows"]
        assert own["difference_error"]["degrees_of_freedom"] % 50 == own["loss_error"]["degrees_of_freedom"] % 50 == 0
        assert (own["loss"], own["p_value"], own["confirmed"]) == (exact["loss"], exact["p_value"], exact["confirmed"])
