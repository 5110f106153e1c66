"""Where Beam's workers come from: options for each type of environment, with all that it needs of this machine."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.docker import CLIENT, Docker, expect, tag_of
from tests.engines.servers import HOST, JARS, ROOT, missing, started
from tests.gcs_emulator import Emulator
from tests.ports import free_port

BOOT = JARS / "boot" / "boot"
"""Beam's program that starts a worker, where the Makefile has Go put it."""


def by_process() -> tuple[str, ...]:
    """Workers that an engine which runs in an image of ours starts as processes there."""
    return _options("PROCESS", json.dumps({"command": "/opt/assay/bin/entrypoint"}))


def by_boot(gcs: Emulator) -> tuple[str, ...]:
    """Workers that the engine starts as processes of this machine, by Beam's `boot`."""
    if not BOOT.exists():
        missing("program boot", "PROCESS")
    variables = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",  # it starts workers by the name `python`
        "PYTHONPATH": str(ROOT),
        "RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT": "1",
        "STORAGE_EMULATOR_HOST": gcs.url,
    }
    return _options("PROCESS", json.dumps({"command": str(BOOT), "env": variables}))


@contextlib.contextmanager
def worker_image(docker: Docker, gcs: Emulator, folder: Path, *, modules: Sequence[Path] = ()) -> Iterator[str]:
    """An image of our own upon `assay-core`, which sees the emulator, and can import some modules."""
    expect("core")
    names = [module.name for module in modules]
    for module in modules:
        (folder / module.name).write_bytes(module.read_bytes())
    copied = [f"COPY {name} /opt/assay/lib/python3.11/site-packages/" for name in names]
    lines = (f"FROM {tag_of('core')}", *copied, f"ENV STORAGE_EMULATOR_HOST={gcs.url}")
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
    tag = f"assay-worker:{gcs.url.rpartition(':')[2]}-{'-'.join(names) or 'plain'}"
    built = docker("build", "--quiet", "--tag", tag, folder)
    assert built.returncode == 0, built.stderr
    try:
        yield tag
    finally:
        left = docker("ps", "--quiet", "--all", "--filter", f"ancestor={tag}").stdout.split()
        if left:
            docker("rm", "--force", *left)
        docker("image", "rm", "--force", tag)


def by_docker(image: str) -> tuple[str, ...]:
    """Workers that the engine starts as containers."""
    return _options("DOCKER", image)


@contextlib.contextmanager
def pool_in_container(docker: Docker, image: str, log: Path) -> Iterator[tuple[str, ...]]:
    """Workers of a pool in one container of an image."""
    port = free_port()
    name = f"assay-pool-{port}"
    command = [CLIENT, "run", "--name", name, "--network", "host", image, "--worker_pool", f"--service_port={port}"]
    try:
        with started(command, log, port=port):
            yield _options("EXTERNAL", f"{HOST}:{port}")
    finally:
        docker("rm", "--force", name)


def _options(kind: str, config: str) -> tuple[str, ...]:
    return (f"--environment_type={kind}", f"--environment_config={config}")
