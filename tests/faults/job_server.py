"""A portable runner: Beam's job server as a process, and workers that are processes of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.ports import free_port

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def started(log: Path) -> Iterator[tuple[str, ...]]:
    """Runs job server and worker pool; yields the options of Beam pipelines that go there."""
    job_port, pool_port = free_port(), free_port()
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # the pool starts workers by the name `python`
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    commands = (
        ("apache_beam.runners.portability.local_job_service_main", f"--job_port={job_port}"),
        ("apache_beam.runners.worker.worker_pool_main", f"--service_port={pool_port}"),
    )
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(open(log, "wb"))
        for command in commands:
            process = subprocess.Popen(
                (sys.executable, "-m", *command),
                env=environment,
                cwd=ROOT,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            stack.callback(_end, process)
        for port in (job_port, pool_port):
            _wait_for(port)
        yield (
            "--runner=PortableRunner",
            f"--job_endpoint=localhost:{job_port}",
            "--environment_type=EXTERNAL",
            f"--environment_config=localhost:{pool_port}",
        )


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("localhost", port)):
            return
        time.sleep(0.1)
    raise TimeoutError(f"nothing listens on port {port}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process and those that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
