"""Zip archives in memory, among them such as say of a member that it is smaller or larger than it is."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping

NO_CLAIMS: Mapping[str, int] = {}


def zip_of(
    members: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED, claims: Mapping[str, int] = NO_CLAIMS
) -> bytes:
    """An archive.

    Args:
        members: name -> content.
        method: how they are compressed.
        claims: name -> size that the directory of the archive says, with the checksum of as many bytes.
    """
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        for name, size in claims.items():
            archive.getinfo(name).file_size = size
            archive.getinfo(name).CRC = zlib.crc32(members[name][:size])
    return file.getvalue()
