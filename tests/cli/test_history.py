"""`assay history`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from assay import storage
from assay.cli import main
from assay.types import SliceKey
from tests.memory_store import SCHEME, MemoryStore
from tests.report.made_results import save

SLICES: list[SliceKey] = [(), (("city", "Bonn"),), (("city", "Ulm"),)]
NAMES = ["20260101T120000-aa", "20260102T120000-bb", "20260103T120000-cc"]
AUC = [0.75, 0.5, 0.625]


@pytest.fixture
def output(tmp_path: Path) -> Path:
    for name, auc in zip(NAMES, AUC, strict=True):
        save(tmp_path / "out" / name, SLICES, np.array([auc, 0.7, 0.8]))
    latest(tmp_path / "out", NAMES[2])
    return tmp_path / "out"


def latest(output: Path, name: str) -> None:
    verdict = json.loads((output / name / "verdict.json").read_text())
    (output / "verdict.json").write_text(json.dumps({**verdict, "run": name, "started": 1.0}))


def rows(capsys, *arguments):
    assert main(["history", *map(str, arguments), "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_runs_are_listed_newest_first_with_their_changes(output, capsys):
    found = rows(capsys, output)
    assert [row["run"] for row in found] == NAMES[::-1]
    assert [row["date (UTC)"] for row in found] == [f"2026-01-0{day} 12:00:00" for day in (3, 2, 1)]
    assert [row["auc"] for row in found] == AUC[::-1]
    assert [row["auc change"] for row in found] == [0.125, -0.25, None]
    assert [row["verdict"] for row in found] == ["BLESSED", "NOT_BLESSED", "BLESSED"]
    assert [row["note"] for row in found] == ["latest, last blessed", None, None]


def test_the_oldest_run_that_is_shown_is_held_against_the_one_before_it(output, capsys):
    found = rows(capsys, output, "--top", 2)
    assert [row["auc change"] for row in found] == [0.125, -0.25]


def test_slices_have_rows_of_their_own(output, capsys):
    found = rows(capsys, output, "--slices", "city", "--metrics", "mean_squared_error", "--top", 2)
    assert [row["slice"] for row in found] == ["city=Bonn", "city=Bonn", "city=Ulm", "city=Ulm"]
    assert [row["run"] for row in found] == NAMES[:0:-1] * 2
    assert [row["mean_squared_error"] for row in found] == [0.25] * 4


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_table_fits_the_terminal(output, capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["history", str(output)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if len(line) > width] == []
    assert any("NOT_BLESSED" in line for line in lines)


def test_a_change_is_left_out_where_the_metric_has_other_settings(output, capsys):
    file = output / NAMES[2] / "eval_config.json"
    run = json.loads(file.read_text())
    run["evalConfig"]["metricsSpecs"][0]["metrics"][0]["config"] = '"exact": true'
    file.write_text(json.dumps(run))
    assert [row["auc change"] for row in rows(capsys, output)] == [None, -0.25, None]


def test_a_damaged_run_is_listed_and_told_and_the_others_stay(output, capsys):
    (output / NAMES[1] / "results.json").write_text('{"half')
    metrics = output / NAMES[0] / "metrics-00000-of-00001.tfrecord"
    metrics.write_bytes(metrics.read_bytes()[:-5])
    assert main(["history", str(output)]) == 64
    captured = capsys.readouterr()
    assert captured.out.count("damaged") == 2
    assert "0.6250" in captured.out
    assert len(captured.err.splitlines()) == 2
    assert all(line.startswith("error: ") for line in captured.err.splitlines())


def test_a_run_without_metrics_is_listed_with_its_verdict(output, capsys):
    empty = output / "20260104T120000-dd"
    empty.mkdir()
    (empty / "verdict.json").write_text('{"status": "NOT_EVALUATED", "reasons": [{"message": "no rows"}]}')
    (empty / "results.json").write_text('{"verdict": "NOT_EVALUATED"}')
    found = rows(capsys, output)
    assert [row["verdict"] for row in found][:2] == ["NOT_EVALUATED", "BLESSED"]
    assert (found[0]["auc"], found[0]["rows"]) == (None, None)
    assert found[1]["auc change"] == 0.125


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("", "expected an output with folders of runs; there is no run in it"),
        ("out/20260101T120000-aa", "it is the folder of one run; give the output that it lies in"),
    ],
)
def test_a_folder_that_is_no_output_is_refused(output, capsys, place, words):
    assert main(["history", str(output.parent / place)]) == 64
    captured = capsys.readouterr()
    assert words in captured.err
    assert (captured.out, captured.err.count("\n")) == ("", 1)


def test_runs_without_a_date_in_their_name_are_ordered_by_when_they_were_written(output, capsys):
    save(output / "daily-1234abcd", SLICES, np.array([0.9, 0.7, 0.8]))
    os.utime(output / "daily-1234abcd" / "results.json", (1767355200, 1767355200))  # 2026-01-02 12:00
    names = [row["run"] for row in rows(capsys, output)]
    assert names.index("daily-1234abcd") in (1, 2)


def test_runs_in_a_bucket_are_listed_and_compared(output, capsys, monkeypatch):
    store = MemoryStore()
    monkeypatch.setitem(storage.STORES, SCHEME, lambda: store)
    for file in output.rglob("*.*"):
        if file.is_file():
            store.write(f"{SCHEME}://bucket/out/{file.relative_to(output)}", file.read_bytes())
    assert [row["run"] for row in rows(capsys, f"{SCHEME}://bucket/out")] == NAMES[::-1]

    assert main(["diff", f"{SCHEME}://bucket/out/{NAMES[1]}/", f"{SCHEME}://bucket/out", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["a"]["run"], found["b"]["run"]) == tuple(f"{SCHEME}://bucket/out/{name}" for name in NAMES[1:])
    assert found["changes"][0]["change"] == 0.125
