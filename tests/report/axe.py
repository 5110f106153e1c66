"""What axe-core finds wrong with a page that is open in a browser."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

_RUN = "axe.run(document).then(found => found.violations.map(violation => [violation.id, violation.nodes[0].html]))"


def axe_file() -> Path:
    """The file of its script."""
    package = importlib.util.find_spec("axe_core_python")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).with_name("axe.min.js")


def violations(run: Callable[[str], Any], script: Path) -> list[Any]:
    """Rule and first element of each violation.

    Args:
        run: gives the value of an expression, in a world of its own.
        script: `axe_file()`.
    """
    found: list[Any] = run(f"{script.read_text(encoding='utf-8')};\n{_RUN}")
    return found
