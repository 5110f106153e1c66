"""TFRecord framing: how records lie in a file, with checksums (CRC-32C, masked)."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import BinaryIO

import google_crc32c

from assay.bounds import MB, Bound
from assay.errors import CorruptFileError

_LENGTH = struct.Struct("<Q")
_CHECKSUM = struct.Struct("<I")

_FRAME_BYTES = 16
"""What stands around each record: its length (8 bytes) and two checksums (4 each)."""

_BLOCK_BYTES = 1 << 20


def framed(record: bytes) -> bytes:
    """A record with its length and checksums around it."""
    length = _LENGTH.pack(len(record))
    return b"".join((length, _CHECKSUM.pack(_masked_crc(length)), record, _CHECKSUM.pack(_masked_crc(record))))


def starts_frame(head: bytes) -> bool:
    """Whether the first 12 bytes are a length and its checksum, as at the start of a file of records."""
    size = _LENGTH.size
    return len(head) >= size + _CHECKSUM.size and _CHECKSUM.unpack_from(head, size)[0] == _masked_crc(head[:size])


def unframed(stream: BinaryIO, name: str, most: Bound | None = None) -> Iterator[bytes]:
    """Yields the records of an uncompressed file.

    Args:
        stream: the file.
        name: its name, for errors.
        most: megabytes of a record; None for as many as there are.

    Raises:
        CorruptFileError: the file is cut off, a checksum is wrong, a record is too long, or it is no TFRecord file.
    """
    row, longest = 0, _longest(most)
    while header := stream.read(_LENGTH.size + _CHECKSUM.size):
        length = _LENGTH.unpack(_checked(header, _LENGTH.size, name, row))[0]
        if most is not None and length > longest:
            raise _too_long(name, row, length, most)
        body = _read(stream, length + _CHECKSUM.size)
        record = _checked(body, length, name, row)
        row += 1
        yield record


def check_frames(stream: BinaryIO, name: str, most: Bound) -> None:
    """Walks over the frames of an uncompressed file: whoever reads it afterwards can trust the lengths in them.

    Args:
        stream: the file.
        name: its name, for errors.
        most: megabytes of a record.

    Raises:
        CorruptFileError: a record is longer than `most`, or than what is left of the file.
    """
    block, at, row, longest = b"", 0, 0, _longest(most)
    while True:
        if len(block) - at < _FRAME_BYTES:
            block, at = block[at:] + stream.read(_BLOCK_BYTES), 0
            if not block:
                return
            if len(block) < _FRAME_BYTES:
                raise CorruptFileError(f"{name}: truncated; after the last whole record stand {len(block)} more bytes")
        (length,) = _LENGTH.unpack_from(block, at)
        if length > longest:
            _checked(block[at : at + _LENGTH.size + _CHECKSUM.size], _LENGTH.size, name, row)
            raise _too_long(name, row, length, most)
        at += length + _FRAME_BYTES
        while at > len(block):
            at -= len(block)
            block = stream.read(_BLOCK_BYTES)
            if not block:
                raise CorruptFileError(
                    f"{name}, row {row}: truncated; {at} of the {length + _FRAME_BYTES} bytes of the record are missing"
                )
        row += 1


def _longest(most: Bound | None) -> float:
    """Bytes of a record; looked up once for each file."""
    return math.inf if most is None else most.value * MB


def _too_long(name: str, row: int, length: int, most: Bound) -> CorruptFileError:
    return CorruptFileError(f"{name}, row {row}: a record of {length:,} bytes; expected at most {most}")


def _read(stream: BinaryIO, size: int) -> bytes:
    """At most `size` bytes, without room for them all before they are there: a length may be wrong."""
    if size <= _BLOCK_BYTES:
        return stream.read(size)
    blocks = []
    while size and (block := stream.read(min(size, _BLOCK_BYTES))):
        blocks.append(block)
        size -= len(block)
    return b"".join(blocks)


def _checked(framed_bytes: bytes, size: int, name: str, row: int) -> bytes:
    """The first `size` bytes, if the checksum that follows them is theirs."""
    if len(framed_bytes) != size + _CHECKSUM.size:
        raise CorruptFileError(f"{name}, row {row}: cut off within the record; write the file again")
    content = framed_bytes[:size]
    if _CHECKSUM.unpack_from(framed_bytes, size)[0] != _masked_crc(content):
        raise CorruptFileError(
            f"{name}: not readable as TFRecord: corrupted record {row}: its checksum is wrong; mend the file"
        )
    return content


def _masked_crc(content: bytes) -> int:
    crc: int = google_crc32c.value(content)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
