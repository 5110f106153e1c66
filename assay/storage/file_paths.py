"""Paths that a caller gives as text or as `os.PathLike`. Standard library only."""

from __future__ import annotations

import os
import re
from typing import Any, TypeAlias

from assay.errors import UsageError

FilePath: TypeAlias = "str | os.PathLike[str]"
"""A local file or folder, or as text also the URI of one."""

_BROKEN_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/[^/]")


def path_text(path: FilePath, what: str) -> str:
    """The text of a path.

    Args:
        path: as the caller gave it.
        what: name of the argument, for the error.

    Raises:
        UsageError: it is neither text nor a path, cannot name a file, or is a path that was made of a URI.
    """
    text: Any = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(text, str):
        raise UsageError(f"{what}: expected text or a path, found {path!r}")

    # Half of a surrogate pair cannot be encoded, and the system takes no name with a zero byte.
    try:
        is_name = b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        is_name = False
    if not is_name:
        raise UsageError(f"{what}: expected text that can name a file, found {text!r}")
    if isinstance(path, os.PathLike) and _BROKEN_URI.match(text):
        raise UsageError(
            f"{what}: a path cannot hold a URI, found {text!r} for {text.replace(':/', '://', 1)!r}; use text"
        )
    return text


def path_texts(paths: Any, what: str) -> tuple[str, ...]:
    """The texts of a path, or of several.

    Raises:
        UsageError: as for `path_text`.
    """
    if isinstance(paths, str | os.PathLike):
        return (path_text(paths, what),)
    if not isinstance(paths, list | tuple):
        raise UsageError(f"{what}: expected text, a path or a list of them, found {paths!r}")
    return tuple(path_text(path, f"{what}[{i}]") for i, path in enumerate(paths))
