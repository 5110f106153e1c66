"""Docker and the images as `make images` left them; without, tests are skipped and say why, or fail where CI=true."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
IMAGES = ("core", "tensorflow")
CLIENT = shutil.which("docker", path="/usr/bin") or shutil.which("docker") or "docker"

Docker = Callable[..., subprocess.CompletedProcess[str]]
"""Runs a docker command, given as strings and paths."""


def run_docker(*args: str | Path) -> subprocess.CompletedProcess[str]:
    command = [CLIENT, *map(str, args)]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=1200)
    except FileNotFoundError:
        return subprocess.CompletedProcess(command, 127, "", "there is no docker command")


def version() -> str:
    found: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return found


def tag_of(image: str) -> str:
    return f"assay-{image}:{version()}"


def engine() -> Docker:
    """What runs docker commands, where an engine answers."""
    found = run_docker("info", "--format", "{{.ServerVersion}}")
    if found.returncode != 0:
        _refuse(f"no Docker engine answers ({found.stderr.strip()})")
    return run_docker


def expect(image: str) -> None:
    """Goes on only if there is such an image."""
    if run_docker("image", "inspect", tag_of(image)).returncode != 0:
        _refuse(f"there is no {tag_of(image)}")


def _refuse(reason: str) -> None:
    reason = f"IMAGES NOT TESTED: {reason}; run `make images`"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
