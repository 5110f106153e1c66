"""Workers from each type of environment give the same bits; those that lack a user's module say so in one line."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.docker import Docker
from tests.engines import prism
from tests.engines.environments import by_boot, by_docker, by_process, pool_in_container, worker_image
from tests.engines.flink import Flink
from tests.engines.prism import Prism
from tests.engines.same_bits import RunsHere, parts_of_run_in_bucket, runs_here
from tests.gcs_emulator import Emulator
from tests.parity.results import differing

CASE = "several splits"


@pytest.fixture(scope="module")
def image(docker: Docker, gcs_server: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image of workers that has nothing but assay."""
    with worker_image(docker, gcs_server, tmp_path_factory.mktemp("image")) as tag:
        yield tag


@pytest.fixture
def pool(docker: Docker, image: str, tmp_path: Path) -> Iterator[Sequence[str]]:
    """Options for workers of a pool in a container."""
    with pool_in_container(docker, image, tmp_path / "pool") as options:
        yield options


Check = Callable[..., None]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> RunsHere:
    return runs_here(tmp_path_factory)


@pytest.fixture
def check(here: RunsHere, gcs: Emulator, tmp_path: Path) -> Check:
    """Compares a run with options of Beam pipelines with one in process; its data and results are in a bucket."""

    def compare(options: Sequence[str], *, checkpointed: bool = False) -> None:
        expected, uri = here(CASE), f"{gcs.root}/{uuid.uuid4().hex}"
        found = parts_of_run_in_bucket(CASE, expected.data, uri, tmp_path, options, checkpointed=checkpointed)
        assert differing(found, expected.parts) == {}

    return compare


@pytest.mark.slow
def test_prism_in_the_image_starts_workers_as_processes_there(docker: Docker, image: str, check: Check, tmp_path: Path):
    with prism.in_container(docker, image, tmp_path) as server:
        check((*server.options, *by_process()))


def test_prism_has_workers_from_a_pool_in_a_container(pool: Sequence[str], prism_server: Prism, check: Check):
    prism_server.start()
    check((*prism_server.options, *pool))


def test_prism_starts_workers_as_containers(image: str, prism_server: Prism, check: Check):
    prism_server.start()
    check((*prism_server.options, *by_docker(image)))


@pytest.mark.slow
def test_flink_starts_workers_as_processes(flink_cluster: Flink, gcs: Emulator, check: Check):
    check((*flink_cluster.options(parallelism=2), *by_boot(gcs)), checkpointed=True)


@pytest.mark.slow
def test_flink_has_workers_from_a_pool_in_a_container(pool: Sequence[str], flink_cluster: Flink, check: Check):
    check((*flink_cluster.options(parallelism=2), *pool), checkpointed=True)


@pytest.mark.slow
def test_flink_starts_workers_as_containers(image: str, flink_cluster: Flink, check: Check):
    check((*flink_cluster.options(parallelism=2), *by_docker(image)), checkpointed=True)
