"""How readers open files, local or in a bucket, and the errors that name them."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator

import pyarrow as pa

from assay import storage
from assay.errors import CorruptFileError, InputError, MissingFileError
from assay.readers import signatures
from assay.readers.unpacking import Transcoded, Unpacked, encoding_of
from assay.storage import fingerprints


def stamp(file: str) -> str:
    """A text that changes when the file does; if that cannot be told, a new one each time."""
    return fingerprints.stamp(file) or uuid.uuid4().hex


def open_raw(file: str) -> pa.NativeFile:
    """Opens a file for random access, as it is stored."""
    path = storage.local_path(file)
    if path is None:
        return pa.PythonFile(storage.open_read(file), mode="r")
    storage.check_regular(path, "input file", InputError)
    return pa.OSFile(path)


def head(file: str) -> bytes:
    """The first bytes of a file, as it is stored."""
    with open_raw(file) as stream:
        return bytes(stream.read(signatures.HEAD_BYTES))


def not_plain_because(file: str) -> str | None:
    """Why the bytes of a file are not those of a text in UTF-8; None if they are, as far as its first bytes say."""
    first = head(file)
    if signatures.compression_of(first):
        return "it is compressed"
    if encoding_of(first) or signatures.holds_wide_text(first):
        return "it is in another encoding, or has a byte order mark"
    return "it is no text" if signatures.binary_format(first) else None


def open_text(file: str, form: str, encoding: str | None = None) -> Unpacked | Transcoded:
    """Opens a text file as a stream of UTF-8, decompressed and without a byte order mark.

    Args:
        file: path or URI.
        form: its format, for errors.
        encoding: of the text; None for UTF-8, or for that of a byte order mark.

    Raises:
        CorruptFileError: it is a file of another format, or in another encoding.
    """
    stream = Unpacked(open_raw(file), file)
    try:
        head = stream.peek(signatures.HEAD_BYTES)
        other_format = signatures.binary_format(head)
        if other_format:
            raise CorruptFileError(f"{file}: not readable as {form}: found {other_format}")

        encoding = encoding or encoding_of(head)
        if encoding is None and signatures.holds_wide_text(head):
            raise CorruptFileError(
                f"{file}: not readable as {form}: full of NUL bytes, as UTF-16 is; save it as UTF-8"
                + (", or set inputs.options.encoding to utf-16-le" if form == "CSV" else "")
            )
    except BaseException:
        stream.close()
        raise
    return Transcoded(stream, encoding) if encoding else stream


@contextlib.contextmanager
def naming(file: str, form: str) -> Iterator[None]:
    """Turns errors of libraries about the content of `file` into ours, which name it."""
    try:
        yield
    except FileNotFoundError as error:
        raise MissingFileError(f"{file}: no such file, though it was there when the inputs were listed") from error
    except PermissionError as error:
        raise MissingFileError(f"{file}: cannot be opened: {error.strerror}") from error
    except (pa.ArrowException, OSError, EOFError, UnicodeError) as error:
        raise CorruptFileError(f"{file}: not readable as {form}: {error}") from error
