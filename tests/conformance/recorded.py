"""What TFMA wrote of given rows and configs, kept in the repository: a run of it takes seconds to a minute each time.

Tests take what is recorded for just these inputs; `make test-all` runs TFMA itself as well. After a change of rows,
configs or TFMA's version, record it anew:

    RECORD_TFMA=1 .venv/bin/pytest tests/conformance -k live
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

FOLDER = Path(__file__).with_name("recorded")
SOURCES = ("recorded", pytest.param("live", marks=pytest.mark.slow))
"""Values of a fixture that gives results of TFMA."""

_DIGEST = "inputs.sha256"


def results_of_tfma(
    name: str, inputs: Any, run: Callable[[Path], None], folder: Path, source: str, *, is_recorded: bool = True
) -> None:
    """Puts what TFMA makes of its inputs into a folder.

    Args:
        name: of the record.
        inputs: all that decides the results, as JSON values; see `cells_of`.
        run: runs TFMA and writes its results into a folder.
        folder: an empty folder.
        source: "recorded" or "live".
        is_recorded: whether there is a record; without one TFMA is run.
    """
    file = FOLDER / f"{re.sub(r'[^a-z0-9]+', '_', name)}.tar.xz"
    digest = _digest_of(inputs)
    if source == "recorded" and is_recorded:
        _unpack(file, digest, folder)
        return
    run(folder)
    if is_recorded and "RECORD_TFMA" in os.environ:
        _pack(file, digest, folder)


def _digest_of(inputs: Any) -> str:
    """Says which inputs a record is of: numbers to 8 digits, as NumPy's last bit depends on the processor."""
    content = [version("tensorflow-model-analysis"), _rounded(inputs)]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return float(f"{value:.8g}") if isinstance(value, float) else value


def cells_of(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """The cells of a frame as JSON values."""
    return {str(name): [np.asarray(cell).tolist() for cell in frame[name]] for name in frame}


def _pack(file: Path, digest: str, folder: Path) -> None:
    (folder / _DIGEST).write_text(digest)
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:xz", preset=9) as archive:
        for path in sorted(folder.iterdir()):
            entry = tarfile.TarInfo(path.name)
            entry.size = path.stat().st_size
            archive.addfile(entry, io.BytesIO(path.read_bytes()))
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content.getvalue())


def _unpack(file: Path, digest: str, folder: Path) -> None:
    with tarfile.open(file) as archive:
        archive.extractall(folder, filter="data")
    found = (folder / _DIGEST).read_text()
    assert found == digest, f"{file} is of other rows, another config or another TFMA; record it anew: see {__file__}"
