"""What is wrong is told in one line, and in the same words, by command, Python and notebook."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.wrong_calls import CALLS, DOORS

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """Door -> wrong call -> exit code and all that was written."""
    found = {}
    for door in DOORS:
        folder = tmp_path_factory.mktemp(door)
        done = subprocess.run(
            [sys.executable, "-m", "tests.wrong_calls", door, str(folder)],
            capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        lines = json.loads(done.stdout.splitlines()[-1])
        found[door] = {name: line.replace(str(folder), "FOLDER") for name, line in lines.items()}
    return found


def test_there_are_many_of_them():
    assert len(CALLS) >= 70


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_call_is_told_in_one_line_and_cannot_be_helped_by_a_retry(said, door, name):
    text = said[door][name]
    assert text.startswith("64 "), text
    assert text.rstrip("\n").count("\n") == 0, text
    assert "while running" not in text
    assert "rows/s" not in text


@pytest.mark.parametrize("name", CALLS)
def test_every_door_says_the_same(said, name):
    command = re.sub(r"^64 error: (analysis\.json: )?", "", said["command"][name])
    assert without_place(command) == without_place(said["python"][name].removeprefix("64 "))
    assert without_place(re.sub(r"^64 \w+: ", "", said["notebook"][name])) == without_place(command)


def without_place(line):
    """A line without the key that holds the eval config or the output: Python names them otherwise."""
    return re.sub(r"^(eval_config(\.|: )|output(_path)?: )", "", line.strip())
