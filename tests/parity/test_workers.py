"""Worker processes of one machine give the same bits as a single process, however many there are."""

import pytest

from assay.plan.filled import with_params
from assay.readers import source
from assay.run import local
from tests.engine.workers.counted_pools import let_sharing_pay, sizes_of_pools
from tests.parity.cases import CASE_OF
from tests.parity.results import differing, parts_of

QUICK = {
    "two models, intervals": (2, 3),
    "regression": (3,),
    "classes and averages": (2,),
    "ranked lists": (3,),
    "bad rows": (2,),
}
"""Case -> numbers of processes of `make test`; the rest is slow."""

WITH_ONE_PART = ("a reader of one's own", "no rows")
"""Inputs that are not cut into parts."""


@pytest.fixture(autouse=True)
def every_file_is_a_part_that_pays(monkeypatch):
    monkeypatch.setattr(source, "SPLIT_BYTES", 0)
    let_sharing_pay(monkeypatch)


@pytest.fixture
def started(monkeypatch):
    """The numbers of processes that were started."""
    return sizes_of_pools(monkeypatch)


def run(case, data, folder, workers, checkpoints=False):
    plan = with_params(CASE_OF[case].plan(), {"data": str(data), "out": str(folder)})
    root = str(folder / "checkpoints") if checkpoints else None
    local.run(plan, checkpoints=root, options=[f"--workers={workers}"])
    return parts_of(folder)


@pytest.mark.parametrize(
    ("case", "workers"),
    [
        pytest.param(case, workers, marks=[] if workers in QUICK.get(case, ()) else [pytest.mark.slow])
        for case in CASE_OF
        for workers in (2, 3)
    ],
)
def test_two_and_three_processes_give_the_bits_of_one(case, workers, data, tmp_path, started):
    expected = run(case, data(case), tmp_path / "1", 1)
    assert started == []
    found = run(case, data(case), tmp_path / str(workers), workers)
    assert differing(found, expected) == {}
    assert started == ([] if case in WITH_ONE_PART else [workers])


@pytest.mark.parametrize("case", ["two models, intervals", pytest.param("several splits", marks=pytest.mark.slow)])
def test_stages_with_checkpoints_give_the_bits_of_one_process(case, data, tmp_path, started):
    expected = run(case, data(case), tmp_path / "1", 1)
    found = run(case, data(case), tmp_path / "2", 2, checkpoints=True)
    assert differing(found, expected) == {}
    assert set(started) == {2}
