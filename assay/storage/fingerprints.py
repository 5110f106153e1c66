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


def fingerprint(uri: str) -> str | None:
    """What stands for the content of a file; None for nothing, or a folder.

    Raises:
        ConfigError: a named pipe, a device or a socket, which has no end.
    """
    path = storage.local_path(uri)
    return local.fingerprint(path) if path is not None else _generation(uri)


def fingerprints(uris: Sequence[str]) -> list[str | None]:
    """What stands for the content of each file, in their order; those on a disk are read side by side."""
    if any(map(storage.is_remote, uris)):  # nothing to read, and credentials are of this thread
        return [fingerprint(uri) for uri in uris]
    with ThreadPoolExecutor(_THREADS) as pool:
        return [*pool.map(fingerprint, uris)]


def fingerprints_within(uri: str) -> dict[str, str]:
    """File -> fingerprint: of the file that is there, or of all files below a folder."""
    alone = fingerprint(uri)
    if alone is not None:
        return {uri: alone}
    if storage.is_remote(uri):  # the list tells generations, without a call for each file
        return {file: stat.generation for file, stat in storage.list(uri)}
    files = [file for file, _ in storage.list(uri)]
    return {file: content for file, content in zip(files, fingerprints(files), strict=True) if content is not None}


def stamp(uri: str) -> str | None:
    """What changes whenever a file is written to; None for nothing, or a folder."""
    path = storage.local_path(uri)
    return local.stamp(path) if path is not None else _generation(uri)


def stamps_within(uri: str) -> dict[str, str | None]:
    """File -> stamp: of the file that is there, or of all files below a folder."""
    alone = stamp(uri)
    if alone is not None:
        return {uri: alone}
    if storage.is_remote(uri):
        return {file: stat.generation for file, stat in storage.list(uri)}
    return {file: stamp(file) for file, _ in storage.list(uri)}


def _generation(uri: str) -> str | None:
    stat = storage.stat(uri)
    return None if stat is None else stat.generation
