"""TFRecord framing: how records lie in a file, with checksums (CRC-32C, masked)."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from functools import lru_cache
from typing import BinaryIO

import google_crc32c

from assay.bounds import MB, Bound
from assay.errors import CorruptFileError

_LENGTH = struct.Struct("<Q")
_CHECKSUM = struct.Struct("<I")
_HEADER = struct.Struct("<QI")
"""What stands before a record: its length and the checksum of that."""

_FRAME_BYTES = _HEADER.size + _CHECKSUM.size

_BLOCK_BYTES = 1 << 20


def framed(record: bytes) -> bytes:
    """A record with its length and checksums around it."""
    length = _LENGTH.pack(len(record))
    return b"".join((length, _CHECKSUM.pack(_masked_crc(length)), record, _CHECKSUM.pack(_masked_crc(record))))


def starts_frame(head: bytes) -> bool:
    """Whether the first 12 bytes are a length and its checksum, as at the start of a file of records."""
    return _length(head[: _HEADER.size]) is not None


def unframed(stream: BinaryIO, name: str, most: Bound | None = None, row: int = 0) -> Iterator[bytes]:
    """Yields the records of an uncompressed file.

    Args:
        stream: the file.
        name: its name, for errors.
        most: megabytes of a record; None for as many as there are.
        row: number of the first record, for errors.

    Raises:
        CorruptFileError: the file is cut off, a checksum is wrong, a record is too long, or it is no TFRecord file.
    """
    longest = math.inf if most is None else most.value * MB
    block, start = b"", 0
    while True:
        if len(block) - start < _HEADER.size:
            block, start = _more(stream, block[start:], _HEADER.size), 0
        if start == len(block):
            return

        header = block[start : start + _HEADER.size]
        length = _length(header)
        if length is None or length > longest:
            raise _wrong_header(header, name, row, most)

        end = start + length + _FRAME_BYTES
        if end > len(block):
            block, start, end = _more(stream, block[start:], end - start), 0, end - start
        record = block[start + _HEADER.size : end - _CHECKSUM.size]
        if end > len(block):
            raise _cut_off(name, row, end - len(block), end)
        if _CHECKSUM.unpack_from(block, end - _CHECKSUM.size)[0] != _masked_crc(record):
            raise _corrupted(name, row)
        start, row = end, row + 1
        yield record


def skip_frames(stream: BinaryIO, at: int, target: int) -> tuple[int, int]:
    """Goes from one record to the next by their lengths.

    Args:
        stream: an uncompressed file.
        at: byte where a record begins.
        target: byte to reach.

    Returns:
        The byte where the first record at or behind `target` begins, and how many begin before it. The end of the file
        if there is none, or if a length before it is damaged.
    """
    skipped = 0
    size = stream.seek(0, os.SEEK_END)
    while at < min(target, size):
        stream.seek(at)
        block, start = stream.read(_BLOCK_BYTES), 0
        while at + start < target and (length := _length(block[start : start + _HEADER.size])) is not None:
            start += length + _FRAME_BYTES
            skipped += 1
        if not start:
            return size, skipped
        at += start
    return min(at, size), skipped


def _more(stream: BinaryIO, rest: bytes, size: int) -> bytes:
    """`rest` and the blocks after it up to `size` bytes, without room for them before they come: a length may lie."""
    blocks = [rest]
    size -= len(rest)
    while size > 0 and (block := stream.read(_BLOCK_BYTES)):
        blocks.append(block)
        size -= len(block)
    return b"".join(blocks)


@lru_cache(maxsize=4096)
def _length(header: bytes) -> int | None:
    """The bytes of the record after a header, None if it is damaged; remembered, since few lengths occur in a file."""
    if len(header) < _HEADER.size:
        return None
    length, checksum = _HEADER.unpack(header)
    return length if checksum == _masked_crc(header[: _LENGTH.size]) else None


def _wrong_header(header: bytes, name: str, row: int, most: Bound | None) -> CorruptFileError:
    if len(header) < _HEADER.size:
        return CorruptFileError(
            f"{name}: truncated; after the last whole record stand {len(header)} more bytes; write the file again"
        )
    length = _length(header)
    if length is None:
        return _corrupted(name, row)
    return CorruptFileError(f"{name}, row {row}: a record of {length:,} bytes; expected at most {most}")


def _cut_off(name: str, row: int, missing: int, size: int) -> CorruptFileError:
    return CorruptFileError(
        f"{name}, row {row}: truncated; {missing} of the {size} bytes of the record are missing; write the file again"
    )


def _corrupted(name: str, row: int) -> CorruptFileError:
    return CorruptFileError(
        f"{name}: not readable as TFRecord: corrupted record {row}: its checksum is wrong; fix the file"
    )


def _masked_crc(content: bytes) -> int:
    crc: int = google_crc32c.value(content)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
