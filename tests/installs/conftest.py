"""Environments with whatever the resolver takes today, for each interpreter and extra; what it took is printed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.installs import pythons
from tests.installs.wheels import build, uv

SHOWN = (
    *("apache-airflow", "apache-beam", "click", "google-cloud-storage", "keras", "kfp", "numpy", "pandas", "protobuf"),
    *("pyarrow", "rich", "tensorflow"),
)
_TOOK, _LEFT = pytest.StashKey[list[str]](), pytest.StashKey[list[str]]()


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and commands of it in a folder of their own."""

    folder: Path
    work: Path

    def run(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs a command of the environment; nothing of this repository is on its path."""
        hidden = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME")
        kept = {key: value for key, value in os.environ.items() if key not in hidden}
        path = f"{self.folder / 'bin'}{os.pathsep}{kept['PATH']}"
        return subprocess.run(
            [str(self.folder / "bin" / name), *words],
            cwd=self.work,
            env={**kept, "PATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            check=False,
        )


Install = Callable[..., Environment]
"""Makes an environment: (version of Python, extra or "", further packages...) -> it."""


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """assay's wheel, built once."""
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def install(
    wheel: Path, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Callable[..., Environment]:
    """Installs assay without any constraint; once for each interpreter and extra."""
    made: dict[tuple[str, ...], Environment] = {}

    def installed(version: str, extra: str, *more: str) -> Environment:
        key = (version, extra, *more)
        if key not in made:
            made[key] = _install(version, extra, more, wheel, tmp_path_factory)
            pytestconfig.stash.setdefault(_TOOK, []).append(_took(made[key], version, extra))
        return made[key]

    return installed


def _install(
    version: str, extra: str, more: tuple[str, ...], wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Environment:
    python = pythons.interpreter(version)
    if python is None:
        pytest.skip(f"NOT TESTED: THERE IS NO PYTHON {version} HERE; put python{version} into PATH")
    folder = tmp_path_factory.mktemp(f"python{version}-{extra or 'bare'}")
    environment = Environment(folder / "env", folder / "work")
    environment.work.mkdir()
    uv("venv", "--quiet", "--python", python, str(environment.folder))
    wanted = f"assay[{extra}] @ {wheel.as_uri()}" if extra else str(wheel)
    uv("pip", "install", "--quiet", "--python", str(environment.folder / "bin" / "python"), wanted, *more)
    return environment


def _took(environment: Environment, version: str, extra: str) -> str:
    listed = uv("pip", "list", "--format", "json", "--python", str(environment.folder / "bin" / "python"))
    held = {package["name"].lower(): package["version"] for package in json.loads(listed)}
    shown = ", ".join(f"{name} {held[name]}" for name in SHOWN if name in held)
    return f"Python {version}, {f'assay[{extra}]' if extra else 'assay alone'}: {len(held)} packages; {shown}"


# Under xdist a worker knows what was installed and what was left out, and the process that prints has to be told.


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Keeps what was left for `make test-all`."""
    slow = [item for item in items if "installs" in item.nodeid and item.get_closest_marker("slow")]
    for item in slow:
        item.config.stash.setdefault(_LEFT, []).append(item.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tells it, in a worker."""
    told = getattr(session.config, "workeroutput", {})
    told["took"] = session.config.stash.get(_TOOK, [])
    told["left"] = session.config.stash.get(_LEFT, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hears it, of a worker that has ended."""
    told = getattr(node, "workeroutput", {})
    node.config.stash.setdefault(_TOOK, []).extend(told.get("took", []))
    node.config.stash.setdefault(_LEFT, []).extend(told.get("left", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Prints what the resolver took, and what was left for `make test-all`."""
    took, left = config.stash.get(_TOOK, []), config.stash.get(_LEFT, [])  # each worker leaves out the same
    for title, lines in (
        ("what the resolver took today", took),
        ("UNPINNED INSTALLS THAT ONLY `make test-all` TRIES", sorted(set(left))),
    ):
        if lines:
            terminalreporter.section(title)
            for line in lines:
                terminalreporter.write_line(line)
