"""Places on a disk: whole or not there at all, also after a crash."""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from assay.errors import ConfigError, MissingFileError, PublishLostError, TransientError
from assay.stat import Stat

_PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)
_LOCK = ".publish.lock"


def read(place: str) -> bytes:
    """The content."""
    with _naming(place):
        return Path(place).read_bytes()


def open_read(place: str) -> BinaryIO:
    """The file, open."""
    with _naming(place):
        return open(place, "rb")


def write(place: str, content: bytes) -> Stat:
    """Writes a file, over one that is there."""
    with _naming(place), _temporary(place, content) as temporary:
        os.replace(temporary, place)
        _sync_folder(place)
        return _stat_of(os.stat(place))


def open_write(place: str) -> BinaryIO:
    """The file, open."""
    with _naming(place):
        os.makedirs(os.path.dirname(place), exist_ok=True)
        return open(place, "wb")


def rename(old: str, new: str) -> None:
    """Moves a file, over one that is there."""
    with _naming(new):
        os.replace(old, new)


def publish(place: str, content: bytes, replacing: str | None) -> Stat:
    """Creates a file by a hard link, which fails if there is one; or replaces one generation of it, under a lock.

    A lock alone would not do for creation: not every file system that machines share has locks that work.
    """
    with _naming(place), _temporary(place, content) as temporary:
        if replacing is None:
            try:
                os.link(temporary, place)
            except FileExistsError as error:
                raise PublishLostError(f"{place}: somebody else published there first") from error
            os.remove(temporary)
        else:
            with _locked(os.path.dirname(place)):
                found = stat(place)
                if found is None or found.generation != replacing:
                    raise PublishLostError(f"{place}: somebody else replaced it first")
                os.replace(temporary, place)
        _sync_folder(place)
        return _stat_of(os.stat(place))


def stat(place: str) -> Stat | None:
    """What is there; None for nothing, or a folder."""
    with _naming(place):
        try:
            found = os.stat(place)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return None if os.path.isdir(place) else _stat_of(found)


def list_folder(folder: str) -> Iterator[tuple[str, Stat]]:
    """All files below; those that go in the meantime are left out."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            place = os.path.join(parent, name)
            found = stat(place)
            if found is not None and name != _LOCK:
                yield place, found


def match(pattern: str) -> Iterator[tuple[str, Stat]]:
    """The files whose names match a glob."""
    for place in sorted(glob.glob(pattern, recursive=True)):
        found = stat(place)
        if found is not None:
            yield place, found


def delete(place: str) -> None:
    """Deletes a file that may be gone already."""
    with _naming(place), suppress(FileNotFoundError):
        os.remove(place)


def _stat_of(status: os.stat_result) -> Stat:
    return Stat(status.st_size, f"{status.st_mtime_ns}-{status.st_size}", status.st_mtime)


@contextmanager
def _temporary(place: str, content: bytes) -> Iterator[str]:
    """A file beside `place` that holds the content, on the disk for certain; gone after the block."""
    os.makedirs(os.path.dirname(place), exist_ok=True)
    temporary = f"{place}.{uuid.uuid4().hex}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        with suppress(OSError):
            os.remove(temporary)


def _sync_folder(place: str) -> None:
    folder = os.open(os.path.dirname(place), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _locked(folder: str) -> Iterator[None]:
    with open(os.path.join(folder, _LOCK), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _naming(place: str) -> Iterator[None]:
    """Turns what the system raises into our errors."""
    try:
        yield
    except FileNotFoundError as error:
        raise MissingFileError(f"{place}: no such file") from error
    except OSError as error:
        if error.errno in _PASSING:
            raise TransientError(f"{place}: {error.strerror}; make room, then try again") from error
        raise ConfigError(f"{place}: {error.strerror}") from error
