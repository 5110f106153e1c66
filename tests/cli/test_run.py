"""What `assay run` prints of a run."""

from __future__ import annotations

from pathlib import Path

from assay.cli import main
from tests.small_analysis import ANALYSIS


def test_a_run_names_the_folder_of_its_results_once_and_the_page_in_it(tmp_path, capsys):
    (tmp_path / "d.csv").write_text("label,score\n1,0.7\n0,0.2\n")
    file = tmp_path / "a.yaml"
    file.write_text(ANALYSIS)
    assert main(["run", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    page = Path(lines[-1].removeprefix("Page: "))
    assert page.read_text().startswith("<!doctype html>")
    assert lines[-2] == f"NOT_EVALUATED  {page.parent}"
    assert [line for line in lines if str(page.parent) in line] == lines[-2:]
    assert any(line.startswith("Overall") for line in lines)
