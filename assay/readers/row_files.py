"""Which files of a folder hold rows, and which are only beside them. Standard library only, as Airflow uses it."""

from __future__ import annotations

import re
from collections.abc import Iterable

GLOB = re.compile(r"[*?\[]")


def of_folder(folder: str, files: Iterable[str]) -> list[str]:
    """Those of the files below a folder that hold rows, by the conventions of Spark and others."""
    return [file for file in files if not _is_beside(file[len(folder) + 1 :])]


def of_glob(pattern: str, files: Iterable[str]) -> list[str]:
    """Those of the files that match a glob that hold rows. If the glob asks for hidden files by name, all do."""
    if pattern.rpartition("/")[2][:1] in ("_", "."):
        return list(files)
    start = GLOB.split(pattern, maxsplit=1)[0].rfind("/") + 1
    return [file for file in files if not _is_beside(file[start:])]


def _is_beside(path: str) -> bool:
    """Whether a file is one beside the data; its path is relative to where the search began."""
    *folders, name = path.split("/")
    if any(folder.startswith(("_", ".")) and "=" not in folder for folder in folders):
        return True
    return name.startswith(".") or name.endswith(".crc") or (name.startswith("_") and "." not in name)
