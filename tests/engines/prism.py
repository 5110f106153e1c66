"""Prism, Beam's runner in Go, as a program that Beam starts, or as a server on loopback."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.docker import CLIENT, Docker
from tests.engines.servers import HOST, JARS, Server, end, missing, start, started, wait_for_port
from tests.ports import free_port

PROGRAM = JARS / "prism" / "prism"
"""Where the Makefile has Go put it."""


def program() -> Path:
    """The program, or loud words."""
    if not PROGRAM.exists():
        missing("program", "prism")
    return PROGRAM


def started_by_beam() -> tuple[str, ...]:
    """Options of Beam pipelines that start a Prism of their own."""
    return ("--runner=PrismRunner", f"--prism_location={program()}")


@dataclass
class Prism:
    """A server that takes jobs on.

    Attributes:
        folder: for its log.
        port: where jobs are taken on.
        server: the process.
    """

    folder: Path
    port: int = field(default_factory=free_port)
    server: Server | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """Options of Beam pipelines that run here, by workers in the launching process."""
        return ("--runner=PrismRunner", f"--job_endpoint={HOST}:{self.port}", "--environment_type=LOOPBACK")

    @property
    def part_of_analysis(self) -> dict[str, str]:
        """The same as `options` of an analysis file."""
        return dict(flag.removeprefix("--").split("=") for flag in self.options)

    def jobs_done(self) -> int:
        """How many jobs ended well."""
        return (self.folder / "prism").read_text().count('msg="pipeline done!"')

    @property
    def flags(self) -> tuple[str, ...]:
        """Those of the program."""
        return (f"--job_port={self.port}", "--serve_http=false", "--log_kind=text")

    def start(self) -> None:
        """Starts it, at the same endpoint, unless it runs: it ends with some of the workers that it loses."""
        if self.server is not None and self.server.poll() is None:
            return
        self.server = start([str(program()), *self.flags], self.folder / "prism")
        wait_for_port(self.port, self.server, self.folder / "prism")


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Prism]:
    """A server, as long as the block lasts."""
    prism = Prism(folder)
    try:
        prism.start()
        yield prism
    finally:
        if prism.server is not None:
            end(prism.server)


@contextlib.contextmanager
def in_container(docker: Docker, image: str, folder: Path) -> Iterator[Prism]:
    """A server that runs in an image of workers, as long as the block lasts."""
    prism = Prism(folder)
    name = f"assay-prism-{prism.port}"
    seen = ("--network", "host", "--volume", f"{program()}:/prism:ro", "--entrypoint", "/prism")
    command = [CLIENT, "run", "--name", name, *seen, image, *prism.flags]
    try:
        with started(command, folder / "prism", port=prism.port):
            yield prism
    finally:
        docker("rm", "--force", name)
