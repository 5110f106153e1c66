"""A part of Flink, its job server, a Python worker or the launching process is killed in mid-job."""

from __future__ import annotations

import time
from typing import Any

import psutil
import pytest

from tests.engines.flink import Flink
from tests.engines.kills import nothing, sigkill, survives
from tests.engines.servers import end
from tests.engines.workers import WorkerPool
from tests.faults.small_run import Undisturbed

SEEDS = [pytest.param(seed, marks=pytest.mark.slow) for seed in range(5)]
QUICK = [0, *SEEDS[1:]]
SECONDS = 10.0
"""That the task takes there."""


@pytest.mark.parametrize("seed", QUICK)
def test_a_task_manager_is_killed(seed, flink_cluster: Flink, undisturbed: Undisturbed, tmp_path):
    def kill(pid: int) -> None:
        end(flink_cluster.task_managers.pop())

    options = flink_cluster.options(parallelism=2)
    survives(tmp_path, undisturbed, options, kill, flink_cluster.have_task_managers, seed=seed, seconds=SECONDS)


@pytest.mark.parametrize("seed", QUICK)
def test_the_job_server_is_killed(seed, flink_cluster: Flink, undisturbed: Undisturbed, tmp_path):
    def kill(pid: int) -> None:
        end(flink_cluster.job_server)

    options = flink_cluster.options(parallelism=2)
    survives(tmp_path, undisturbed, options, kill, flink_cluster.start_job_server, seed=seed, seconds=SECONDS)


def connected(pool: WorkerPool) -> list[int]:
    """The workers of the pool, once one has reported. One that ends before that is waited for by Flink for ever."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        workers = pool.workers()
        if any(connection.status == "ESTABLISHED" for pid in workers for connection in connections(pid)):
            break
        time.sleep(0.02)
    time.sleep(0.3)
    return workers


def connections(pid: int) -> Any:
    try:
        return psutil.Process(pid).net_connections("tcp")
    except psutil.NoSuchProcess:
        return []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_python_worker_is_killed(
    seed, flink_cluster: Flink, worker_pool: WorkerPool, undisturbed: Undisturbed, tmp_path
):
    def kill(pid: int) -> None:
        sigkill(*connected(worker_pool))

    options = (*flink_cluster.options(parallelism=2), *worker_pool.options)
    survives(tmp_path, undisturbed, options, kill, nothing, seed=seed, seconds=SECONDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_launching_process_is_killed(seed, flink_cluster: Flink, undisturbed: Undisturbed, tmp_path):
    options = flink_cluster.options(parallelism=2)
    survives(tmp_path, undisturbed, options, sigkill, nothing, seed=seed, seconds=SECONDS)
