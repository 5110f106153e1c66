"""What somebody else put in place of files of results: one named error, through every door, and never a wait."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from assay import storage
from assay.cli import main
from assay.errors import AssayError, ConfigError, ResultsError
from assay.notebook.eval_result import load_eval_result
from assay.results.latest import read_latest, results_folder
from assay.results.published import verdict_at
from assay.storage.fingerprints import fingerprint
from tests.small_analysis import ANALYSIS

DEEP = b'{"status": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


def pipe(file: Path) -> None:
    os.mkfifo(file)


def deep(file: Path) -> None:
    file.write_bytes(DEEP)


def half(file: Path) -> None:
    file.write_bytes(b'{"status": "BLESSED", "ru')


def no_object(file: Path) -> None:
    file.write_bytes(b"[1, 2]")


def no_text(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")


def long_number(file: Path) -> None:
    file.write_bytes(b'{"status": ' + b"1" * 10_000 + b"}")


WRONG = [pipe, deep, half, no_object, no_text, long_number]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "d.csv").write_text("label,score\n1,0.5\n0,0.2\n")
    (tmp_path / "a.yaml").write_text(ANALYSIS)
    (tmp_path / "out").mkdir()
    return tmp_path


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("read", [read_latest, results_folder, load_eval_result])
def test_a_verdict_of_an_output_that_is_none_is_an_error_that_names_it(folder, wrong, read: Callable[[str], object]):
    wrong(folder / "out" / "verdict.json")
    with pytest.raises(ResultsError, match=r"out/verdict\.json") as failed:
        read(str(folder / "out"))
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize("wrong", [pipe, deep])
@pytest.mark.parametrize(
    "command", [("run", "a.yaml", "--quiet"), ("check", "a.yaml"), ("show", "out")], ids=lambda words: words[0]
)
def test_the_commands_end_with_64_and_one_line(folder, wrong, command):
    wrong(folder / "out" / "verdict.json")
    called = (sys.executable, "-m", "assay", *command)
    done = subprocess.run(called, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 64
    (line,) = done.stderr.splitlines()
    assert "out/verdict.json" in line


@pytest.mark.parametrize("wrong", WRONG)
def test_a_verdict_of_a_run_that_is_none_is_an_error_too(folder, wrong, capsys):
    assert main(["run", str(folder / "a.yaml"), "--quiet"]) == 0
    run = Path(results_folder(str(folder / "out")))
    (run / "verdict.json").unlink()
    wrong(run / "verdict.json")
    with pytest.raises(AssayError, match="verdict"):
        verdict_at("", str(folder / "out"))
    capsys.readouterr()
    assert main(["show", str(folder / "out")]) == 64
    assert "verdict" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [deep, half, no_object])
def test_a_manifest_without_a_verdict_is_an_error_that_names_it(tmp_path, wrong):
    file = tmp_path / "manifest.json"
    wrong(file)
    with pytest.raises(ResultsError, match=r"manifest\.json: expected the verdict of a run"):
        verdict_at(str(file), "")


@pytest.mark.parametrize("call", [storage.read, storage.open_read, fingerprint])
def test_what_has_no_end_is_never_read(tmp_path, call):
    os.mkfifo(tmp_path / "pipe")
    for uri in (str(tmp_path / "pipe"), "/dev/zero"):
        with pytest.raises(ConfigError, match=f"{uri}: expected a regular file, found a (named pipe|device)"):
            call(uri)
    with pytest.raises(ConfigError, match="expected a regular file"):
        storage.download(str(tmp_path / "pipe"), str(tmp_path / "copy"))
