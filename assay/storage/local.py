"""Places on a disk: whole or not there at all, also after a crash."""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from assay.errors import ConfigError, MissingFileError, PublishLostError, TransientError
from assay.storage.content_hash import content_hash
from assay.storage.content_hash import stamp as stamp_of
from assay.storage.regular_files import check_regular
from assay.storage.stat import Stat

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_PASSING = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EMFILE, errno.ENFILE, errno.EAGAIN)
_LINKLESS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)
_LOCK = ".publish.lock"
_TRIES = 5


def read(place: str, most: int | None) -> bytes:
    """The content of a regular file; of no more than `most` bytes and one."""
    with _naming(place), open_read(place) as file:
        return file.read(-1 if most is None else most + 1)


def open_read(place: str) -> BinaryIO:
    """The file, open; pipes and devices have no end, and are refused."""
    check_regular(place)
    with _naming(place):
        return open(place, "rb")


def download(place: str, target: BinaryIO) -> None:
    """Copies the content."""
    with open_read(place) as source:
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


def write(place: str, content: bytes) -> Stat:
    """Writes a file, over one that is there."""
    with _naming(place), _temporary(place, content) as (temporary, written):
        os.replace(temporary, place)
        _sync_folder(place)
        return written


def open_write(place: str) -> BinaryIO:
    """The file, open."""
    with _naming(place):
        return _created(place)


def _created(place: str) -> BinaryIO:
    """A new file, open, in a folder that is made if need be: again where somebody clears empty folders meanwhile."""
    for _ in range(_TRIES):
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with suppress(FileNotFoundError):
            return open(place, "wb")
    return open(place, "wb")


def rename(old: str, new: str) -> None:
    """Moves a file, over one that is there; it is on the disk for certain by then."""
    with _naming(new):
        with open(old, "rb") as file:
            os.fsync(file.fileno())
        os.replace(old, new)
        _sync_folder(new)


def publish(place: str, content: bytes, replacing: str | None) -> Stat:
    """Creates a file by a hard link, which fails if there is one; or replaces one generation of it, under a lock.

    A lock alone would not do for creation: not every file system that machines share has locks that work. It has to do
    where a file system has no links.
    """
    with _naming(place), _temporary(place, content) as (temporary, written):
        if replacing is None:
            _create(temporary, place)
        else:
            _replace(temporary, place, replacing)
        _sync_folder(place)
        return written


def _create(temporary: str, place: str) -> None:
    try:
        os.link(temporary, place)
    except FileExistsError as error:
        raise PublishLostError(f"{place}: somebody else published there first") from error
    except OSError as error:
        if error.errno not in _LINKLESS:
            raise
        _replace(temporary, place, None)


def _replace(temporary: str, place: str, expected: str | None) -> None:
    with _locked(os.path.dirname(place)):
        found = stat(place)
        if (found and found.generation) != expected:
            raise PublishLostError(f"{place}: somebody else published there first")
        os.replace(temporary, place)


def stat(place: str) -> Stat | None:
    """What is there; None for nothing, or a folder."""
    with _naming(place):
        try:
            found = os.stat(place)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return None if os.path.isdir(place) else _stat_of(found)


def fingerprint(place: str) -> str | None:
    """A hash of the content; None for nothing, or a folder."""
    with _naming(place):
        if not os.path.exists(place) or os.path.isdir(place):
            return None
        check_regular(place)
        return content_hash(place)


def stamp(place: str) -> str | None:
    """What changes whenever the file is written to, and no copy can set back; None for nothing, or a folder."""
    if stat(place) is None:
        return None
    with _naming(place):
        return str(stamp_of(os.stat(place)))


def list_folder(folder: str) -> Iterator[tuple[str, Stat]]:
    """All files below; those that go in the meantime are left out."""
    with _naming(folder):
        places = [
            os.path.join(parent, name)
            for parent, _, names in os.walk(folder, onerror=_unless_gone)
            for name in names
            if name != _LOCK
        ]
    for place in sorted(places):
        found = stat(place)
        if found is not None:
            yield place, found


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
    for place in sorted(glob.glob(pattern, recursive=True)):
        found = stat(place)
        if found is not None:
            yield place, found


def delete(place: str, generation: str | None) -> None:
    """Deletes a file that may be gone already, or one generation of it, under the lock of those who replace it."""
    with _naming(place), suppress(FileNotFoundError, NotADirectoryError):
        if generation is None:
            os.remove(place)
            return
        with _locked(os.path.dirname(place)):
            found = stat(place)
            if found and found.generation == generation:
                os.remove(place)


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
def _temporary(place: str, content: bytes) -> Iterator[tuple[str, Stat]]:
    """A file beside `place` that holds the content, on the disk for certain; gone after the block.

    It gets its time from the precise clock, as two files of one size and one tick of the system's would be one
    generation.
    """
    temporary = f"{place}.{uuid.uuid4().hex}.tmp"
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


def _sync_folder(place: str) -> None:
    folder = os.open(os.path.dirname(place), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _locked(folder: str) -> Iterator[None]:
    """Holds the lock of a folder, and leaves none behind in what may be a folder of the user's.

    Whoever waits for it looks whether it is still the one that is there, and else makes a new one.
    """
    place = os.path.join(folder, _LOCK)
    while True:
        with open(place, "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_same_file(lock.fileno(), place):
                try:
                    yield
                finally:
                    with suppress(FileNotFoundError):
                        os.remove(place)
                return


def _is_same_file(descriptor: int, place: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(place))
    except FileNotFoundError:
        return False


@contextmanager
def _naming(place: str) -> Iterator[None]:
    """Turns what the system raises into our errors."""
    try:
        yield
    except FileNotFoundError as error:
        raise MissingFileError(f"{place}: no such file") from error
    except OSError as error:
        if error.errno in _FULL:
            raise TransientError(f"{place}: {error.strerror}; make room, then try again") from error
        if error.errno in _PASSING:
            raise TransientError(f"{place}: {error.strerror}; try again") from error
        raise ConfigError(f"{place}: {error.strerror}") from error
