"""Five new users, each in an empty folder with a fresh environment, get a verdict by doing what their guide says."""

import pytest

from tests.blocks import ROOT, blocks_of
from tests.installs.doors import BLESSED, DOORS, Walks
from tests.installs.doors_page import WORK, words_of
from tests.installs.walk import steps_of

PAGE = ROOT / "docs" / "doors.md"
MOST_CPU_SECONDS = 150
"""Half of the five minutes that a first verdict may take; installations are not in it."""

WALKED = [pytest.param(door, marks=pytest.mark.slow if door.is_slow else (), id=door.name) for door in DOORS]


@pytest.fixture(scope="module")
def walks(tmp_path_factory, wheel):
    return Walks(tmp_path_factory.mktemp("doors"), wheel)


@pytest.mark.parametrize("door", WALKED)
def test_a_guide_leads_from_an_empty_folder_to_a_verdict_and_a_page(door, walks):
    walk, seen = walks.through(door)
    assert seen.verdict == "BLESSED"
    assert "<title>" in seen.page
    assert BLESSED in seen.page
    assert walk.cost(*WORK).cpu_s < MOST_CPU_SECONDS


@pytest.mark.parametrize("door", WALKED)
def test_the_page_of_the_doors_has_the_steps_that_were_walked(door, walks):
    walk, _ = walks.through(door)
    section = PAGE.read_text().partition(f"\n## {door.name}\n")[2].partition("\n## ")[0]
    listed = [line.split(" | ")[0].removeprefix("| ") for line in section.splitlines() if line.startswith("| ")]
    assert listed[2:] == [words_of(step) for step in walk.steps]


def test_whatever_needs_an_environment_of_its_own_is_walked():
    """Blocks of sh, which tests/test_readme.py leaves out."""
    walked = (ROOT / "tests" / "installs" / "doors.py").read_text()
    documents = ["README.md", *(f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md"))]
    left = [
        block.where
        for document in documents
        for block in blocks_of(document)
        if block.language == "sh" and f'"{block.heading}"' not in walked
    ]
    assert left == []


def test_a_section_without_blocks_is_told():
    with pytest.raises(AssertionError, match="expected blocks below the heading 'Gone', found none"):
        list(steps_of("docs/first-run.md", "Gone"))
