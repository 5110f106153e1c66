"""Texts that a person wants in a local file. Standard library only."""

from __future__ import annotations

import os

from assay.errors import UsageError


def write_text(path: str | os.PathLike[str], text: str, what: str, *, replace: bool = True) -> None:
    """Writes a text to a local file.

    Args:
        path: the file.
        text: what it will hold.
        what: name of the option or argument that named it, for the error.
        replace: whether another file of that name may be replaced.

    Raises:
        UsageError: the file cannot be written.
    """
    try:
        with open(path, "w" if replace else "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{what}: {path}: {error.strerror or error}; choose another file") from error
