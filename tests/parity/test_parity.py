"""The same plan on the same data gives the same bits, whatever runs it."""

from functools import cache

import pytest

from assay.readers.source import Source, splits
from tests.parity.back_ends import BACK_ENDS, REFERENCE
from tests.parity.cases import CASE_OF
from tests.parity.datasets import several_splits
from tests.parity.results import differing, parts_of


def pairs():
    """Each case with each back end."""
    for case in CASE_OF:
        for name, back_end in BACK_ENDS.items():
            yield pytest.param(case, name, marks=list(marks(case, back_end)), id=f"{case}-{name}")


def marks(case, back_end):
    yield from back_end.marks
    if back_end.quick and case not in back_end.quick:
        yield pytest.mark.slow
    if case in back_end.cannot:
        yield pytest.mark.xfail(strict=True, raises=AssertionError, reason=back_end.cannot[case])


@pytest.fixture(scope="module")
def expected(data, tmp_path_factory):
    """Case -> what the reference gives."""

    @cache
    def made(case):
        return parts_of(REFERENCE.run(CASE_OF[case].plan(), data(case), tmp_path_factory.mktemp("expected")))

    return made


@pytest.mark.parametrize("case", CASE_OF)
def test_the_reference_gives_what_the_case_says(case, expected):
    parts, said = expected(case), CASE_OF[case]
    assert parts["summary"]["verdict"] == said.status
    assert parts["summary"]["rows"] == said.rows
    assert sum(parts["summary"]["bad_rows"].values()) == said.bad
    assert len(parts["metrics"]) == said.slices
    assert [part for part in said.holds if not parts[part]] == []
    asks_for_found = "most_worse" in said.analysis.get("find_slices", {})
    assert (b'"question": "most_worse"' in parts["verdict"]) is asks_for_found


@pytest.mark.parametrize(("case", "name"), list(pairs()))
def test_a_back_end_gives_the_same_bits(case, name, data, expected, tmp_path, request):
    back_end = BACK_ENDS[name]
    given = {fixture: request.getfixturevalue(fixture) for fixture in back_end.fixtures}
    found = parts_of(back_end.run(CASE_OF[case].plan(), data(case), tmp_path, **given))
    assert differing(found, expected(case)) == {}


@pytest.mark.parametrize("name", BACK_ENDS)
def test_the_cases_that_a_back_end_names_are_there(name):
    assert {*BACK_ENDS[name].cannot, *BACK_ENDS[name].quick} <= set(CASE_OF)


def test_files_behind_a_hole_are_splits_of_their_own(tmp_path):
    several_splits(tmp_path)
    found = splits(Source("parquet", (str(tmp_path / "part-*.parquet"),)))
    assert [len(split.files) for split in found] == [1, 1, 1]
