"""TFRecord files whose last record claims another length than it has."""

from __future__ import annotations

import struct

from assay.storage.framing import _masked_crc, framed


def lying(length: int, *before: bytes) -> bytes:
    """Whole records, and one that claims to have `length` bytes, with the right checksum of that claim."""
    header = struct.pack("<Q", length)
    return b"".join(map(framed, before)) + header + struct.pack("<I", _masked_crc(header)) + b"x" * 100
