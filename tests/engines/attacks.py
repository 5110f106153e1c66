"""What can be killed of each engine, and how it is put back."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psutil
import pytest

from tests.engines import prism
from tests.engines.flink import Flink
from tests.engines.prism import Prism
from tests.engines.servers import Server, end
from tests.engines.spark import Spark
from tests.engines.workers import WorkerPool, children


@dataclass(frozen=True, kw_only=True)
class Attack:
    """A job, and something that is killed meanwhile.

    Attributes:
        options: of Beam pipelines that run on the engine.
        kill: called with the id of the launching process; says whether it found something to kill.
        heal: puts back what was killed, before the retry.
        seconds: that the task takes there if nothing is killed, at least.
        most_seconds: until it ends with something killed.
    """

    options: tuple[str, ...]
    kill: Callable[[int], bool]
    heal: Callable[[], Any] = lambda: None
    seconds: float
    most_seconds: float = 240


def sigkill(*pids: int) -> bool:
    """Kills processes, if they still run; of the launching process with LOOPBACK that is also the worker in it."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return bool(pids)


def ended(server: Server | None) -> bool:
    """Kills a server and all that it has started."""
    assert server is not None
    end(server)
    return True


def of_flink(request: pytest.FixtureRequest) -> Mapping[str, Attack]:
    """Victim -> attack on a Flink session cluster."""
    cluster: Flink = request.getfixturevalue("flink_cluster")
    pool: WorkerPool = request.getfixturevalue("worker_pool")
    loopback = cluster.options(parallelism=2)
    in_pool = (*loopback, *pool.options)
    return {
        "task manager": Attack(
            options=loopback,
            kill=lambda pid: ended(cluster.task_managers.pop()),
            heal=cluster.have_task_managers,
            seconds=7,
        ),
        "job server": Attack(
            options=loopback, kill=lambda pid: ended(cluster.job_server), heal=cluster.start_job_server, seconds=7
        ),
        "Python worker": Attack(options=in_pool, kill=lambda pid: sigkill(*reported(pool)), seconds=7),
        "launching process": Attack(options=loopback, kill=sigkill, seconds=7),
        "launching process, not its workers": Attack(options=in_pool, kill=sigkill, seconds=7),
    }


def reported(pool: WorkerPool) -> list[int]:
    """The workers of a pool that have reported, once there are some: engines wait for ever for one that ends before."""
    deadline = time.monotonic() + 30
    workers: list[int] = []
    while not workers and time.monotonic() < deadline:
        time.sleep(0.02)
        workers = [pid for pid in pool.workers() if _connections(pid)]
    time.sleep(0.3)
    return workers


def _connections(pid: int) -> list[Any]:
    """The connections of a process; none of one that has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return [found for found in psutil.Process(pid).net_connections("tcp") if found.status == "ESTABLISHED"]
    return []


def of_spark(request: pytest.FixtureRequest) -> Mapping[str, Attack]:
    """Victim -> attack on a Spark standalone cluster."""
    cluster: Spark = request.getfixturevalue("spark_cluster")
    pool: WorkerPool = request.getfixturevalue("worker_pool")
    loopback = cluster.with_parallelism(4)
    in_pool = (*loopback, *pool.options)

    def restart() -> None:
        """A job that has lost a part of itself may keep its cores, and wait for that without end."""
        cluster.start_job_server(4)

    return {
        "executors": Attack(options=loopback, kill=lambda pid: sigkill(*children(cluster.workers[-1].pid)), seconds=8),
        "worker with its executors": Attack(
            options=loopback,
            kill=lambda pid: ended(cluster.workers.pop()),
            heal=lambda: cluster.have_workers(2),
            seconds=8,
        ),
        "job server": Attack(options=loopback, kill=lambda pid: ended(cluster.job_server), heal=restart, seconds=8),
        "Python worker": Attack(
            options=in_pool,
            kill=lambda pid: sigkill(*reported(pool)),
            heal=restart,
            seconds=8,
            most_seconds=900,  # Spark tries a task four times, and may wait for the worker for three minutes each time
        ),
        "launching process": Attack(options=loopback, kill=sigkill, seconds=8),
        "launching process, not its workers": Attack(options=in_pool, kill=sigkill, seconds=8),
    }


def of_prism(request: pytest.FixtureRequest) -> Mapping[str, Attack]:
    """Victim -> attack on a Prism that runs as a server, or that Beam has started."""
    server: Prism = request.getfixturevalue("prism_server")
    pool: WorkerPool = request.getfixturevalue("worker_pool")
    server.start()
    in_pool = (*server.options, *pool.options)
    return {
        "server": Attack(options=server.options, kill=lambda pid: ended(server.server), heal=server.start, seconds=2),
        "Python worker": Attack(
            options=in_pool, kill=lambda pid: sigkill(*reported(pool)), heal=server.start, seconds=2
        ),
        "launching process": Attack(options=server.options, kill=sigkill, heal=server.start, seconds=2),
        "Prism that Beam has started": Attack(
            options=prism.started_by_beam(), kill=lambda pid: sigkill(*started_by(pid)), seconds=2
        ),
        "Prism that Beam has started, in its job": Attack(
            options=prism.started_by_beam(), kill=lambda pid: sigkill(*started_by(pid, connections=5)), seconds=0.5
        ),
    }


def started_by(pid: int, connections: int = 0) -> list[int]:
    """What a launching process has started, as soon as it has so many connections, and a moment later.

    A Prism that starts has two or three, to the launching process; its worker, which has a job to do, adds two.
    """
    deadline, started = time.monotonic() + 30, list[int]()
    while psutil.pid_exists(pid) and time.monotonic() < deadline:
        started = children(pid)
        if any(len(_connections(child)) >= connections for child in started):
            break
        time.sleep(0.01)
    time.sleep(0.1 if connections else 0.3)
    return started if psutil.pid_exists(pid) else []


ENGINES = {"Flink": of_flink, "Spark": of_spark, "Prism": of_prism}
VICTIMS = {
    "Flink": (
        "task manager",
        "job server",
        "Python worker",
        "launching process",
        "launching process, not its workers",
    ),
    "Spark": (
        "executors",
        "job server",
        "worker with its executors",
        "Python worker",
        "launching process",
        "launching process, not its workers",
    ),
    "Prism": (
        "server",
        "Python worker",
        "launching process",
        "Prism that Beam has started",
        "Prism that Beam has started, in its job",
    ),
}
