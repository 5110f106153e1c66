"""Servers as processes of their own on loopback, ended by id; programs and jars that they need, or loud words."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
JARS = ROOT / ".engines"
"""Where the Makefile puts jars: a folder for each engine."""

HOST = "127.0.0.1"
_MOST_SECONDS = 120
_TAIL = 3000

Server = subprocess.Popen[bytes]
"""A process that is the first of a session of its own, with all that it starts."""

# What the JVM keeps from programs that look inside of it, as Flink and Spark do, since Java 16.
_HIDDEN = [
    "lang",
    "lang.invoke",
    "lang.reflect",
    "io",
    "net",
    "nio",
    "text",
    "time",
    "util",
    "util.concurrent",
    "util.concurrent.atomic",
]
_OPENED = [*(f"java.base/java.{name}" for name in _HIDDEN), "java.base/java.util.concurrent.locks"]
_OPENED += ["java.base/sun.nio.ch", "java.base/sun.util.calendar"]


def java(main: str, *arguments: str, jars: str, megabytes: int = 512) -> list[str]:
    """The command of a Java program of an engine's jars, with a bounded heap and a quick start."""
    folder = JARS / jars
    if not (folder / "installed").exists() or shutil.which("java") is None:
        missing("jars or Java", jars)
    opened = [f"--add-opens={package}=ALL-UNNAMED" for package in _OPENED]
    heap = (f"-Xmx{megabytes}m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
    times = ("-Dorg.slf4j.simpleLogger.showDateTime=true", "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS")
    return ["java", *heap, *times, *opened, "-cp", f"{folder}/*", main, *arguments]


def missing(what: str, engine: str) -> None:
    """Skips, and says why; fails where CI=true."""
    reason = f"{engine.upper()} NOT TESTED: no {what}; run `make engines`"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def start(command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> Server:
    """Starts a server whose output goes to the end of a file."""
    with open(log, "ab") as output:
        return subprocess.Popen(
            command,
            env={**os.environ, **(environment or {})},
            cwd=log.parent,  # Beam's `boot` writes to where an engine runs
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def end(server: Server) -> None:
    """Ends a server and all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


@contextlib.contextmanager
def started(
    command: Sequence[str], log: Path, *, port: int = 0, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Runs a server, which listens on a port once it is ready, as long as the block lasts."""
    server = start(command, log, environment)
    try:
        if port:
            wait_for_port(port, server, log)
        yield server
    finally:
        end(server)


def wait_for_port(port: int, server: Server, log: Path) -> None:
    """Waits until a server listens; fails with the end of its log."""

    def listens() -> bool:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), 5):
            return True
        return False

    wait_until(listens, server, log)


def wait_until(is_ready: Callable[[], bool], server: Server, log: Path) -> None:
    """Waits for a server; fails with the end of its log if it has ended, or takes too long."""
    deadline = time.monotonic() + _MOST_SECONDS
    while not is_ready():
        if server.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"{str(server.args)[-300:]}: not ready\n{log.read_text()[-_TAIL:]}")
        time.sleep(0.1)
