"""Files by name or glob, on any file system that Beam knows: found, opened, and named in errors."""

from __future__ import annotations

import contextlib
import os
import tempfile
import uuid
from collections.abc import Iterator, Sequence

import pyarrow as pa
from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from assay import storage
from assay.errors import CorruptFileError, MissingFileError

_GZIP_MAGIC = b"\x1f\x8b\x08"


def find(patterns: Sequence[str], key: str = "inputs.files") -> dict[str, int]:
    """Returns the files that match any of the names or globs, sorted by name, and their sizes in bytes.

    Args:
        patterns: names or globs.
        key: where they are written, for messages.

    Raises:
        MissingFileError: no pattern is given, or one matches no file.
    """
    if not patterns:
        raise MissingFileError(f"{key} is empty; expected at least one file name or glob")
    found: dict[str, int] = {}
    for pattern in patterns:
        matches = _match(os.path.expanduser(pattern), key)
        if not matches:
            hint = "it is a folder; add a glob such as /*" if os.path.isdir(os.path.expanduser(pattern)) else "check it"
            raise MissingFileError(f"no file matches {pattern!r} of {key}; {hint}")
        found |= matches
    return dict(sorted(found.items()))


def _match(pattern: str, key: str) -> dict[str, int]:
    if os.path.isfile(pattern):  # a name may hold characters that mean something in a glob
        return {pattern: os.path.getsize(pattern)}
    if storage.is_remote(pattern):
        alone = storage.stat(pattern)
        found = storage.match(pattern) if alone is None else {pattern: alone}
        return {place: stat.size for place, stat in found.items()}
    try:
        results = FileSystems.match([pattern])
    except (BeamIOError, ValueError) as error:
        raise MissingFileError(f"cannot look for {pattern!r} of {key}: {error}") from error
    entries = [entry for result in results for entry in result.metadata_list]
    return {entry.path: entry.size_in_bytes for entry in entries if not os.path.isdir(entry.path)}


def stamp(file: str) -> str:
    """What changes when the file does; new each time where nobody can tell."""
    if storage.is_remote(file):
        found = storage.stat(file)
        return uuid.uuid4().hex if found is None else found.generation
    if "://" in file and not os.path.exists(file):
        return uuid.uuid4().hex
    status = os.stat(file)
    return f"{status.st_ino}-{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}"


def open_raw(file: str) -> pa.NativeFile:
    """Opens a file for random access, as it is stored."""
    if os.path.exists(file) or "://" not in file:
        return pa.OSFile(file)
    if storage.is_remote(file):
        return pa.PythonFile(storage.open_read(file), mode="r")
    return pa.PythonFile(FileSystems.open(file, compression_type=CompressionTypes.UNCOMPRESSED), mode="r")


def open_text(file: str) -> pa.NativeFile:
    """Opens a file as a stream of bytes, decompressed if it is gzip."""
    return pa.CompressedInputStream(open_raw(file), "gzip") if is_gzip(file) else open_raw(file)


def is_gzip(file: str) -> bool:
    """Tells by the first bytes, since names lie."""
    with open_raw(file) as stream:
        return bool(stream.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC)


@contextlib.contextmanager
def on_this_machine(file: str) -> Iterator[str]:
    """A local path of a file, for readers that know no `gs://`; a copy goes after the block."""
    if not storage.is_remote(file):
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="assay-input-") as folder:
        path = os.path.join(folder, "input")
        storage.download(file, path)
        yield path


@contextlib.contextmanager
def naming(file: str, form: str) -> Iterator[None]:
    """Turns what readers raise about the bytes of `file` into our errors, which name it."""
    try:
        yield
    except FileNotFoundError as error:
        raise MissingFileError(f"{file}: no such file, though it was there when the inputs were listed") from error
    except PermissionError as error:
        raise MissingFileError(f"{file}: cannot be opened: {error.strerror}") from error
    except (pa.ArrowException, OSError, EOFError) as error:
        raise CorruptFileError(f"{file}: not readable as {form}: {error}") from error
