"""`assay metrics`."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from assay.cli import main


def test_a_metric_is_described_in_the_width_of_the_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["metrics", "Precision"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Precision: Share of predicted positives that are positive,\n")


def test_all_metrics_are_listed_by_family(capsys):
    assert main(["metrics"]) == 0
    out = capsys.readouterr().out
    assert "Counts of rows\n" in out
    assert out.index("AUC ") < out.index("MeanSquaredError ")


@pytest.mark.parametrize("name", [[], ["AUC"]])
def test_json_is_printed_where_it_is_asked_for(capsys, name):
    assert main(["metrics", *name, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("form", ["table", "json"])
def test_a_wrong_name_ends_in_one_line_and_64(capsys, form):
    assert main(["metrics", "Acuracy\x1b[2J", "--format", form]) == 64
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: there is no metric 'Acuracy\\")
    assert captured.err.count("\n") == 1
    assert "\x1b" not in captured.err


def test_neither_beam_nor_tensorflow_is_loaded():
    code = (
        "import sys; from assay.cli import main; main(['metrics', 'AUC']); "
        "sys.exit(bool({'apache_beam', 'tensorflow', 'pandas'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
