"""TFRecord framing: how records lie in a file, with checksums (CRC-32C, masked)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

import google_crc32c

from assay.errors import CorruptFileError

_LENGTH = struct.Struct("<Q")
_CHECKSUM = struct.Struct("<I")


def framed(record: bytes) -> bytes:
    """A record with its length and checksums around it."""
    length = _LENGTH.pack(len(record))
    return b"".join((length, _CHECKSUM.pack(_masked_crc(length)), record, _CHECKSUM.pack(_masked_crc(record))))


def unframed(stream: BinaryIO, name: str) -> Iterator[bytes]:
    """Yields the records of an uncompressed file.

    Raises:
        CorruptFileError: the file is cut off, a checksum is wrong, or it is no TFRecord file; the message has `name`.
    """
    position = 0
    while header := stream.read(_LENGTH.size + _CHECKSUM.size):
        length = _checked(header, _LENGTH.size, name, position)
        body = stream.read(_LENGTH.unpack(length)[0] + _CHECKSUM.size)
        record = _checked(body, _LENGTH.unpack(length)[0], name, position)
        position += len(header) + len(body)
        yield record


def _checked(framed_bytes: bytes, size: int, name: str, position: int) -> bytes:
    """The first `size` bytes, if the checksum that follows them is theirs."""
    if len(framed_bytes) != size + _CHECKSUM.size:
        raise CorruptFileError(f"{name}: cut off in the record at byte {position}; write it again")
    content = framed_bytes[:size]
    if _CHECKSUM.unpack_from(framed_bytes, size)[0] != _masked_crc(content):
        raise CorruptFileError(
            f"{name}: wrong checksum in the record at byte {position}; expected an intact TFRecord file"
        )
    return content


def _masked_crc(content: bytes) -> int:
    crc: int = google_crc32c.value(content)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
