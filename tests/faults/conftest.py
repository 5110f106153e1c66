"""A run that nothing disturbs, to which those with faults are held, and places for the others."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.small_run import TASKS, SmallRun, Undisturbed, small_run, write_data
from tests.gcs_emulator import Emulator
from tests.parity.results import parts_of
from tests.temporary_files import temporary_files

__all__ = ["temporary_files"]


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed")
    write_data(folder / "data")
    seconds = {}
    for number in range(2):  # the first one warms up
        run = small_run(folder / str(number), data=folder / "data")
        for name in TASKS:
            started = time.monotonic()
            assert run.run(name) == 0, run.printed(name)
            seconds[name] = time.monotonic() - started
    return Undisturbed(folder / "data", parts_of(folder / "1" / "out"), seconds)


@pytest.fixture(params=["folder", "gcs"])
def new_run(request, undisturbed, tmp_path) -> Callable[[], SmallRun]:
    """Makes a run of the same data whose checkpoints lie in a folder, or on the emulator."""

    def make() -> SmallRun:
        if request.param == "folder":
            return small_run(tmp_path, data=undisturbed.data)
        gcs: Emulator = request.getfixturevalue("gcs")
        run = small_run(tmp_path, data=undisturbed.data, root=f"{gcs.root}/{uuid.uuid4().hex}")
        run.environment = {"STORAGE_EMULATOR_HOST": os.environ["STORAGE_EMULATOR_HOST"]}
        return run

    return make


@pytest.fixture
def run(new_run: Callable[[], SmallRun]) -> SmallRun:
    return new_run()


@pytest.fixture
def run_in_folder(undisturbed: Undisturbed, tmp_path: Path) -> SmallRun:
    return small_run(tmp_path, data=undisturbed.data)
