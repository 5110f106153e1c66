"""What tests of several rooms share."""

from __future__ import annotations

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
