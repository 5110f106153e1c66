"""`--fail-on` of `assay run` and `assay show`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.cli import main
from assay.cli.fail_on import exit_code
from assay.verdict import Status
from tests.small_analysis import ANALYSIS

BLESSED, NOT_BLESSED, NOT_EVALUATED = Status.BLESSED, Status.NOT_BLESSED, Status.NOT_EVALUATED
THRESHOLD = "{class_name: AUC, threshold: {value_threshold: {lower_bound: %s}}}"


def analysis(folder: Path, bound: float | None) -> str:
    (folder / "d.csv").write_text("label,score\n1,0.7\n0,0.2\n1,0.4\n0,0.5\n")  # AUC 0.75
    text = ANALYSIS if bound is None else ANALYSIS.replace("{class_name: AUC}", THRESHOLD % bound)
    file = folder / "a.yaml"
    file.write_text(text)
    return str(file)


@pytest.mark.parametrize(
    ("status", "fail_on", "code"),
    [
        (BLESSED, None, 0),
        (NOT_BLESSED, None, 0),
        (NOT_EVALUATED, None, 0),
        (BLESSED, "not-blessed", 0),
        (NOT_BLESSED, "not-blessed", 1),
        (NOT_EVALUATED, "not-blessed", 1),
        (None, "not-blessed", 1),
        (BLESSED, "not-evaluated", 0),
        (NOT_BLESSED, "not-evaluated", 0),
        (NOT_EVALUATED, "not-evaluated", 1),
        (None, "not-evaluated", 1),
    ],
)
def test_only_what_is_asked_for_fails(status, fail_on, code):
    assert exit_code(status, fail_on) == code


@pytest.mark.parametrize(
    ("bound", "arguments", "code"),
    [
        (0.9, [], 0),
        (0.9, ["--fail-on", "not-blessed"], 1),
        (0.5, ["--fail-on", "not-blessed"], 0),
        (None, ["--fail-on", "not-evaluated"], 1),
    ],
)
def test_run_and_show_end_with_the_verdict_and_have_printed_it(tmp_path, capsys, bound, arguments, code):
    assert main(["run", analysis(tmp_path, bound), "--quiet", *arguments]) == code
    status, folder = capsys.readouterr().out.split()
    for place in (tmp_path / "out", folder):
        assert main(["show", str(place), *arguments]) == code
        assert status.replace("_", " ") in capsys.readouterr().out.replace("_", " ")


def test_a_page_is_written_before_the_verdict_ends_the_command(tmp_path, capsys):
    main(["run", analysis(tmp_path, 0.9), "--quiet"])
    page = tmp_path / "page.html"
    assert main(["show", str(tmp_path / "out"), "--html", str(page), "--fail-on", "not-blessed"]) == 1
    assert page.exists()


def test_results_without_a_verdict_are_not_blessed(tmp_path, capsys):
    main(["run", analysis(tmp_path, 0.5), "--quiet"])
    folder = Path(capsys.readouterr().out.split()[1])
    (folder / "verdict.json").unlink()
    assert main(["show", str(folder)]) == 0
    assert main(["show", str(folder), "--fail-on", "not-blessed"]) == 1


def test_a_damaged_verdict_is_an_error_whatever_is_asked_for(tmp_path, capsys):
    main(["run", analysis(tmp_path, 0.5), "--quiet"])
    folder = Path(capsys.readouterr().out.split()[1])
    (folder / "verdict.json").write_text(json.dumps({"status": "FINE"}))
    assert main(["show", str(folder), "--fail-on", "not-blessed"]) == 64


def test_another_word_is_refused_with_those_that_there_are(tmp_path, capsys):
    assert main(["show", str(tmp_path), "--fail-on", "blessed"]) == 64
    assert "'not-blessed', 'not-evaluated'" in capsys.readouterr().err
