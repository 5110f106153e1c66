"""Environments with whatever the resolver takes today, for each interpreter and extra; what it took is printed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.installs import pythons
from tests.installs.pythons import ROOT

UV = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv") or "uv"
SHOWN = (
    *("apache-airflow", "apache-beam", "click", "google-cloud-storage", "keras", "kfp", "numpy", "pandas", "protobuf"),
    *("pyarrow", "rich", "tensorflow"),
)
_TOOK = pytest.StashKey[list[str]]()


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
    """assay's wheel, built once from a copy, so that nothing is left in the repository."""
    source, wheels = tmp_path_factory.mktemp("source") / "assay", tmp_path_factory.mktemp("wheels")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ".", ":!tests"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name, follow_symlinks=False)
    _uv("build", "--quiet", "--wheel", "--out-dir", str(wheels), str(source))
    (built,) = wheels.glob("*.whl")
    return built


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
    _uv("venv", "--quiet", "--python", python, str(environment.folder))
    wanted = f"assay[{extra}] @ {wheel.as_uri()}" if extra else str(wheel)
    _uv("pip", "install", "--quiet", "--python", str(environment.folder / "bin" / "python"), wanted, *more)
    return environment


def _uv(*words: str) -> str:
    done = subprocess.run([UV, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"uv {' '.join(words)}\n{done.stderr}"
    return done.stdout


def _took(environment: Environment, version: str, extra: str) -> str:
    listed = _uv("pip", "list", "--format", "json", "--python", str(environment.folder / "bin" / "python"))
    held = {package["name"].lower(): package["version"] for package in json.loads(listed)}
    shown = ", ".join(f"{name} {held[name]}" for name in SHOWN if name in held)
    return f"Python {version}, {f'assay[{extra}]' if extra else 'assay alone'}: {len(held)} packages; {shown}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Prints what the resolver took, and what was left for `make test-all`."""
    took = config.stash.get(_TOOK, [])
    if took:
        terminalreporter.section("what the resolver took today")
        for line in took:
            terminalreporter.write_line(line)
    left = [
        item
        for item in terminalreporter.stats.get("deselected", [])
        if "installs" in item.nodeid and item.get_closest_marker("slow")
    ]
    if left:
        terminalreporter.section("UNPINNED INSTALLS THAT ONLY `make test-all` TRIES")
        for item in left:
            terminalreporter.write_line(item.nodeid)
