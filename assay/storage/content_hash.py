"""What identifies the content of a file on a disk: a hash of it, as names, sizes and times can be given to any content.

A file is hashed once in a process for as long as the system vouches for it: by inode and by the time of its last
change (ctime), which no `cp -p`, `rsync -t`, `tar` or `touch` can set. Standard library only.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time

_SETTLED_SECONDS = 2.0
"""Clocks of file systems tick: what was changed just now may change again within the same tick."""

_known: dict[tuple[str, tuple[int, ...]], str] = {}
_lock = threading.Lock()


def content_hash(path: str) -> str:
    """SHA-256 of the content of a regular file, as `sha256:<hex>`.

    Raises:
        OSError: it cannot be read.
    """
    path = os.path.realpath(path)
    before = os.stat(path)
    known = _known.get((path, stamp(before)))
    if known is not None:
        return known
    with open(path, "rb") as file:
        digest = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        after = os.fstat(file.fileno())
    if stamp(after) == stamp(before) and time.time() - after.st_ctime > _SETTLED_SECONDS:
        with _lock:
            _known[path, stamp(after)] = digest
    return digest


def stamp(status: os.stat_result) -> tuple[int, ...]:
    """What tells a rewritten file from the one that was read: the time of its last change is among it."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
