"""Places for runs of pipelines on this machine."""

from __future__ import annotations

import pytest

from tests.docker import Docker
from tests.gcs_emulator import Emulator
from tests.kfp.local_runs import Local
from tests.kfp.plans import BAD_DAY, GOOD_DAY, write_day


@pytest.fixture
def here(tmp_path, gcs: Emulator, images: Docker) -> Local:
    """A folder with a good and a bad day of data, and what runs pipelines on it."""
    write_day(tmp_path / "data", GOOD_DAY)
    write_day(tmp_path / "data", BAD_DAY, is_good=False)
    return Local(tmp_path, gcs)
