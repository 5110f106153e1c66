"""What the first bytes of a file say that it is, whatever its name says."""

from __future__ import annotations

import re

HEAD_BYTES = 512

_BINARY = {
    b"PAR1": "a Parquet file (format: parquet)",
    b"PARE": "an encrypted Parquet file",
    b"ARROW1": "an Arrow or Feather file",
    b"Obj\x01": "an Avro file",
    b"SQLite format 3\0": "an SQLite database",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
    b"\x93NUMPY": "a numpy file",
    b"%PDF-": "a PDF",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an Excel workbook",
    b"PK\x03\x04": "a zip archive",
    b"PK\x05\x06": "an empty zip archive",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"\x1f\x8b": "compressed by gzip",
    b"\x1f\x9d": "compressed by compress (.Z)",
    b"\xfd7zXZ\0": "compressed by xz",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"\x04\x22\x4d\x18": "compressed by lz4",
    b"\xff\x06\0\0sNaPpY": "compressed by snappy",
    b"\x80\x04\x95": "a Python pickle",
    b"\x80\x05\x95": "a Python pickle",
}
_TEXT = {
    b"<!doctype html": "an HTML page; is it an error or a login page in place of the file?",
    b"<html": "an HTML page; is it an error or a login page in place of the file?",
    b"<?xml": "an XML file",
    b"version https://git-lfs.github.com/spec/": "a pointer of Git LFS; fetch the file with `git lfs pull`",
}
_BZIP2 = re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)")
_ORC = re.compile(rb"ORC[\0-\x1f]")
_ARRAY = re.compile(rb"\s*\[\s*[\[{\"0-9\]]")
_SPREAD_OBJECT = re.compile(rb"\s*\{\s*\n\s*\"")
_OBJECT = re.compile(rb"\s*\{\s*\"")


def binary_format(head: bytes) -> str | None:
    """What a file is that starts with these bytes, as words behind "found"; None for what may be plain text."""
    if _BZIP2.match(head):
        return "compressed by bzip2"
    if _ORC.match(head):
        return "an ORC file"
    if head[257:262] == b"ustar":
        return "a tar archive"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    known = (name for start, name in _BINARY.items() if head.startswith(start))
    return next(known, next((name for start, name in _TEXT.items() if text.startswith(start)), None))


def is_json_array(head: bytes) -> bool:
    """Whether the text starts as a JSON array does, rather than as a table or as JSON lines."""
    return bool(_ARRAY.match(head))


def is_spread_json(head: bytes) -> bool:
    """Whether the text starts as a JSON object that goes over several lines."""
    return bool(_SPREAD_OBJECT.match(head))


def is_json(head: bytes) -> bool:
    """Whether the text starts as a JSON object does."""
    return bool(_OBJECT.match(head))


def holds_wide_text(head: bytes) -> bool:
    """Whether so many bytes are NUL that this is UTF-16 or UTF-32 without a mark that says so."""
    return head.count(b"\0") * 4 >= len(head) > 1
