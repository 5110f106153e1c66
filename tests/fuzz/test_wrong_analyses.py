"""Hundreds of wrong analysis files, made of right ones: each is told by file, place and cure, through every door."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.fuzz.analyses import ANALYSES
from tests.fuzz.message_rule import faults
from tests.fuzz.mutants import Mutant
from tests.fuzz.mutants_told import ACCEPTED, MOST, SEED, Told, arguments, mutants

ROOT = Path(__file__).parents[2]
DOORS = ("command", "python", "notebook")
DATA = ("scored", "labels.jsonl", "digits.jsonl", "ranked.csv", "prices.csv", "eval.pbtxt", "a-file")
"""Names, or their beginnings, of the files beside the analysis."""


class Run:
    """What a door says of many analyses, in a process of its own."""

    def __init__(self, door: str, folder: Path, *more: str) -> None:
        self.folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.mutants_told", door, str(folder), *more],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip

    def told(self) -> dict[str, Told]:
        """Waits for it."""
        out, err = self._process.communicate()
        assert self._process.returncode == 0, err
        return {name: (code, said) for name, (code, said) in json.loads(out.splitlines()[-1]).items()}


FEW = (SEED, MOST, 3)
"""Of the quick tests: three of a kind, for the command."""
ONE = (SEED, MOST, 1)
"""Of the quick tests: one of a kind, for doors whose messages are the command's."""
MANY = (SEED, MOST)
ALL_PLACES = (SEED + 1, 400)


def judged(door: str, folder: Path, *numbers: int) -> None:
    """Tells of each mutant by a door and prints the figures; fails where a message is poor."""
    told = Run(door, folder, "mutants", *map(str, numbers)).told()
    good, total, bad = Counter[str](), Counter[str](), []
    for name, one in mutants(*numbers).items():
        if is_right_so_far(door, one, told[name]):
            continue
        found = problems(door, one, told[name])
        total[one.kind] += 1
        good[one.kind] += not found
        if found:
            bad.append(f"{one.kind} / {name}\n    {'; '.join(found)}\n    {told[name][1].strip()[:700]}")

    table = "".join(f"  {good[kind]:4}/{count:<4} {kind}\n" for kind, count in sorted(total.items()))
    figures = f"{door}: {good.total()} of {total.total()} messages are good\n{table}"
    sys.stdout.write(figures)
    assert total.total() >= (200 if numbers != ONE else 70)
    assert not bad, f"{figures}{chr(10).join(bad)}"


def is_right_so_far(door: str, one: Mutant, told: Told) -> bool:
    """Whether Python could only load the file, in which nothing is wrong before data and models are looked at."""
    return door != "command" and told[0] == ACCEPTED and arguments(one) is None


def problems(door: str, one: Mutant, told: Told) -> list[str]:
    """What is wrong with what a door says of a mutant."""
    code, said = told
    if code == ACCEPTED:
        return ["accepted"]
    is_call = door != "command" and arguments(one) is not None
    files = () if is_call else (one.file, *DATA)
    named = [as_argument(name) for name in one.named if name != "eval.pbtxt"] if is_call else one.named
    return faults(said, code, files, named, one.cures)


def as_argument(place: str) -> str:
    """A key path as a caller of Python has it."""
    of_model = re.fullmatch(r"models\[\d\]\.?(\w*).*", place)
    if of_model:
        return of_model[1] or "model"
    if place.startswith("inputs.files"):
        return f"{place} or {place.replace('inputs.files', 'data_location')}"
    return {"output": "output_path", "eval_config": "eval config"}.get(place, place)


def test_there_are_hundreds_of_them_and_of_many_kinds():
    made = mutants()
    assert len(made) >= 600
    assert len(mutants(*FEW)) >= 200
    assert len({one.kind for one in made.values()}) >= 80


def test_a_seed_makes_the_same_ones_again():
    again = mutants.__wrapped__()
    assert {name: one.text for name, one in mutants().items()} == {name: one.text for name, one in again.items()}


def test_what_they_are_made_of_is_right(tmp_path):
    told = Run("check", tmp_path, "rights").told()
    assert {name: code for name, (code, _) in told.items()} == dict.fromkeys(ANALYSES, 0), told


@pytest.mark.parametrize("door", DOORS)
def test_a_wrong_analysis_is_told_by_file_place_and_cure(door, tmp_path):
    judged(door, tmp_path, *(FEW if door == "command" else ONE))


@pytest.mark.slow
@pytest.mark.parametrize("door", DOORS)
def test_hundreds_of_wrong_analyses_are_told_by_file_place_and_cure(door, tmp_path):
    judged(door, tmp_path, *MANY)


@pytest.mark.slow
def test_mistakes_in_every_place_are_told_by_file_place_and_cure(tmp_path):
    judged("command", tmp_path, *ALL_PLACES)


@pytest.mark.slow
def test_what_they_are_made_of_runs(tmp_path):
    told = Run("command", tmp_path, "rights").told()
    assert {name: code for name, (code, _) in told.items()} == dict.fromkeys(ANALYSES, 0), told


POOR = {
    "a traceback": "Traceback (most recent call last):\n  ...\nKeyError: 'format'",
    "what Python says": "error: analysis.yaml: inputs.format: 'int' object is not iterable; expected text",
    "an error's class": "error: analysis.yaml: inputs.format: TypeError: expected str, got int",
    "no file": "error: inputs.format: unknown value 'cvs'; did you mean 'csv'?",
    "no place": "error: analysis.yaml: unknown value 'cvs'; did you mean 'csv'?",
    "a part of the place": "error: analysis.yaml: format: unknown value 'cvs'; did you mean 'csv'?",
    "a longer place": "error: analysis.yaml: inputs.formats: unknown value 'cvs'; did you mean 'csv'?",
    "no cure": "error: analysis.yaml: inputs.format: unknown value 'cvs'",
    "a cure that is none": "error: analysis.yaml: inputs.format: unknown value 'cvs'; there are none",
    "the language as the cure": "error: analysis.yaml: inputs.format: expected YAML; found something else",
    "another cure": "error: analysis.yaml: inputs.format: unknown value 'cvs'; did you mean 'jsonl'?",
    "four lines": "error: analysis.yaml: inputs.format: unknown value 'cvs'\ndid you mean 'csv'?\n\nSee the docs.",
    "a page": f"error: analysis.yaml: inputs.format: unknown value 'cvs'; did you mean 'csv'?{' See the docs.' * 50}",
    "nothing": "",
}
GOOD = "error: analysis.yaml: inputs.format: unknown value 'cvs'; did you mean 'csv'?"


def faults_of(said: str, code: int = 64) -> list[str]:
    return faults(said, code, ["analysis.yaml"], ["inputs.format"], ["did you mean 'csv'?"])


@pytest.mark.parametrize("poor", POOR)
def test_the_rule_refuses_a_poor_message(poor):
    assert faults_of(POOR[poor])


@pytest.mark.parametrize("code", [0, 1, 75, None])
def test_the_rule_refuses_another_exit_code(code):
    assert faults_of(GOOD, code)


def test_the_rule_takes_a_good_message():
    assert faults_of(GOOD) == []
