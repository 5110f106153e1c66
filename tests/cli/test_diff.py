"""`assay diff`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from assay.cli import main
from assay.types import SliceKey
from tests.report.made_results import save
from tests.terminal import on_a_terminal

HOSTILE = "\x1b[2J\u202eevil | <b>[red]"
SLICES: list[SliceKey] = [(), *(((("city", name),)) for name in ("Bonn", "a city with a long name", HOSTILE))]


@pytest.fixture
def runs(tmp_path: Path) -> list[str]:
    before = save(tmp_path / "before", SLICES, np.array([0.75, 0.7, 0.8, 0.65]))
    after = save(tmp_path / "after", SLICES, np.array([0.5, 0.71, np.nan, 0.25]))
    return [before, after]


def test_people_see_verdicts_then_what_moved(runs, capsys):
    assert main(["diff", *runs]) == 0
    out = capsys.readouterr().out
    parts = [
        "run",
        "NOT_BLESSED",
        "Data, models and config: no difference",
        "Thresholds with another outcome",
        "All rows, 1,000 in A and 1,000 in B",
        "-0.2500",
    ]
    assert [out.index(part) for part in parts] == sorted(out.index(part) for part in parts)
    assert "Slices that moved most by auc, 3 of 3" in out


@pytest.mark.parametrize("width", [60, 80, 200])
def test_tables_fit_the_terminal(runs, capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["diff", *runs]) == 0
    tables = [line for line in capsys.readouterr().out.splitlines() if "  " in line]
    assert [line for line in tables if len(line) > width] == []


@pytest.mark.parametrize("form", ["table", "csv", "markdown", "json"])
def test_names_from_the_data_do_nothing_to_the_terminal(runs, capsys, form):
    assert main(["diff", *runs, "--format", form]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_a_terminal_gets_no_sequences_of_the_data_either(runs, tmp_path):
    assert b"\x1b[2J" not in on_a_terminal(tmp_path, "diff", *runs)


def test_json_has_everything_and_null_for_what_is_undefined(runs, capsys):
    assert main(["diff", *runs, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["a"]["verdict"], found["b"]["verdict"]) == ("BLESSED", "NOT_BLESSED")
    undefined = [change for change in found["changes"] if change["slice"] == "city=a city with a long name"]
    assert [(change["a"], change["b"], change["change"]) for change in undefined] == [(0.8, None, None)]
    assert {change["slice"] for change in found["changes"]} >= {"Overall", "city=Bonn"}


def test_csv_has_a_line_for_each_number(runs, capsys):
    assert main(["diff", *runs, "--format", "csv", "--top", "1"]) == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {line["slice"] for line in lines} == {"Overall", "city=a city with a long name"}
    (auc,) = (line for line in lines if line["slice"] == "Overall" and line["metric"] == "auc")
    assert (float(auc["a"]), float(auc["change"]), auc["direction"]) == (0.75, -0.25, "worse")


def test_markdown_has_a_table_for_each_part(runs, capsys):
    assert main(["diff", *runs, "--format", "markdown"]) == 0
    out = capsys.readouterr().out
    assert "| verdict |" in out
    assert "<b>" not in out


def test_metrics_slices_and_top_choose(runs, capsys):
    assert main(["diff", *runs, "--metrics", "auc", "--slices", "bonn", "--top", "1"]) == 0
    out = capsys.readouterr().out
    assert "Slices that moved most by auc, 1 of 1:" in out
    assert "mean_squared_error" not in out
    assert "All rows" not in out


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown"])
def test_a_condition_chooses_changes_in_every_format(runs, capsys, form):
    assert main(["diff", *runs, "--where", "change < -0.3 and rows > 500", "--format", form]) == 0
    out = capsys.readouterr().out
    assert "evil" in out
    assert "Bonn" not in out


def test_an_output_stands_for_its_latest_run(runs, tmp_path, capsys):
    verdict = json.loads((tmp_path / "after" / "verdict.json").read_text())
    (tmp_path / "verdict.json").write_text(json.dumps({**verdict, "run": "after", "started": 1.0}))
    assert main(["diff", runs[0], str(tmp_path), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["b"]["run"] == runs[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--metrics", "acu"], "no metric 'acu' in the results; did you mean 'auc'?"),
        (["--slices", "Hamburg"], "no slice has 'Hamburg' in its name"),
        (["--top", "-1"], "--top"),
        (["--where", "chnge < 0"], "--where: at character 1, 'chnge': there is no such name; did you mean 'change'?"),
    ],
)
def test_a_wrong_choice_ends_in_one_line_and_64(runs, capsys, arguments, words):
    assert main(["diff", *runs, *arguments]) == 64
    captured = capsys.readouterr()
    assert words in captured.err
    assert (captured.out, captured.err.count("\n")) == ("", 1)


@pytest.mark.parametrize("name", ["metrics-00000-of-00001.tfrecord", "verdict.json", "eval_config.json"])
def test_a_damaged_file_ends_in_one_line_that_names_it(runs, capsys, name):
    file = Path(runs[1], name)
    file.write_bytes(file.read_bytes()[:-7])
    assert main(["diff", *runs]) == 64
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)
    assert runs[1] in captured.err or name.partition(".")[0] in captured.err


def test_a_folder_that_is_not_there_is_named(runs, capsys, tmp_path):
    assert main(["diff", runs[0], str(tmp_path / "nowhere")]) == 64
    assert "nowhere: expected a folder of results; there is nothing" in capsys.readouterr().err
