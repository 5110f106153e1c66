"""Mutated files end in rows, or in one line that names the file; none hangs, kills the process or takes its memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")

MUTATED_FILES = Path(__file__).parent / "mutated_files.py"


def read_mutated(first, count, folder):
    """What became of each file; the last one of those that are missing stopped the process."""
    done = subprocess.run(
        [sys.executable, MUTATED_FILES, str(first), str(count), folder], capture_output=True, check=False
    )
    ended = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(ended) == count, f"seed {first + len(ended)}: exit {done.returncode}: {done.stderr[-2000:]!r}"
    return ended


def check(ended):
    for case in ended:
        assert case["code"] in (0, 64, 75), case
        if case["code"]:
            assert "FILE" in case["outcome"] or "column" in case["outcome"], case
            assert "\n" not in case["outcome"], case
    assert max(case["mb"] for case in ended) < 2048


def test_mutated_files_end_in_rows_or_in_one_line_that_names_the_file(tmp_path):
    ended = read_mutated(0, 120, tmp_path)
    check(ended)
    assert {case["format"] for case in ended if case["code"]} == {"csv", "jsonl", "parquet", "tfrecord"}
    assert {case["format"] for case in ended if not case["code"]} == {"csv", "jsonl", "parquet", "tfrecord"}


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 4000, 500))
def test_three_thousand_mutated_files_end_in_rows_or_in_one_line_that_names_the_file(tmp_path, first):
    check(read_mutated(first, 500, tmp_path))
