"""Which files of a folder hold rows, and which lie beside them. Standard library only: Airflow waits for the former."""

from __future__ import annotations

import re
from collections.abc import Iterable

GLOB = re.compile(r"[*?\[]")


def of_folder(folder: str, places: Iterable[str]) -> list[str]:
    """The places below a folder that hold rows, as engines that write folders mean them."""
    return [place for place in places if not _is_beside(place[len(folder) + 1 :])]


def of_glob(pattern: str, places: Iterable[str]) -> list[str]:
    """The places that match a glob and hold rows; what the glob asks for by name is taken for such."""
    if pattern.rpartition("/")[2][:1] in ("_", "."):
        return list(places)
    start = len(GLOB.split(pattern, maxsplit=1)[0].rpartition("/")[0]) + 1
    return [place for place in places if not _is_beside(place[start:])]


def _is_beside(path: str) -> bool:
    """Whether a path, relative to where the search began, lies beside the data rather than holds some."""
    *folders, name = path.split("/")
    if any(folder.startswith(("_", ".")) and "=" not in folder for folder in folders):
        return True
    return name.startswith(".") or name.endswith(".crc") or (name.startswith("_") and "." not in name)
