"""The shape of the house: what `python -m tests.structure` measures stays within bounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.structure import Arrows, arrows_of, circles_of, floors_of, measures_of, modules_of

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def measures() -> dict[str, str]:
    return measures_of(ROOT)


def test_at_most_ten_modules_stand_beside_the_rooms(measures):
    assert int(measures["modules at the root"]) <= 10


def test_no_room_imports_another_one_in_a_circle():
    assert circles_of(arrows_of(modules_of(ROOT))) == []


def test_no_part_of_the_metrics_imports_another_one_in_a_circle():
    """What a table holds knows no computation, a computation no metric, and none of them the pass over the data."""
    modules = [module for module in modules_of(ROOT) if module.name.startswith("assay.metrics.")]
    arrows = arrows_of(modules, depth=3)
    assert {"assay.metrics.states", "assay.metrics.computations", "assay.metrics.engine"} <= arrows.keys()
    assert circles_of(arrows) == []
    assert "assay.metrics.computations" not in arrows["assay.metrics.states"]


def test_no_module_is_longer_than_400_lines(measures):
    assert measures["modules over 400 lines"] == "none"


def test_whatever_is_public_says_what_it_is(measures):
    assert measures["public docstrings"] == "100.0 %"


def test_floors_and_circles_are_told_of_any_arrows():
    arrows: Arrows = {
        "top": frozenset(["left", "right"]),
        "left": frozenset(["right", "low"]),
        "right": frozenset(["left"]),
        "low": frozenset(),
    }
    assert circles_of(arrows) == [frozenset(["left", "right"])]
    assert floors_of(arrows) == {"low": 1, "left": 2, "right": 2, "top": 3}


def test_the_picture_of_the_rooms_has_every_room_on_a_floor_above_those_that_it_imports():
    """In docs/architecture.md, a line is a floor."""
    picture = (ROOT / "docs" / "architecture.md").read_text().split("## The rooms")[1].split("```")[1]
    lines = [line for line in picture.splitlines()[1:] if line.strip()]
    names = {room.removeprefix("assay."): room for room in arrows_of(modules_of(ROOT))}
    line_of = {names[word]: at for at, line in enumerate(lines) for word in line[:33].split() if word in names}
    for room, others in arrows_of(modules_of(ROOT)).items():
        if room in line_of:
            below = [other for other in others & set(line_of) if line_of[other] <= line_of[room]]
            assert below == [], f"{room} stands on or below the line of {below}"
    assert set(names.values()) - set(line_of) == {"assay", "assay.__main__", "assay.bounds", "assay.extras"}
