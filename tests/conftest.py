"""What tests of several rooms share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests import gcs_emulator
from tests.docker import IMAGES, Docker, engine, expect
from tests.gcs_emulator import Emulator

if find_spec("hypothesis"):  # Airflow's environment is without it
    from hypothesis import HealthCheck, settings

    # How quick a machine is says nothing about what is tested.
    settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any machine")


LONGEST = (
    "tests/test_readme.py",
    "tests/parity/test_parity.py",
    "tests/end_to_end/test_census.py",
    "tests/airflow/test_scheduler.py",
    "tests/airflow/test_task_group.py",
    "tests/airflow/test_dataflow.py",
)
"""Files that take a minute or more. They come first, so that no worker is left alone with one of them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        file = item.nodeid.partition("::")[0]
        return LONGEST.index(file) if file in LONGEST else len(LONGEST)

    items.sort(key=place)


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_disk() -> Iterator[None]:
    """What a power cut would leave is not tested, and small runs wait for the disk as long as they compute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="session")
def gcs_server() -> Iterator[Emulator]:
    """An emulator of Google Cloud Storage for all tests of this process."""
    with gcs_emulator.started() as emulator:
        yield emulator


@pytest.fixture
def gcs(gcs_server: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """The emulator, in whose place this test's clients look; failures that are left are forgotten behind it."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs_server.url)
    yield gcs_server
    gcs_server.heal()


@pytest.fixture(scope="session")
def docker() -> Docker:
    """Runs a docker command."""
    return engine()


@pytest.fixture(scope="session")
def images(docker: Docker) -> Docker:
    """The same, where all images are there."""
    for image in IMAGES:
        expect(image)
    return docker
