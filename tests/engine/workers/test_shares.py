"""Runs of parts for workers: whole, aligned, and shorter towards the end."""

import pytest

from assay.engine.workers.shares import runs


@pytest.mark.parametrize("workers", [1, 2, 3, 16])
@pytest.mark.parametrize("parts", [0, 1, 2, 3, 7, 10, 64, 100, 1000])
def test_every_part_is_given_once_in_order(parts, workers):
    assert [part for run in runs(parts, workers) for part in run] == list(range(parts))


@pytest.mark.parametrize("parts", [10, 64, 100, 1000])
def test_the_states_of_a_run_merge_into_one(parts):
    for run in runs(parts, 2):
        assert len(run) & (len(run) - 1) == 0
        assert run.start % len(run) == 0


def test_the_last_runs_are_short_so_that_no_worker_waits_long():
    lengths = [len(run) for run in runs(100, 2)]
    assert max(lengths) <= 100 // 2
    assert lengths[-2:] == [1, 1]


def test_there_are_few_runs_of_many_parts():
    assert len([*runs(1000, 2)]) < 70
    assert max(len(run) for run in runs(1000, 2)) == 16  # a worker holds a state for each doubling
    assert [*runs(10, 2)] == [range(4), range(4, 6), range(6, 8), range(8, 9), range(9, 10)]
