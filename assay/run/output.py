"""Whether results can be written where a plan wants them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from assay import storage
from assay.errors import ConfigError
from assay.results.latest import read_latest


def check_output(output: str, key: str = "output") -> None:
    """Looks whether results can be written to a folder and named as the latest; leaves nothing there.

    Args:
        output: a folder or URI.
        key: what names it, for messages.

    Raises:
        ConfigError: they cannot be written.
        ResultsError: the output's `verdict.json` is damaged.
    """
    storage.check_uri(output, key)
    read_latest(output)
    path = storage.local_path(output)
    if path is None:
        return

    existing = Path(path)
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise ConfigError(f"{key}: {output}: {existing} is not a folder; choose another folder")
    try:  # permissions do not tell: root has all of them in /proc, where nobody can write
        tempfile.TemporaryFile(dir=existing).close()
    except OSError as error:
        raise ConfigError(f"{key}: {output}: {existing} cannot be written to; choose another folder") from error
