"""Files on a disk: whole or not there at all, also after a crash."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from assay.errors import ConfigError, MissingFileError, PublishLostError, TransientError
from assay.storage import globs
from assay.storage.content_hash import content_hash
from assay.storage.content_hash import stamp as stamp_of
from assay.storage.regular_files import check_regular
from assay.storage.stat import Stat

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_PASSING = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EMFILE, errno.ENFILE, errno.EAGAIN)
_LINKLESS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)
_LOCK = ".publish.lock"
_TRIES = 5


def read(path: str, most: int | None) -> bytes:
    """The content of a regular file; of no more than `most` bytes and one."""
    with _naming(path), open_read(path) as file:
        return file.read(-1 if most is None else most + 1)


def open_read(path: str) -> BinaryIO:
    """The file, open; pipes and devices have no end, and are refused."""
    check_regular(path)
    with _naming(path):
        return open(path, "rb")


def download(path: str, target: BinaryIO) -> None:
    """Copies the content."""
    with open_read(path) as source:
        shutil.copyfileobj(source, target, 8 << 20)


@contextmanager
def filling(path: str) -> Iterator[BinaryIO]:
    """A file to fill; it goes if that fails."""
    with _naming(path), open(path, "wb") as target:
        try:
            yield target
            target.flush()
        except BaseException:
            with suppress(OSError):
                os.remove(path)
            raise


def write(path: str, content: bytes) -> Stat:
    """Writes a file, over one that is there."""
    with _naming(path), _temporary(path, content) as (temporary, written):
        os.replace(temporary, path)
        _sync_folder(path)
        return written


def open_write(path: str) -> BinaryIO:
    """The file, open."""
    with _naming(path):
        return _created(path)


def _created(path: str) -> BinaryIO:
    """A new file, open, in a folder that is made if need be: again where somebody clears empty folders meanwhile."""
    for _ in range(_TRIES):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with suppress(FileNotFoundError):
            return open(path, "wb")
    return open(path, "wb")


def rename(old: str, new: str) -> None:
    """Moves a file, over one that is there; it is on the disk for certain by then."""
    with _naming(new):
        with open(old, "rb") as file:
            os.fsync(file.fileno())
        os.replace(old, new)
        _sync_folder(new)


def publish(path: str, content: bytes, replacing: str | None) -> Stat:
    """Creates a file by a hard link, which fails if there is one; or replaces one generation of it, under a lock.

    A lock alone would not do for creation: not every file system that machines share has locks that work. It has to do
    where a file system has no links.
    """
    with _naming(path), _temporary(path, content) as (temporary, written):
        if replacing is None:
            _create(temporary, path)
        else:
            _replace(temporary, path, replacing)
        _sync_folder(path)
        return written


def _create(temporary: str, path: str) -> None:
    try:
        os.link(temporary, path)
    except FileExistsError as error:
        raise PublishLostError(f"{path}: another process published there first") from error
    except OSError as error:
        if error.errno not in _LINKLESS:
            raise
        _replace(temporary, path, None)


def _replace(temporary: str, path: str, expected: str | None) -> None:
    with _locked(os.path.dirname(path)):
        current = stat(path)
        if (current and current.generation) != expected:
            raise PublishLostError(f"{path}: another process published there first")
        os.replace(temporary, path)


def stat(path: str) -> Stat | None:
    """What is there; None for nothing, or a folder."""
    with _naming(path):
        try:
            status = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return None if os.path.isdir(path) else _stat_of(status)


def fingerprint(path: str) -> str | None:
    """A hash of the content; None for nothing, or a folder."""
    with _naming(path):
        if not os.path.exists(path) or os.path.isdir(path):
            return None
        check_regular(path)
        return content_hash(path)


def stamp(path: str) -> str | None:
    """What changes whenever the file is written to, and no copy can set back; None for nothing, or a folder."""
    if stat(path) is None:
        return None
    with _naming(path):
        return str(stamp_of(os.stat(path)))


def list_folder(folder: str) -> Iterator[tuple[str, Stat]]:
    """All files below; those that go in the meantime are left out."""
    with _naming(folder):
        paths = [
            os.path.join(parent, name)
            for parent, _, names in os.walk(folder, onerror=_unless_gone)
            for name in names
            if name != _LOCK
        ]
    for path in sorted(paths):
        known = stat(path)
        if known is not None:
            yield path, known


def _unless_gone(error: OSError) -> None:
    """What cannot be looked into is not left out: a list must be whole."""
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
        raise error


def names(folder: str) -> tuple[str, ...]:
    """The names of the files and folders right in a folder, sorted; none where there is no such folder."""
    with _naming(folder):
        return tuple(sorted(os.listdir(folder))) if os.path.isdir(folder) else ()


def match(pattern: str) -> Iterator[tuple[str, Stat]]:
    """The files whose names match a glob."""
    with _naming(pattern):
        paths = sorted(set(globs.paths(pattern)))
    for path in paths:
        known = stat(path)
        if known is not None:
            yield path, known


def delete(path: str, generation: str | None) -> None:
    """Deletes a file that may be gone already, or one generation of it, under the lock of those who replace it."""
    with _naming(path), suppress(FileNotFoundError, NotADirectoryError):
        if generation is None:
            os.remove(path)
            return
        with _locked(os.path.dirname(path)):
            current = stat(path)
            if current and current.generation == generation:
                os.remove(path)


def page(folder: str) -> str:
    """None: browsers do not open the folders of servers."""
    del folder
    return ""


def delete_empty_folder(folder: str) -> None:
    """Deletes a folder in which at most our lock is left."""
    with suppress(OSError):
        if os.listdir(folder) == [_LOCK]:
            os.remove(os.path.join(folder, _LOCK))
        os.rmdir(folder)  # which fails, as it should, where something is left


def _stat_of(status: os.stat_result) -> Stat:
    return Stat(status.st_size, f"{status.st_mtime_ns}-{status.st_size}", status.st_mtime)


@contextmanager
def _temporary(path: str, content: bytes) -> Iterator[tuple[str, Stat]]:
    """A file beside `path` that holds the content, on the disk for certain; gone after the block.

    It gets its time from the precise clock, as two files of one size and one tick of the system's would be one
    generation.
    """
    temporary = f"{path}.{uuid.uuid4().hex}.tmp"
    try:
        with _created(temporary) as file:
            file.write(content)
            file.flush()
            os.utime(file.fileno(), ns=(time.time_ns(),) * 2)
            os.fsync(file.fileno())
            written = _stat_of(os.fstat(file.fileno()))
        yield temporary, written
    finally:
        with suppress(OSError):
            os.remove(temporary)


def _sync_folder(path: str) -> None:
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _locked(folder: str) -> Iterator[None]:
    """Holds the lock of a folder, and leaves none behind in what may be a folder of the user's.

    Whoever waits for it looks whether it is still the one that is there, and else makes a new one.
    """
    path = os.path.join(folder, _LOCK)
    while True:
        with open(path, "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_same_file(lock.fileno(), path):
                try:
                    yield
                finally:
                    with suppress(FileNotFoundError):
                        os.remove(path)
                return


def _is_same_file(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


@contextmanager
def _naming(path: str) -> Iterator[None]:
    """Turns what the system raises into our errors."""
    try:
        yield
    except FileNotFoundError as error:
        raise MissingFileError(f"{path}: no such file") from error
    except OSError as error:
        if error.errno in _FULL:
            raise TransientError(f"{path}: {error.strerror}; make room, then try again") from error
        if error.errno in _PASSING:
            raise TransientError(f"{path}: {error.strerror}; try again") from error
        raise ConfigError(f"{path}: {error.strerror}") from error
