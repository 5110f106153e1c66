"""Where a model lies: a local path or the URI of a bucket. Places that are not known are errors of the model."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from typing import IO

from assay import storage
from assay.errors import ModelError
from assay.storage.fingerprints import stamps_within


def exists(uri: str) -> bool:
    """Tells whether there is a file or a folder at `uri`."""
    return storage.exists(_place(uri))


def children(uri: str) -> tuple[str, ...]:
    """Returns the names in a folder, sorted; nothing for a file or a missing folder."""
    return storage.names(_place(uri))


def check_regular(uri: str) -> None:
    """Raises ModelError if a named pipe, a device or a socket is at a local path, or in the folder there."""
    path = storage.local_path(_place(uri))
    if path is None:
        return
    storage.check_regular(path, "model", ModelError)
    for folder, _, names in os.walk(path):
        for name in names:
            storage.check_regular(os.path.join(folder, name), "file of a model", ModelError)


def open_binary(uri: str) -> IO[bytes]:
    """Opens a file for reading; the stream can seek."""
    return storage.open_read(_place(uri))


def stamp(uri: str) -> object:
    """What tells a model that was written again from the one in memory: of a folder, any of its files."""
    return stamps_within(_place(uri))


def local_copy(uri: str) -> str:
    """Returns a local path of a model; a remote one is copied to a folder that goes when the process ends."""
    path = storage.local_path(_place(uri))
    if path is not None:
        return path
    folder = tempfile.mkdtemp(prefix="assay-model-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)

    root = uri.rstrip("/")
    target = os.path.join(folder, root.rsplit("/", 1)[1])
    for place in {place for place, _ in storage.list(root)} or {root}:
        copy = target + place[len(root) :]
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        storage.download(place, copy)
    return target


def _place(uri: str) -> str:
    """Where the model lies, the home folder of a path written out."""
    storage.check_place(uri, "model", ModelError)
    return os.path.expanduser(uri)
