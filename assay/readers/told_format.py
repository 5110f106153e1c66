"""Which format a file has, told from its first bytes."""

from __future__ import annotations

from assay.errors import CorruptFileError
from assay.readers import files, signatures
from assay.readers.unpacking import Unpacked, encoding_of
from assay.storage.framing import starts_frame

_EXPECTED = "expected Parquet, CSV, JSON lines or TFRecord"


def told_format(file: str) -> str:
    """Returns "parquet", "tfrecord", "jsonl" or "csv", which is whatever text is no JSON.

    Raises:
        CorruptFileError: an empty file, or one of another format.
        MissingFileError: it cannot be opened.
    """
    with files.naming(file, "a table"):
        head = _head(file)
        if head.startswith((b"PAR1", b"PARE")):
            return "parquet"
        if starts_frame(head):  # told from a checksum, before anything that could look like a compressed file
            return "tfrecord"
        with Unpacked(files.open_raw(file), file) as stream:
            head = stream.peek(signatures.HEAD_BYTES)
    if not head:
        raise CorruptFileError(f"{file}: {_EXPECTED}, found 0 bytes")
    return "tfrecord" if starts_frame(head) else _of_text(head, file)


def _head(file: str) -> bytes:
    with files.open_raw(file) as stored:
        return bytes(stored.read(signatures.HEAD_BYTES))


def _of_text(head: bytes, file: str) -> str:
    other = signatures.binary_format(head)
    if other:
        raise CorruptFileError(f"{file}: {_EXPECTED}, found {other}")
    encoding = encoding_of(head)
    text = head.decode(encoding, "ignore").encode() if encoding else head
    return "jsonl" if signatures.is_json(text) or signatures.is_json_array(text) else "csv"
