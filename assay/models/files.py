"""Where a model lies: a local path or the URI of a bucket. A storage that is not known is an error of the model."""

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
    return storage.exists(_checked(uri))


def children(uri: str) -> tuple[str, ...]:
    """Returns the names in a folder, sorted; nothing for a file or a missing folder."""
    return storage.names(_checked(uri))


def check_regular(uri: str) -> None:
    """Raises ModelError if a named pipe, a device or a socket is at a local path, or in the folder there."""
    path = storage.local_path(_checked(uri))
    if path is None:
        return
    storage.check_regular(path, "model", ModelError)
    for folder, _, names in os.walk(path):
        for name in names:
            storage.check_regular(os.path.join(folder, name), "file of a model", ModelError)


def open_binary(uri: str) -> IO[bytes]:
    """Opens a file for reading; the stream can seek."""
    return storage.open_read(_checked(uri))


def stamp(uri: str) -> object:
    """What tells a model that was written again from the one in memory: of a folder, any of its files."""
    return stamps_within(_checked(uri))


def local_copy(uri: str) -> str:
    """Returns a local path of a model; a remote one is copied to a folder that goes when the process ends."""
    path = storage.local_path(_checked(uri))
    if path is not None:
        return path
    folder = tempfile.mkdtemp(prefix="assay-model-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)

    root = uri.rstrip("/")
    target = os.path.join(folder, root.rsplit("/", 1)[1])
    for file in {file for file, _ in storage.list(root)} or {root}:
        copy = target + file[len(root) :]
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        storage.download(file, copy)
    return target


def _checked(uri: str) -> str:
    """Where the model lies, the home folder of a path written out."""
    storage.check_uri(uri, "model", ModelError)
    return os.path.expanduser(uri)
