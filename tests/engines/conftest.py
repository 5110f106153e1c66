"""Engines that tests share: started once, as processes on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines import flink, prism, spark, workers
from tests.engines.flink import Flink
from tests.engines.prism import Prism
from tests.engines.spark import Spark
from tests.engines.workers import WorkerPool
from tests.faults.small_run import Undisturbed, small_run, write_data
from tests.parity.results import parts_of
from tests.temporary_files import temporary_files

__all__ = ["temporary_files"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sends all tests of an engine to one process of xdist, which starts it once."""
    for item in items:
        if isinstance(item, pytest.Function) and item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group(_engine_of(item)))


def _engine_of(test: pytest.Function) -> str:
    """Flink or Spark where a test is of one of them; whatever else there is comes together with Prism."""
    named = test.callspec.params.get("engine", "") if hasattr(test, "callspec") else ""
    clusters = {"flink_cluster": "Flink", "spark_cluster": "Spark"}
    return str(named or next((clusters[name] for name in test.fixturenames if name in clusters), "Prism"))


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """A small run in process, to which those with something killed are held."""
    folder = tmp_path_factory.mktemp("undisturbed")
    write_data(folder / "data")
    run = small_run(folder / "run", data=folder / "data")
    run.go_on()
    return Undisturbed(folder / "data", parts_of(folder / "run" / "out"), {})


@pytest.fixture(scope="session")
def worker_pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerPool]:
    """A pool that starts Python workers."""
    with workers.pool(tmp_path_factory.mktemp("pool") / "log") as started:
        yield started


@pytest.fixture(scope="session")
def flink_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flink]:
    """A session cluster of one task manager with four slots, and its job server."""
    with flink.running(tmp_path_factory.mktemp("flink")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def spark_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    """A standalone cluster of two workers with two cores each, and its job server."""
    with spark.running(tmp_path_factory.mktemp("spark"), workers=2) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def prism_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prism]:
    """A Prism that takes jobs on."""
    with prism.running(tmp_path_factory.mktemp("prism")) as server:
        yield server
