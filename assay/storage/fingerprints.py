"""What tells a file that was written to from what it was: a fingerprint of its content, or a stamp that costs nothing.

A fingerprint is another one if and only if the content may be another. Of an object in a bucket it is the generation;
of a file on a disk a hash of the content, which is read for it, since `cp -p`, `rsync -t` and archives give other data
the size and the time of the old. A stamp is for one process: it changes whenever a file is written to, and no copy can
set it back. Standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from assay import storage
from assay.storage import local

_THREADS = 4
"""Hashing releases the interpreter's lock, and a disk serves several readers."""


def fingerprint(place: str) -> str | None:
    """What stands for the content of a file; None for nothing, or a folder.

    Raises:
        ConfigError: a named pipe, a device or a socket, which has no end.
    """
    path = storage.local_path(place)
    return local.fingerprint(path) if path is not None else _generation(place)


def fingerprints(places: Sequence[str]) -> list[str | None]:
    """What stands for the content of each file, in their order; those on a disk are read side by side."""
    if any(map(storage.is_remote, places)):  # nothing to read, and credentials are of this thread
        return [fingerprint(place) for place in places]
    with ThreadPoolExecutor(_THREADS) as pool:
        return [*pool.map(fingerprint, places)]


def fingerprints_within(place: str) -> dict[str, str]:
    """File -> fingerprint: of the file that is there, or of all files below a folder."""
    alone = fingerprint(place)
    if alone is not None:
        return {place: alone}
    if storage.is_remote(place):  # the list tells generations, without a call for each file
        return {file: stat.generation for file, stat in storage.list(place)}
    files = [file for file, _ in storage.list(place)]
    return {file: content for file, content in zip(files, fingerprints(files), strict=True) if content is not None}


def stamp(place: str) -> str | None:
    """What changes whenever a file is written to; None for nothing, or a folder."""
    path = storage.local_path(place)
    return local.stamp(path) if path is not None else _generation(place)


def stamps_within(place: str) -> dict[str, str | None]:
    """File -> stamp: of the file that is there, or of all files below a folder."""
    alone = stamp(place)
    if alone is not None:
        return {place: alone}
    if storage.is_remote(place):
        return {file: stat.generation for file, stat in storage.list(place)}
    return {file: stamp(file) for file, _ in storage.list(place)}


def _generation(place: str) -> str | None:
    stat = storage.stat(place)
    return None if stat is None else stat.generation
