"""Globs on a disk. Standard library only.

`*` and `?` stand for characters of one name, `**` for any folders or none, as in a shell and on `gs://`. Names that
begin with a dot match as others do. `**` does not follow links to folders; `*` and names do.
"""

from __future__ import annotations

import fnmatch
import itertools
import os
import re
from collections.abc import Iterator, Sequence

_WILDCARD = re.compile(r"[*?\[]")
_FOLDERS = "**"


def paths(pattern: str) -> Iterator[str]:
    """Yields the files, folders and links that match; some of them twice, if there are several ways to match."""
    for parts in _forms(pattern):
        yield from _below(_root(pattern), parts)


def walked(pattern: str) -> Iterator[str]:
    """Yields the folders that the first `**` of a pattern looks into."""
    for parts in _forms(pattern):
        if _FOLDERS in parts:
            for folder in _below(_root(pattern), parts[: parts.index(_FOLDERS)]):
                yield from _with_folders_below(folder)


def without_folders(pattern: str) -> list[str]:
    """The pattern, and what it is where one or more of its `**/` stand for no folder."""
    pattern = re.sub(r"(/\*\*)+/", f"/{_FOLDERS}/", pattern)
    before, folders, after = pattern.partition(f"/{_FOLDERS}/")
    if not folders:
        return [pattern]
    return [f"{before}{between}{rest}" for rest in without_folders(after) for between in (folders, "/")]


def _root(pattern: str) -> str:
    return "/" if pattern.startswith("/") else ""


def _forms(pattern: str) -> Iterator[list[str]]:
    """Yields the parts of a pattern, in all forms in which each `**` is a part of its own."""
    parts = pattern.lstrip("/").split("/")
    for form in itertools.product(*map(_forms_of_part, parts)):
        alone = "/".join(form).split("/")
        yield [*alone, "*"] if alone[-1] == _FOLDERS else alone


def _forms_of_part(part: str) -> list[str]:
    """The same of one part: `day**.csv` is `day*.csv`, or `day*/**/*.csv`."""
    before, folders, after = part.partition(_FOLDERS)
    after = after.lstrip("*")
    if not folders:
        return [part]
    if not before and not after:
        return [_FOLDERS]
    return [f"{before}{between}{rest}" for between in ("*", "*/**/*") for rest in _forms_of_part(after)]


def _below(folder: str, parts: Sequence[str]) -> Iterator[str]:
    if not parts:
        yield folder
        return

    part, rest = parts[0], parts[1:]
    if part == _FOLDERS:
        for start in _with_folders_below(folder):
            yield from _below(start, rest)
        return

    names = [part]
    if _WILDCARD.search(part):
        names = [name for name in _names_in(folder) if fnmatch.fnmatchcase(name, part)]
    for name in names:
        path = os.path.join(folder, name)
        if os.path.isdir(path) if rest else os.path.lexists(path):
            yield from _below(path, rest)


def _with_folders_below(folder: str) -> Iterator[str]:
    yield folder
    for name in _names_in(folder):
        path = os.path.join(folder, name)
        if os.path.isdir(path) and not os.path.islink(path):
            yield from _with_folders_below(path)


def _names_in(folder: str) -> list[str]:
    """The names in a folder that may be gone; one that cannot be looked into is an error, as a list must be whole."""
    try:
        return sorted(os.listdir(folder or os.curdir))
    except (FileNotFoundError, NotADirectoryError):
        return []
