"""Beam's worker pool as a process on loopback: it starts a Python worker, a process as well, for whoever asks."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.engines.servers import HOST, ROOT, Server, started
from tests.ports import free_port


@dataclass(frozen=True)
class WorkerPool:
    """A running pool.

    Attributes:
        server: the process.
        port: where it is asked for workers.
    """

    server: Server
    port: int

    @property
    def options(self) -> tuple[str, ...]:
        """Options of Beam pipelines whose workers come from here."""
        return ("--environment_type=EXTERNAL", f"--environment_config={HOST}:{self.port}")

    def workers(self) -> list[int]:
        """Ids of its workers that run."""
        return children(self.server.pid)


def children(pid: int) -> list[int]:
    """Ids of the processes that a process has started, and that still run."""
    found = (int(child) for file in Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text().split())
    return sorted(found)


@contextlib.contextmanager
def pool(log: Path, **environment: str) -> Iterator[WorkerPool]:
    """A pool, as long as the block lasts; variables are those of its workers."""
    port = free_port()
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # it starts workers by the name `python`
    command = [sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main", f"--service_port={port}"]
    with started(command, log, port=port, environment={"PATH": path, "PYTHONPATH": str(ROOT), **environment}) as server:
        yield WorkerPool(server, port)
