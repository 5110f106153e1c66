"""Prism, its Python worker or the launching process is killed in mid-job."""

from __future__ import annotations

import pytest

from tests.engines import prism
from tests.engines.kills import nothing, sigkill, survives
from tests.engines.prism import Prism
from tests.engines.servers import end
from tests.engines.workers import WorkerPool, children
from tests.faults.small_run import Undisturbed

SEEDS = [pytest.param(seed, marks=() if seed == 0 else pytest.mark.slow) for seed in range(5)]
SECONDS = 2.0
"""That the task takes there."""


@pytest.fixture
def server(prism_server: Prism) -> Prism:
    prism_server.start()
    return prism_server


@pytest.mark.parametrize("seed", SEEDS)
def test_the_server_is_killed(seed, server: Prism, undisturbed: Undisturbed, tmp_path):
    def kill(pid: int) -> None:
        assert server.server is not None
        end(server.server)

    survives(tmp_path, undisturbed, server.options, kill, server.start, seed=seed, seconds=SECONDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_python_worker_is_killed(seed, server: Prism, worker_pool: WorkerPool, undisturbed: Undisturbed, tmp_path):
    def kill(pid: int) -> None:
        sigkill(*worker_pool.workers())

    options = (*server.options, *worker_pool.options)
    survives(tmp_path, undisturbed, options, kill, server.start, seed=seed, seconds=SECONDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_launching_process_is_killed(seed, server: Prism, undisturbed: Undisturbed, tmp_path):
    survives(tmp_path, undisturbed, server.options, sigkill, server.start, seed=seed, seconds=SECONDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_prism_that_beam_has_started_is_killed(seed, undisturbed: Undisturbed, tmp_path):
    def kill(pid: int) -> None:
        sigkill(*children(pid))

    survives(tmp_path, undisturbed, prism.started_by_beam(), kill, nothing, seed=seed, seconds=SECONDS)
