"""Where a test finds what the latest run published."""

from __future__ import annotations

from pathlib import Path

from assay.results.latest import results_folder


def latest(output: Path | str) -> Path:
    """The folder of the latest run below a local output."""
    return Path(results_folder(str(output)))
