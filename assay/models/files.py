"""Where a model lies: a local path or a `gs://` URI. Errors of the storage become errors of the model's place."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from typing import IO

from assay import storage
from assay.errors import ModelError
from assay.storage import content_hash


def exists(uri: str) -> bool:
    """Tells whether there is a file or a folder at `uri`."""
    if storage.is_remote(uri):
        return storage.stat(uri) is not None or next(storage.list(uri), None) is not None
    return os.path.exists(_local(uri))


def join(uri: str, name: str) -> str:
    """Returns the URI of `name` inside the folder `uri`."""
    return f"{uri.rstrip('/')}/{name}"


def children(uri: str) -> tuple[str, ...]:
    """Returns the names in a folder, local or on gs://, sorted; nothing for a file or a missing folder."""
    if storage.is_remote(uri):
        start = len(uri.rstrip("/")) + 1
        return tuple(sorted({place[start:].split("/")[0] for place, _ in storage.list(uri)}))
    return tuple(sorted(os.listdir(_local(uri)))) if os.path.isdir(_local(uri)) else ()


def check_regular(uri: str) -> None:
    """Raises ModelError if a named pipe, a device or a socket is at a local path, or in the folder there."""
    path = _local(uri)
    if storage.is_remote(uri):
        return
    storage.check_regular(path, "model", ModelError)
    for folder, _, names in os.walk(path):
        for name in names:
            storage.check_regular(os.path.join(folder, name), "file of a model", ModelError)


def open_binary(uri: str) -> IO[bytes]:
    """Opens a file for reading; the stream can seek."""
    return storage.open_read(_local(uri))


def stamp(uri: str) -> tuple[float | str, ...]:
    """What tells a rewritten file from the one in memory: of a file on a disk, what no copy can set back is in it."""
    path = _local(uri)
    if storage.is_remote(path):
        now = storage.stat(path)
        return (now.generation, now.size) if now else ("", 0)
    return content_hash.stamp(os.stat(path))


def local_copy(uri: str) -> str:
    """Returns a local path of a model; a remote one is copied to a folder that goes when the process ends."""
    if not storage.is_remote(uri):
        return _local(uri)
    folder = tempfile.mkdtemp(prefix="assay-model-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    root = uri.rstrip("/")
    target = os.path.join(folder, root.rsplit("/", 1)[1])
    for place in {place for place, _ in storage.list(root)} or {root}:
        path = target + place[len(root) :]
        os.makedirs(os.path.dirname(path), exist_ok=True)
        storage.download(place, path)
    return target


def _local(uri: str) -> str:
    """A path of this machine, the home folder written out; what lies on gs:// as it is."""
    storage.check_place(uri, "model", ModelError)
    return uri if storage.is_remote(uri) else os.path.expanduser(uri)
