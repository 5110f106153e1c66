"""Which commands import modules of the folder that they are called in, and in which order."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.small_analysis import ANALYSIS

SHADOWED = ("rich", "click", "typing", "logging", "json", "numpy", "yaml", "google", "apache_beam", "pyarrow", "_note")
COMMAND = Path(sys.executable).with_name("assay")

OWN = """
evaluators: [{name: Mine, factory: "my_stages:evaluator", run_after: ExtractSliceKeys, outputs: [mine]}]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with an analysis, its results, and modules that leave a note if they are imported."""
    folder = tmp_path_factory.mktemp("folder")
    (folder / "d.csv").write_text("label,score\n1,0.5\n0,0.2\n")
    (folder / "a.yaml").write_text(ANALYSIS)
    (folder / "own.yaml").write_text(ANALYSIS + OWN)
    done = called(folder, "run", "a.yaml", "--quiet", "--checkpoints", str(folder / "root"))
    assert done.returncode == 0, done.stderr
    for name in SHADOWED:
        (folder / f"{name}.py").write_text(f"open('ran-{name}', 'w').close()\nraise SystemExit('{name} ran')\n")
    return folder


def called(folder, *arguments, command=(sys.executable, "-m", "assay")):
    return subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True, check=False)


COMMANDS = {
    "show": ("show", "out"),
    "checkpoints": ("checkpoints", "root"),
    "plan": ("plan", "a.yaml"),
    "check": ("check", "a.yaml"),
    "compile": ("compile", "kfp", "a.yaml", "-o", "p.yaml"),
    "version": ("--version",),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_runs_no_code_of_the_user_imports_nothing_from_it(folder, name):
    done = called(folder, *COMMANDS[name])
    assert done.returncode == 0, done.stderr
    assert list(folder.glob("ran-*")) == []


def test_the_installed_command_imports_nothing_from_it_either(folder):
    done = called(folder, "show", "out", command=(str(COMMAND),))
    assert done.returncode == 0, done.stderr
    assert list(folder.glob("ran-*")) == []


def test_a_command_that_may_run_code_of_the_user_finds_what_is_installed_first(folder):
    done = called(folder, "run", "a.yaml", "--quiet")
    assert done.returncode == 0, done.stderr
    assert list(folder.glob("ran-*")) == []


def test_code_of_the_user_is_found_where_it_is_asked_for(folder):
    (folder / "my_stages.py").write_text("raise SystemExit('mine ran')\n")
    assert called(folder, "check", "own.yaml").returncode == 0
    done = called(folder, "check", "own.yaml", "--import")
    assert (done.returncode, done.stderr) == (1, "mine ran\n")


@pytest.mark.slow
def test_a_package_called_as_ours_is_not_taken_for_it_by_the_processes_of_a_run(folder, tmp_path):
    (tmp_path / "assay").mkdir()
    (tmp_path / "assay" / "__init__.py").write_text("open('ran-assay', 'w').close()\nraise SystemExit('assay ran')\n")
    (tmp_path / "d.csv").write_text("label,score\n1,0.5\n0,0.2\n")
    (tmp_path / "a.yaml").write_text(f"{ANALYSIS}analysis_table: true\n")
    done = called(tmp_path, "run", "a.yaml", "--quiet", "--checkpoints", "root", command=(str(COMMAND),))
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "root").iterdir()} >= {"EvaluateMetricsAndPlots", "EvaluateExtracts"}
    assert not (tmp_path / "ran-assay").exists()


def test_the_commands_of_containers_import_nothing_from_it(folder):
    done = called(folder, "--help", command=(sys.executable, "-P", "-m", "assay.components.run"))
    assert done.returncode == 0, done.stderr
    assert list(folder.glob("ran-*")) == []
