"""The same plan on a Flink session cluster: the same bits, whatever its parallelism, and errors as in process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engines.flink import Flink
from tests.engines.same_bits import check_same_bits
from tests.engines.workers import WorkerPool
from tests.faults.small_run import Undisturbed, small_run
from tests.parity.cases import CASE_OF

QUICK = (("several splits", 2),)


def pairs():
    for name in CASE_OF:
        for parallelism in (1, 2, 4):
            marks = () if (name, parallelism) in QUICK else pytest.mark.slow
            yield pytest.param(name, parallelism, marks=marks, id=f"{name}-{parallelism}")


@pytest.mark.parametrize(("case", "parallelism"), list(pairs()))
def test_flink_gives_the_bits_of_the_run_in_process(case, parallelism, flink_cluster: Flink, tmp_path: Path):
    check_same_bits(case, flink_cluster.options(parallelism=parallelism), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["several splits", "stages of one's own"])
def test_a_checkpointed_run_by_a_worker_pool_gives_the_bits_of_the_run_in_process(
    case, flink_cluster: Flink, worker_pool: WorkerPool, tmp_path: Path
):
    options = (*flink_cluster.options(parallelism=2), *worker_pool.options)
    check_same_bits(case, options, tmp_path, checkpointed=True)


@pytest.mark.slow
def test_two_task_managers_share_the_work_and_give_the_same_bits(flink_cluster: Flink, tmp_path: Path):
    flink_cluster.have_task_managers(2)
    check_same_bits("several splits", flink_cluster.options(parallelism=6), tmp_path)


def test_an_error_of_a_users_own_stage_ends_with_one_line_of_step_error_file_and_line(
    flink_cluster: Flink, undisturbed: Undisturbed, tmp_path: Path
):
    broken = {"name": "Broken", "factory": "tests.faults.bad_code:broken_extractor", "adds": ["features"]}
    run = small_run(tmp_path, data=undisturbed.data, extractors=[broken])
    run.go_on(before="ExtractSliceKeys")
    run.options = flink_cluster.options()
    assert run.run("ExtractSliceKeys") == 1
    assert "at org.apache" not in run.printed("ExtractSliceKeys")
    line = run.last_line("ExtractSliceKeys")
    assert line.startswith("assay.errors.AssayError: in the step ")
    assert "RuntimeError: the user's own words (bad_code.py, line " in line
