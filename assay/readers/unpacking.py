"""Decompression of files, as their first bytes demand, up to a bound; and text in other encodings as UTF-8."""

from __future__ import annotations

import codecs
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from assay import bounds
from assay.engine import progress
from assay.errors import CorruptFileError
from assay.readers import signatures

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""In this order, as the byte order mark of UTF-32 starts with that of UTF-16."""

_PEEK_BYTES = 16
_BLOCK_BYTES = _TOLD_BYTES = 1 << 20


def encoding_of(head: bytes) -> str | None:
    """The encoding of a text by its byte order mark; None without one."""
    return next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)


class Unpacked(io.IOBase):
    """A readable file with the decompressed content of another.

    Args:
        stored: the file as it is stored; it is closed with this one.
        file: its name, for errors.
        plain: whether it is known not to be compressed, whatever its first bytes look like.
    """

    def __init__(self, stored: pa.NativeFile, file: str, *, plain: bool = False) -> None:
        self._stored = self._stream = stored
        self._file = file
        head = stored.read(_PEEK_BYTES)
        stored.seek(0)
        self.compression = None if plain else signatures.compression_of(head)
        self._most = bounds.unpacked(stored.size()) if self.compression else None
        self._read = self._told = 0
        self._held = b""
        with self._blaming():
            self._stream = self._opened()

    def _opened(self) -> Any:
        if self.compression is None:
            return self._stored
        if self.compression == "xz":
            return lzma.open(self._stored)
        if self.compression == "zip":
            return _only_member(self._stored, self._file)
        return pa.CompressedInputStream(self._stored, self.compression)

    def peek(self, size: int) -> bytes:
        """The next bytes, without moving on."""
        while len(self._held) < size and (block := self._next(size - len(self._held))):
            self._held += block
        return self._held[:size]

    def read(self, size: int = -1) -> bytes:
        """As many bytes as asked for; fewer only at the end.

        Raises:
            CorruptFileError: it is damaged or cut off, or unpacks to more than allowed.
        """
        if not self._held:
            return self._next(size)

        # Some bytes were peeked at already.
        if size < 0:
            held, self._held = self._held, b""
            return held + self._next(size)
        held, self._held = self._held[:size], self._held[size:]
        return held if len(held) == size else held + self._next(size - len(held))

    def _next(self, size: int) -> bytes:
        with self._blaming():
            block = bytes(self._stream.read(size))
        self._read += len(block)
        if self._read - self._told >= _TOLD_BYTES:
            self._told = self._read
            progress.read_to(self._file, self._stored.tell())
        if self._most is not None and self._read > self._most:
            raise CorruptFileError(
                f"{self._file}: unpacks to more than {bounds.EXPANSION}, and to more than 1 GB; is it what it should "
                "be?"
            )
        return block

    @contextmanager
    def _blaming(self) -> Iterator[None]:
        """Turns errors of the decompressing library into one that names the file."""
        if self.compression is None:
            yield
            return
        try:
            yield
        except (EOFError, OSError, ValueError, RuntimeError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
            raise CorruptFileError(
                f"{self._file}: damaged or cut off: cannot be decompressed ({self.compression}): {error}"
            ) from error

    def close(self) -> None:
        """Closes the file."""
        super().close()
        self._stream.close()
        self._stored.close()


class Transcoded(io.IOBase):
    """A readable file with a text in UTF-8 that is stored in another encoding.

    Args:
        stored: the file with the text.
        encoding: of the text in it.
    """

    def __init__(self, stored: Any, encoding: str) -> None:
        self._stored = stored
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._left = b""
        self._ended = False

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; none at the end.

        Raises:
            UnicodeDecodeError: the text is in another encoding.
        """
        while not self._left and not self._ended:
            block = self._stored.read(_BLOCK_BYTES)
            self._ended = not block
            self._left = self._decoder.decode(block, final=self._ended).encode()
        taken = len(self._left) if size < 0 else size
        block, self._left = self._left[:taken], self._left[taken:]
        return block

    def close(self) -> None:
        """Closes the file."""
        super().close()
        self._stored.close()


def _only_member(stored: Any, file: str) -> Any:
    archive = zipfile.ZipFile(stored)
    names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
    if "[Content_Types].xml" in names:
        raise CorruptFileError(f"{file}: found an Excel workbook or another Office file; save it as CSV")
    if len(names) != 1:
        raise CorruptFileError(f"{file}: a zip archive of {len(names)} files; expected one file in it: unpack it")
    member = archive.getinfo(names[0])
    if member.flag_bits & 1:
        raise CorruptFileError(f"{file}: a zip archive with a password; unpack it")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others are unpacked as a whole
        raise CorruptFileError(
            f"{file}: a zip archive of method {member.compress_type}; expected deflate, as usual: unpack it"
        )
    return archive.open(member)
