"""A part of Spark, its Python worker or the launching process is killed in mid-job."""

from __future__ import annotations

import pytest

from tests.engines.kills import nothing, sigkill, survives
from tests.engines.servers import end
from tests.engines.spark import Spark
from tests.engines.workers import WorkerPool, children
from tests.faults.small_run import Undisturbed

SLOW = [pytest.param(seed, marks=pytest.mark.slow) for seed in range(4)]
SEEDS = [0, *SLOW[1:]]
SECONDS = 12.0
"""That the task takes there."""


@pytest.mark.parametrize("seed", SEEDS)
def test_executors_are_killed(seed, spark_cluster: Spark, undisturbed: Undisturbed, tmp_path):
    def kill(pid: int) -> None:
        sigkill(*children(spark_cluster.workers[-1].pid))

    options = spark_cluster.with_parallelism(4)
    survives(tmp_path, undisturbed, options, kill, nothing, seed=seed, seconds=SECONDS)


@pytest.mark.parametrize("seed", SLOW)
def test_a_worker_is_killed_with_its_executors(seed, spark_cluster: Spark, undisturbed: Undisturbed, tmp_path):
    def kill(pid: int) -> None:
        end(spark_cluster.workers.pop())

    def heal() -> None:
        spark_cluster.have_workers(2)

    options = spark_cluster.with_parallelism(4)
    survives(tmp_path, undisturbed, options, kill, heal, seed=seed, seconds=SECONDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_job_server_is_killed(seed, spark_cluster: Spark, undisturbed: Undisturbed, tmp_path):
    def kill(pid: int) -> None:
        assert spark_cluster.job_server is not None
        end(spark_cluster.job_server)

    options = spark_cluster.with_parallelism(4)
    survives(tmp_path, undisturbed, options, kill, spark_cluster.start_job_server, seed=seed, seconds=SECONDS)


@pytest.mark.parametrize("seed", SLOW)
def test_a_python_worker_is_killed(
    seed, spark_cluster: Spark, worker_pool: WorkerPool, undisturbed: Undisturbed, tmp_path
):
    def kill(pid: int) -> None:
        sigkill(*worker_pool.workers())

    options = (*spark_cluster.with_parallelism(4), *worker_pool.options)
    survives(tmp_path, undisturbed, options, kill, nothing, seed=seed, seconds=SECONDS)


@pytest.mark.parametrize("seed", SLOW)
def test_the_launching_process_is_killed(seed, spark_cluster: Spark, undisturbed: Undisturbed, tmp_path):
    """Its job may keep its cores, waiting for workers without end, until somebody ends it."""
    options = spark_cluster.with_parallelism(4)
    survives(tmp_path, undisturbed, options, sigkill, spark_cluster.start_job_server, seed=seed, seconds=SECONDS)
