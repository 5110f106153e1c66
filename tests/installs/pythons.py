"""Which interpreters this machine has, of those that pyproject.toml names."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PROBE = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"


def named() -> list[str]:
    """Versions of Python that the classifiers promise, such as "3.11"."""
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    prefix = "Programming Language :: Python :: "
    return [text.removeprefix(prefix) for text in classifiers if re.fullmatch(rf"{prefix}3\.\d+", text)]


@functools.cache
def interpreter(version: str) -> str | None:
    """An interpreter of that version that can make virtual environments: one in PATH, or of pyenv's."""
    return next((path for path in _candidates(version) if _says(path) == version), None)


def _candidates(version: str) -> Iterator[str]:
    in_path = shutil.which(f"python{version}")
    if in_path:
        yield in_path
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from (str(folder / "bin" / "python") for folder in sorted(pyenv.glob(f"versions/{version}.*"), reverse=True))


def _says(path: str) -> str:
    """The version that an interpreter says it has; "" if it does not run: a shim may stand for none."""
    try:
        done = subprocess.run([path, "-c", _PROBE], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
