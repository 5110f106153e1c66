"""A folder for temporary files that goes with the other files of the tests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Whoever is killed leaves temporary files behind, which go with the other files of the tests."""
    folder = str(tmp_path_factory.mktemp("t"))  # short, as sockets lie below it
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield
