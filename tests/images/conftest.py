"""The images as `make images` left them. Without Docker: skipped, by a reason that says so; a failure where CI=true."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLIENT = shutil.which("docker", path="/usr/bin") or shutil.which("docker") or "docker"

Docker = Callable[..., subprocess.CompletedProcess[str]]


def run_docker(*args: str | Path) -> subprocess.CompletedProcess[str]:
    command = [CLIENT, *map(str, args)]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    except FileNotFoundError:
        return subprocess.CompletedProcess(command, 127, "", "there is no docker command")


def version():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def refuse(reason: str) -> None:
    reason = f"IMAGES NOT TESTED: {reason}; run `make images`"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def docker() -> Docker:
    """Runs a docker command."""
    found = run_docker("info", "--format", "{{.ServerVersion}}")
    if found.returncode != 0:
        refuse(f"no Docker engine answers ({found.stderr.strip()})")
    return run_docker


@pytest.fixture(scope="session", params=["core", "tensorflow"])
def image(request: pytest.FixtureRequest, docker: Docker):
    """What the image promises; its tag is `tag_of(image)`."""
    if docker("image", "inspect", tag_of(request.param)).returncode != 0:
        refuse(f"there is no {tag_of(request.param)}")
    return request.param


@pytest.fixture
def about(image: str, docker: Docker):
    """What docker tells of the image."""
    (told,) = json.loads(docker("image", "inspect", tag_of(image)).stdout)
    return told


def tag_of(image):
    return f"assay-{image}:{version()}"
