"""Where a model lies: a local path, or a URI that Beam's file systems know (`gs://...`)."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from typing import IO, Any

from assay import storage
from assay.errors import ModelError


def is_remote(uri: str) -> bool:
    """Tells whether `uri` names a file system other than this machine's."""
    return "://" in uri


def exists(uri: str) -> bool:
    """Tells whether there is a file or a folder at `uri` (elsewhere than on gs://: a file, folders being prefixes)."""
    if storage.is_remote(uri):
        return storage.stat(uri) is not None or next(storage.list(uri), None) is not None
    return bool(_remote(uri).exists(uri)) if is_remote(uri) else os.path.exists(_local(uri))


def join(uri: str, name: str) -> str:
    """Returns the URI of `name` inside the folder `uri`."""
    return f"{uri.rstrip('/')}/{name}"


def children(uri: str) -> tuple[str, ...]:
    """Returns the names in a folder, local or on gs://, sorted; nothing for a file or a missing folder."""
    if storage.is_remote(uri):
        start = len(uri.rstrip("/")) + 1
        return tuple(sorted({place[start:].split("/")[0] for place, _ in storage.list(uri)}))
    return tuple(sorted(os.listdir(_local(uri)))) if not is_remote(uri) and os.path.isdir(_local(uri)) else ()


def open_binary(uri: str) -> IO[bytes]:
    """Opens a file for reading; the stream can seek."""
    if storage.is_remote(uri):
        return storage.open_read(uri)
    if is_remote(uri):
        stream: IO[bytes] = _remote(uri).open(uri)
        return stream
    return open(_local(uri), "rb")


def stamp(uri: str) -> tuple[float | str, ...]:
    """What tells a rewritten file from the one in memory: of a file on a disk, what no copy can set back is in it."""
    if storage.is_remote(uri):
        now = storage.stat(uri)
        return (now.generation, now.size) if now else ("", 0)
    if is_remote(uri):
        found = _remote(uri).match([uri])[0].metadata_list
        return (found[0].last_updated_in_seconds, found[0].size_in_bytes) if found else (0.0, 0)
    status = os.stat(_local(uri))
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def local_copy(uri: str) -> str:
    """Returns a local path of a model; a remote one is copied to a folder that goes when the process ends."""
    if not is_remote(uri):
        return _local(uri)
    folder = tempfile.mkdtemp(prefix="assay-model-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    root = uri.rstrip("/")
    target = os.path.join(folder, root.rsplit("/", 1)[1])
    for path in _below(root):
        _copy(path, target + path[len(root) :])
    return target


def _below(root: str) -> set[str]:
    if storage.is_remote(root):
        return {place for place, _ in storage.list(root)} or {root}
    found = _remote(root).match([root, f"{root}/**"])
    return {entry.path for result in found for entry in result.metadata_list}


def _copy(uri: str, path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if storage.is_remote(uri):
        storage.download(uri, path)
        return
    with open_binary(uri) as source, open(path, "wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)


def _local(path: str) -> str:
    return os.path.expanduser(path)


def _remote(uri: str) -> Any:
    from apache_beam.io.filesystems import FileSystems

    try:
        FileSystems.get_filesystem(uri)
    except ValueError as error:
        raise ModelError(f"model at {uri!r}: expected a local path or gs://; no file system is known for it") from error
    return FileSystems
