"""Where things lie, folders and buckets alike: the one room that knows the difference. Standard library only.

A URI here is `scheme://bucket/name` of a storage in `STORES`, or a path. What is written is there whole or not at
all. Errors name the URI: MissingFileError where there is nothing, ConfigError where access is denied, TransientError
where another try may help.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from typing import BinaryIO

from assay.errors import AssayError, ConfigError, CorruptFileError
from assay.storage import regular_files
from assay.storage.file_paths import FilePath, path_text
from assay.storage.stat import Stat
from assay.storage.store import Store
from assay.storage.uris import parts_of, scheme_of

__all__ = [
    "STORES",
    "Stat",
    "Store",
    "check_place",
    "check_regular",
    "check_root",
    "delete",
    "delete_empty_folder",
    "delete_folder",
    "download",
    "exists",
    "is_folder",
    "is_remote",
    "join",
    "list",
    "local_path",
    "match",
    "names",
    "open_read",
    "open_write",
    "page",
    "publish",
    "read",
    "rename",
    "stat",
    "write",
]


def _disk() -> Store:
    from assay.storage import local

    return local


def _google_cloud() -> Store:
    from assay.storage import gcs

    return gcs


STORES: dict[str, Callable[[], Store]] = {"": _disk, "gs": _google_cloud}
"""Scheme of URIs -> the storage behind it, which is imported when it is first used; the scheme of paths is ""."""

_PATH_WITH_SCHEME = re.compile(r"(file|dbfs):/")
_OTHER_NAMES = {"gcs": "gs"}
"""How people write schemes, and what they mean."""


def is_remote(uri: str) -> bool:
    """Whether a URI is on a storage that other machines see as well, and not a path of this one."""
    scheme = scheme_of(uri)
    return scheme != "" and scheme in STORES


def local_path(uri: str) -> str | None:
    """The path by which the system and other libraries open a URI; None for what is reached by this room alone.

    Raises:
        ConfigError: a URI of a storage that is not known.
    """
    if is_remote(uri):
        return None
    check_uri(uri, "path or URI")
    return uri


def join(uri: str, *names: str) -> str:
    """The URI of something below."""
    return "/".join((uri.rstrip("/"), *names))


def check_uri(uri: str, what: str, kind: type[AssayError] = ConfigError) -> None:
    """Refuses a URI of a storage that is not known, in the words that all of assay has for it.

    Args:
        uri: a path or a URI.
        what: what lies there, for the message, such as "root" or "inputs.files".
        kind: of error.

    Raises:
        AssayError: it is neither on a disk nor on a storage in `STORES`; of the given kind.
    """
    if is_remote(uri):
        if not parts_of(uri).bucket:
            raise kind(f"{what} {uri!r}: expected a bucket after {scheme_of(uri)}://")
        return
    path = _PATH_WITH_SCHEME.match(uri)
    written = path[1] if path else scheme_of(uri)
    if not written:
        return

    rest, scheme = uri[len(written) + 1 :].lstrip("/"), written.lower()
    scheme = _OTHER_NAMES.get(scheme, scheme)
    cure = "copy it to one of these first"
    if scheme == "file":
        cure = f"write it as the path /{rest}"
    elif scheme in STORES:
        cure = f"write it as {scheme}://{rest}"
    raise kind(f"{what} {uri!r}: expected {_uris_known()} (or a file or glob there); nothing else is supported; {cure}")


def _uris_known() -> str:
    return " or ".join(["a local folder", *(f"a {scheme}:// URI" for scheme in STORES if scheme)])


def check_root(uri: FilePath) -> str:
    """The root as an absolute path or URI, without a slash at its end.

    Raises:
        ConfigError: it is neither.
    """
    uri = path_text(uri, "root")
    if not uri:
        raise ConfigError(f"root '': expected {_uris_known()}; nothing else is supported")
    check_uri(uri, "root")
    return uri.rstrip("/") if is_remote(uri) else os.path.abspath(os.path.expanduser(uri))


def read(uri: str, *, most: int | None = None) -> bytes:
    """The content.

    Args:
        uri: of an object, or a regular file.
        most: bytes that whoever wrote it may have written.

    Raises:
        CorruptFileError: there are more.
    """
    content = _store(uri).read(uri, most)
    if most is not None and len(content) > most:
        raise too_large(uri, len(content), most)
    return content


def too_large(uri: str, size: int, most: int) -> CorruptFileError:
    """The error for an object that is larger than what anybody would have written there."""
    return CorruptFileError(f"{uri}: expected at most {most:,} bytes, found {size:,}; somebody else wrote it")


def open_read(uri: str) -> BinaryIO:
    """The content as a stream that can seek."""
    return _store(uri).open_read(uri)


def download(uri: str, path: str) -> None:
    """Copies the content to a local file, which is not left there in parts."""
    from assay.storage import local

    with local.filling(path) as target:
        _store(uri).download(uri, target)


def write(uri: str, content: bytes) -> Stat:
    """Writes the content, over what is there."""
    return _store(uri).write(uri, content)


def open_write(uri: str) -> BinaryIO:
    """A stream to what will be there once it is closed; on a disk a part of it is there before."""
    return _store(uri).open_write(uri)


def rename(old: str, new: str) -> None:
    """Gives what is at `old` the name `new`, over what is there."""
    _store(old).rename(old, new)


def publish(uri: str, content: bytes, *, replacing: str | None = None) -> Stat:
    """Creates an object, if there is none; or replaces exactly one generation of it.

    Raises:
        PublishLostError: there is one, or it is another generation by now. On Google Cloud Storage it may be one's own,
            of a try whose answer was lost: read it back.
    """
    return _store(uri).publish(uri, content, replacing)


def stat(uri: str) -> Stat | None:
    """Size, generation and age of what is there; None for nothing, or a folder."""
    return _store(uri).stat(uri)


def list(folder: str) -> Iterator[tuple[str, Stat]]:
    """Yields everything below a folder, sorted by URI."""
    yield from _store(folder).list_folder(folder)


def match(pattern: str) -> dict[str, Stat]:
    """What matches a glob, in which `**` stands for any folders, or none."""
    return dict(_store(pattern).match(pattern))


def delete(uri: str, *, generation: str | None = None) -> None:
    """Deletes what may be gone already; with a generation, only that one and nothing that has come since."""
    _store(uri).delete(uri, generation)


def exists(uri: str) -> bool:
    """Whether there is a file or a folder."""
    return stat(uri) is not None or is_folder(uri)


def is_folder(uri: str) -> bool:
    """Whether there is a folder; of a bucket, whether something lies below that name."""
    path = local_path(uri)
    return next(list(uri), None) is not None if path is None else os.path.isdir(path)


def names(folder: str) -> tuple[str, ...]:
    """The names of the files and folders right in a folder, sorted; none where there is no such folder."""
    return _store(folder).names(folder)


def check_regular(uri: str, what: str = "", kind: type[AssayError] = ConfigError) -> None:
    """Refuses what is there on a disk but no regular file, as `regular_files` does; a bucket has regular files only."""
    path = local_path(uri)
    if path is not None:
        regular_files.check_regular(path, what, kind)


def delete_empty_folder(folder: str) -> None:
    """Deletes a folder on a disk if nothing is in it. Buckets have no folders."""
    path = local_path(folder)
    if path is not None:
        from assay.storage import local

        local.delete_empty_folder(path)


def delete_folder(folder: str) -> None:
    """Deletes everything below a folder."""
    for uri, _ in [*list(folder)]:
        delete(uri)
    path = local_path(folder)
    if path is not None:
        shutil.rmtree(path, ignore_errors=True)


def page(folder: str) -> str:
    """Where a browser shows a folder of a bucket; "" for none."""
    return _store(folder).page(folder)


def _store(uri: str) -> Store:
    if not is_remote(uri):
        check_uri(uri, "path or URI")
    return STORES[scheme_of(uri)]()
