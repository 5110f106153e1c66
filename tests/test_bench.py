"""The parts of the benchmark that need no measuring."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from bench import cores, shapes
from bench.bars import BARS, UNBOUND
from bench.cases import SLICINGS, Case
from bench.measure import Cost, Measured, agreement, measure
from bench.run import BEGIN, END, at_rows, chosen, filled, loaded
from bench.sides import SIDES, TENSORFLOW
from bench.tables import report

ROOT = Path(__file__).parents[1]
CASES = list(dict.fromkeys([*(case for bar in BARS for case in bar.cases), *UNBOUND]))


def measured(cpu_s: dict[str, float]) -> Measured:
    """Every case takes `cpu_s` of its side a million rows above 1 s of imports, and 200 MB."""
    costs = {str(case): [Cost(1 + cpu_s[case.side] * case.rows / 1e6, 9, 200, 1)] for case in CASES}
    return Measured(costs={**costs, TENSORFLOW: [Cost(1, 1, 100)]})


def lines_with(text: str, *words: str) -> list[str]:
    return [line for line in text.splitlines() if all(word in line for word in words)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_case_has_a_side_for_its_format_and_assay_beside_it_on_the_same_data(case):
    assert case.scenario in SLICINGS
    assert case.file_format in SIDES[case.side].imports
    assert replace(case, side="assay") in CASES


def test_bars_compare_cpu_seconds_less_imports():
    seconds = {side: 8.0 for side in SIDES} | {"assay": 0.1, "polars bucketed": 0.09}
    text = report("", CASES, BARS, measured(seconds))
    (line,) = lines_with(text, "CPU s of TFMA", "| 114 slices |")
    assert "| 80 |" in line
    assert "at least 120 times" in line
    assert line.endswith("| **no** |")
    (line,) = lines_with(text, "CPU s of TFMA", "| 1 slice |")
    assert line.endswith("| yes |")
    (line,) = lines_with(text, "CPU s of polars bucketed", "1,000,000")
    assert "| 0.90 |" in line
    assert line.endswith("| **no** |")


def test_imports_are_those_right_before_a_run_as_a_busy_machine_takes_longer_for_both():
    (case,) = (case for case in CASES if str(case).startswith("assay, 1 slice, parquet-1000000-4"))
    slow, quick = Cost(12, 12, 200, 10), Cost(3.5, 3, 200, 2)
    (line,) = lines_with(report("", [case], (), Measured(costs={str(case): [slow, quick]})), "| assay |")
    assert "| 1.75 (1.50 to 2.00) | 2 | 6.00 |" in line


def test_memory_from_tfrecord_is_compared_with_a_bare_import_of_tensorflow():
    lines = lines_with(report("", CASES, BARS, measured(dict.fromkeys(SIDES, 1.0))), "above `import tensorflow`")
    assert lines
    assert all("| 100 |" in line and line.endswith("| yes |") for line in lines)


def test_a_case_that_failed_leaves_its_bars_unmeasured():
    found = measured(dict.fromkeys(SIDES, 1.0))
    slow = next(case for case in CASES if case.side == "TFMA")
    del found.costs[str(slow)]
    found.failures[str(slow)] = "ended with 1"
    text = report("", CASES, BARS, found)
    assert len(lines_with(text, "not measured")) == sum(slow in bar.cases for bar in BARS) == 1
    assert lines_with(text, str(slow), "ended with 1")


def test_what_reading_back_took_is_told_apart():
    found = measured(dict.fromkeys(SIDES, 8.0) | {"assay": 0.1})
    slow = Case("TFMA", "114 slices", "tfrecord", 100_000)
    found.read_back_s[str(slow)] = 0.2
    assert lines_with(report("", CASES, BARS, found), str(slow), "| 0.60 | 60 |")


def test_what_was_measured_survives_a_file(tmp_path):
    found = measured(dict.fromkeys(SIDES, 1.0))
    file = tmp_path / "figures.json"
    file.write_text(json.dumps({"machine": "two cores", **asdict(found)}))
    assert loaded(file) == ("two cores", found)


def test_fewer_rows_leave_out_bars_and_cases():
    bars, cases = chosen("", 100_000)
    assert {case.side for case in cases} == {"assay", "TFMA"}
    assert 0 < len(bars) < len(BARS)
    assert {case.rows for case in at_rows(CASES, 10)} == {10}


def test_aucs_agree_overall_and_on_average():
    ours = {"": 0.75, "a": 0.5, "b": float("nan")}
    assert agreement(ours, {**ours, "a": 0.5001, "b": 0.0}).startswith("agrees")
    assert agreement(ours, {**ours, "": 0.75001}).startswith("DIFFERS")
    assert agreement(ours, {**ours, "a": 0.6}).startswith("DIFFERS")
    assert agreement(ours, {**ours, "": float("nan")}).startswith("DIFFERS")
    assert agreement(ours, {"": 0.75}).startswith("DIFFERS")


def test_a_process_is_measured_and_says_what_it_printed():
    cost, printed = measure((sys.executable, "-c", "x = bytearray(100 << 20); print('{\"auc\": 1}')"))
    assert cost.cpu_s > 0
    assert cost.peak_mb > 100
    assert printed == {"auc": 1}


def test_efficiency_leaves_out_the_start():
    runs = (cores.START, *cores.HUNDRED_MILLION)
    found = Measured(costs={str(run): [Cost(1, wall_s, 100)] for run, wall_s in zip(runs, (2, 22, 14), strict=True)})
    (line,) = lines_with(cores.report(found), "efficiency")
    assert "| 0.83 | at least 0.8 | yes |" in line


def test_more_metrics_and_two_models_are_compared_with_the_usual_run():
    runs = {cores.USUAL: 2.0, cores.MORE: 2.2, cores.COMPARED: 6.0}
    text = cores.report(Measured(costs={str(run): [Cost(cpu_s, 3, 250)] for run, cpu_s in runs.items()}))
    assert lines_with(text, "the usual ones | 1.10 | at most 1.2 | yes |")
    assert lines_with(text, "that of one | 3.00 | at most 2.5 | **no** |")


def test_runs_that_were_left_out_have_no_line_and_their_bars_are_not_measured():
    found = Measured(costs={str(cores.USUAL): [Cost(3, 2, 250)]})
    text = cores.report(found)
    assert [line.split(" | ")[-2] for line in lines_with(text, "billion")] == ["at most 180", "at most 1,000"]
    assert len(lines_with(text, "not measured")) == 6
    assert lines_with(text, "| rows | 1,000,000 | 1,000,000 | 2.0 | 3.0 | 250 |")


def test_rows_beyond_the_limit_are_left_out_loudly(monkeypatch):
    monkeypatch.setattr(cores, "measured_run", lambda run: Cost(3, 2, 250))
    monkeypatch.setattr(cores, "write_shape", lambda data: None)
    result = CliRunner().invoke(cores.main, ["--rows-limit", "1000000"])
    assert result.exit_code == 0
    (line,) = lines_with(result.stderr, "gate")
    assert line.startswith("LEFT OUT: ")
    assert "--rows-limit 1000000000" in line


def test_links_share_one_file(tmp_path, monkeypatch):
    monkeypatch.setattr(cores, "OUT", tmp_path)
    file = tmp_path / "part-0.parquet"
    file.write_text("rows")
    pattern = Path(cores.linked(str(tmp_path / "part-*.parquet"), 3))
    assert [link.samefile(file) for link in pattern.parent.glob(pattern.name)] == [True] * 3
    assert cores.linked(str(tmp_path / "part-*.parquet"), 3) == str(pattern)


@pytest.fixture(scope="module")
def few_rows(tmp_path_factory):
    """Files of two shards, and what the numpy pass makes of them."""
    folder = tmp_path_factory.mktemp("rows")
    rng = np.random.default_rng(3)
    for shard in range(2):
        hour, label = rng.integers(0, 3 + shard, 500), rng.random(500) < 0.3
        columns = {"label": label.astype(np.float32), "weight": rng.random(500), "prediction": rng.random(500)}
        pq.write_table(pa.table({"hour": [f"hour_{n}" for n in hour], **columns}), folder / f"{shard}.parquet")
    return str(folder / "*.parquet")


def printed_by(module, files, **environment):
    return measure((sys.executable, "-m", f"bench.{module}", files, "hour"), {"PYTHONPATH": str(ROOT), **environment})[
        1
    ]


@pytest.mark.parametrize(
    ("module", "environment"),
    [
        ("numpy_pass", {"NUMPY_PASS_CORES": "2"}),
        ("duckdb_bucketed", {"DUCKDB_THREADS": "1"}),
        ("duckdb_bucketed", {}),
        ("polars_bucketed", {}),
    ],
)
def test_sides_agree_on_few_rows_whatever_cores_they_use(few_rows, module, environment):
    ours, theirs = printed_by("numpy_pass", few_rows), printed_by(module, few_rows, **environment)
    assert ours["rows"] == theirs["rows"] == 1000
    assert len(ours["aucs"]) == 5
    assert agreement(ours["aucs"], theirs["aucs"]).startswith("agrees")


def test_memory_of_all_counts_children_too():
    child = "import time; x = bytearray(80 << 20); time.sleep(1)"
    parent = f"import subprocess, sys; x = bytearray(60 << 20); subprocess.run([sys.executable, '-c', {child!r}])"
    cost, _ = measure((sys.executable, "-c", parent), watch=True)
    assert cost.peak_mb > 140


def test_the_page_has_a_place_for_the_tables():
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    once = filled(page, "| a |")
    assert f"{BEGIN}\n\n| a |\n\n{END}" in once
    assert filled(once, "| b |") == filled(page, "| b |")
    with pytest.raises(click.ClickException, match="figures: begin"):
        filled("no place", "| a |")


def test_the_page_has_a_place_for_the_tables_of_cores():
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    assert "| a |" in filled(page, "| a |", cores.BEGIN, cores.END)


def test_the_page_names_every_side_and_scenario():
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    assert [name for name in (*SIDES, *SLICINGS) if f"| {name} |" not in page] == []


def test_names_of_cases_tell_them_apart():
    assert len({str(case) for case in CASES}) == len(CASES)
    assert Case("assay", "1 slice", "parquet", 5, 2).data == "parquet-5-2"


def test_bars_of_other_shapes_compare_runs_less_their_imports():
    costs = {name: [Cost(1 + i, 9, 100 * i, 1)] for i, name in enumerate((*shapes.RUNS, "lexsort"), 1)}
    text = shapes.report(Measured(costs=costs))
    (line,) = lines_with(text, "CPU s of macro average of 100 classes / binary |")
    assert "| 2.00 | at most 20 times | yes |" in line
    (line,) = lines_with(text, "peak MB of macro average of 1,000 classes")
    assert "| 300.00 | at most 4,096 MB | yes |" in line
    assert len([line for line in text.splitlines() if line.startswith("|")]) == 2 * 2 + len(shapes.BARS) + len(costs)
