"""The health check of the images: imports what an image promises. `python -m assay.components.check_imports IMAGE`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import assay

_CORE = ("apache_beam", "apache_beam.io.gcp.gcsio", "google.cloud.storage", "numpy", "pandas", "pyarrow", "rich")
_ENTRY = "assay.components.run"
_TENSORFLOW = (*_CORE, "tensorflow", "keras")
PROMISED = {"core": _CORE, "tensorflow": _TENSORFLOW, "tensorflow-gpu": _TENSORFLOW}
_NOT_IN_IMAGES = {"__main__", "components", "operators", "pipelines"}  # run by a command line or an orchestrator


def own_modules() -> Iterator[str]:
    """Names of assay's modules that run in an image. Nothing is imported."""
    root = Path(assay.__file__).parent
    for file in sorted(root.rglob("*.py")):
        parts = file.relative_to(root).with_suffix("").parts
        if parts[0] not in _NOT_IN_IMAGES:
            yield ".".join(("assay", *parts)).removesuffix(".__init__")


def failures(names: Iterable[str]) -> list[str]:
    """One line for each module that cannot be imported."""
    lines = []
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:  # a module may raise anything
            lines.append(f"cannot import {name}: {type(error).__name__}: {error}")
    return lines


def main(image: str) -> None:
    """Exits with the failures, if there are any.

    Args:
        image: "core", "tensorflow" or "tensorflow-gpu".
    """
    if image not in PROMISED:
        sys.exit(f"expected one of {', '.join(PROMISED)}, found {image!r}")
    sys.exit("\n".join([*failures(PROMISED[image]), *failures([*own_modules(), _ENTRY])]) or 0)


if __name__ == "__main__":
    main(*sys.argv[1:2] or [""])
