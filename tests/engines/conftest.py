"""Engines that tests share: started once, as processes on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines import flink
from tests.engines.flink import Flink


@pytest.fixture(scope="session")
def flink_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flink]:
    """A session cluster of one task manager with four slots, and its job server."""
    with flink.running(tmp_path_factory.mktemp("flink")) as cluster:
        yield cluster
