"""Where things lie, folders and `gs://` alike: the one module that knows the difference. Standard library only.

A place is an absolute path or a `gs://bucket/name`. What is written is there whole or not at all. Errors name the
place: MissingFileError where there is nothing, ConfigError where access is denied, TransientError where another try may
help.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from types import ModuleType
from typing import BinaryIO

from assay.errors import AssayError, ConfigError, CorruptFileError
from assay.storage.file_paths import FilePath, path_text
from assay.storage.regular_files import check_regular
from assay.storage.stat import Stat

__all__ = [
    "Stat",
    "check_place",
    "check_regular",
    "check_root",
    "delete",
    "delete_empty_folder",
    "delete_folder",
    "download",
    "fingerprint",
    "is_remote",
    "join",
    "list",
    "match",
    "open_read",
    "open_write",
    "publish",
    "read",
    "rename",
    "stat",
    "write",
]

_GS = "gs://"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://|(file|dbfs):/")
_NAMES_OF_GS = ("gs", "gcs")


def is_remote(place: str) -> bool:
    """Whether a place is on Google Cloud Storage."""
    return place.startswith(_GS)


def join(place: str, *names: str) -> str:
    """The place of something below."""
    return "/".join((place.rstrip("/"), *names))


def check_place(place: str, what: str, kind: type[AssayError] = ConfigError) -> None:
    """Refuses a place on a storage that is not known, in the words that all of assay has for it.

    Args:
        place: a path or a URI.
        what: what lies there, for the message, such as "root" or "inputs.files".
        kind: of error.

    Raises:
        AssayError: it is neither on a disk nor on `gs://`; of the given kind.
    """
    if is_remote(place):
        if place[len(_GS) :].startswith("/") or not place[len(_GS) :]:
            raise kind(f"{what} {place!r}: expected a bucket after gs://")
        return
    scheme = _SCHEME.match(place)
    if scheme is None:
        return
    rest = place[scheme.end() :].lstrip("/")
    name = (scheme[1] or scheme[2]).lower()
    cure = {"file": f"write it as the path /{rest}"} | dict.fromkeys(_NAMES_OF_GS, f"write it as gs://{rest}")
    raise kind(
        f"{what} {place!r}: expected a local folder or a gs:// URI (or a file or glob there); nothing else is "
        f"supported; {cure.get(name, 'copy it to one of these first')}"
    )


def check_root(place: FilePath) -> str:
    """The root as an absolute path or URI, without a slash at its end.

    Raises:
        ConfigError: it is neither.
    """
    place = path_text(place, "root")
    if not place:
        raise ConfigError("root '': expected a local folder or a gs:// URI; nothing else is supported")
    check_place(place, "root")
    return place.rstrip("/") if is_remote(place) else os.path.abspath(os.path.expanduser(place))


def read(place: str, *, most: int | None = None) -> bytes:
    """The content.

    Args:
        place: of an object, or a regular file.
        most: bytes that whoever wrote it may have written.

    Raises:
        CorruptFileError: there are more.
    """
    content: bytes = _back_end(place).read(place, most)
    if most is not None and len(content) > most:
        raise too_large(place, len(content), most)
    return content


def too_large(place: str, size: int, most: int) -> CorruptFileError:
    """The error for an object that is larger than what anybody would have written there."""
    return CorruptFileError(f"{place}: expected at most {most:,} bytes, found {size:,}; somebody else wrote it")


def open_read(place: str) -> BinaryIO:
    """The content as a stream that can seek."""
    stream: BinaryIO = _back_end(place).open_read(place)
    return stream


def download(place: str, path: str) -> None:
    """Copies the content to a local file, which is not left there in parts."""
    from assay.storage import local

    with local.filling(path) as target:
        _back_end(place).download(place, target)


def write(place: str, content: bytes) -> Stat:
    """Writes the content, over what is there."""
    written: Stat = _back_end(place).write(place, content)
    return written


def open_write(place: str) -> BinaryIO:
    """A stream to what will be there once it is closed; on a disk a part of it is there before."""
    stream: BinaryIO = _back_end(place).open_write(place)
    return stream


def rename(old: str, new: str) -> None:
    """Gives what is at `old` the name `new`, over what is there."""
    _back_end(old).rename(old, new)


def publish(place: str, content: bytes, *, replacing: str | None = None) -> Stat:
    """Creates an object, if there is none; or replaces exactly one generation of it.

    Raises:
        PublishLostError: there is one, or it is another generation by now. On Google Cloud Storage it may be one's own,
            of a try whose answer was lost: read it back.
    """
    written: Stat = _back_end(place).publish(place, content, replacing)
    return written


def stat(place: str) -> Stat | None:
    """Size, generation and age of what is there; None for nothing, or a folder."""
    found: Stat | None = _back_end(place).stat(place)
    return found


def fingerprint(place: str) -> str | None:
    """What is another one if and only if the content may be another; None for nothing, or a folder.

    On Google Cloud Storage the generation, on a disk a hash of the content, which is read for it.
    """
    found: str | None = _back_end(place).fingerprint(place)
    return found


def list(folder: str) -> Iterator[tuple[str, Stat]]:
    """Yields everything below a folder, sorted by place."""
    yield from _back_end(folder).list_folder(folder)


def match(pattern: str) -> dict[str, Stat]:
    """What matches a glob, in which `**` stands for any folders."""
    return dict(_back_end(pattern).match(pattern))


def delete(place: str, *, generation: str | None = None) -> None:
    """Deletes what may be gone already; with a generation, only that one and nothing that has come since."""
    _back_end(place).delete(place, generation)


def delete_empty_folder(folder: str) -> None:
    """Deletes a folder on a disk if nothing is in it. Buckets have no folders."""
    if not is_remote(folder):
        from assay.storage import local

        local.delete_empty_folder(folder)


def delete_folder(folder: str) -> None:
    """Deletes everything below a folder."""
    for place, _ in [*list(folder)]:
        delete(place)
    if not is_remote(folder):
        shutil.rmtree(folder, ignore_errors=True)


def _back_end(place: str) -> ModuleType:
    if is_remote(place):
        from assay.storage import gcs

        return gcs
    check_place(place, "place")
    from assay.storage import local

    return local
