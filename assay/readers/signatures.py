"""What a file is, told from its first bytes and not from its name."""

from __future__ import annotations

import re
from itertools import chain

HEAD_BYTES = 512

_COMPRESSED = {
    "gzip": rb"\x1f\x8b\x08",
    "bz2": rb"BZh[1-9](1AY&SY|\x17rE8P\x90)",
    "zstd": rb"\x28\xb5\x2f\xfd",
    "lz4": rb"\x04\x22\x4d\x18",
    "xz": rb"\xfd7zXZ\x00",
    "zip": rb"PK(\x03\x04|\x05\x06)",
}
"""Compression that can be unpacked -> what the first bytes match."""

_BINARY = {
    b"SQLite format 3\0": "an SQLite database",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
    b"\x93NUMPY": "a numpy file",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an Excel workbook",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"\x1f\x9d": "compressed by compress (.Z)",
    b"\xff\x06\0\0sNaPpY": "compressed by snappy",
    b"\x80\x04\x95": "a Python pickle",
    b"\x80\x05\x95": "a Python pickle",
}
_WORDS = {
    b"PAR1": "a Parquet file; set format: parquet",
    b"PARE": "an encrypted Parquet file",
    b"ARROW1": "an Arrow or Feather file",
    b"Obj\x01": "an Avro file",
    b"ORC": "an ORC file",
    b"Rar!": "a RAR archive",
}
"""A column of a text file may have such a name, so a byte that is in no text must follow at once."""

_NO_TEXT = re.compile(rb".{0,3}[\0\x03-\x08\x10-\x1a]", re.DOTALL)
"""A text may have line ends, tabs, escapes, and the bytes with which Hive separates values (1, 2, 28 to 31)."""

_TEXT = {
    b"<!doctype html": "an HTML page; is it an error or a login page in place of the file?",
    b"<html": "an HTML page; is it an error or a login page in place of the file?",
    b"<?xml": "an XML file",
    b"version https://git-lfs.github.com/spec/": "a pointer of Git LFS; fetch the file with `git lfs pull`",
}
_PDF = re.compile(rb"%PDF-\d\.\d\s*[\r\n]")
_SCALAR = rb'(?:-?\d[\d.eE+-]*|true|false|null|"(?:[^"\\]|\\.)*")'
_LIST_END = rb"(?:\]\s*(?:\n|\Z)|(?:,[^,\]\n]*)?\Z)"
_ARRAY = re.compile(
    rb'\s*\[\s*(?:\[|\{\s*["}]|\]|' + _SCALAR + rb"\s*(?:,\s*" + _SCALAR + rb"\s*)*" + _LIST_END + rb")"
)
"""A list of numbers or texts must end with its line, or go on to the end of the head: `[2019],[2020]` is a header."""

_SPREAD_OBJECT = re.compile(rb"\s*\{\s*\n\s*\"")
_OBJECT = re.compile(rb"\s*\{\s*[\"}]")


def compression_of(head: bytes) -> str | None:
    """How a file that starts with these bytes is compressed; None if it is not, or in a way that cannot be unpacked."""
    return next((name for name, magic in _COMPRESSED.items() if re.match(magic, head, re.DOTALL)), None)


def binary_format(head: bytes) -> str | None:
    """What a file that starts with these bytes is, in words that follow "found"; None if it may be plain text."""
    compression = compression_of(head)
    if compression is not None:
        return "a zip archive" if compression == "zip" else f"compressed by {compression}"
    if _PDF.match(head):
        return "a PDF"
    if head[257:262] == b"ustar" and b"\0" in head[:257]:
        return "a tar archive"

    starts = (name for start, name in _BINARY.items() if head.startswith(start))
    words = (name for word, name in _WORDS.items() if head.startswith(word) and _NO_TEXT.match(head, len(word)))
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    texts = (name for start, name in _TEXT.items() if text.startswith(start))
    return next(chain(starts, words, texts), None)


def is_json_array(head: bytes) -> bool:
    """Whether the text starts as a JSON array does, rather than as a table or as JSON lines."""
    return bool(_ARRAY.match(head))


def is_spread_json(head: bytes) -> bool:
    """Whether the text starts with a JSON object that spans several lines."""
    return bool(_SPREAD_OBJECT.match(head))


def is_json(head: bytes) -> bool:
    """Whether the text starts as a JSON object does."""
    return bool(_OBJECT.match(head))


def text_format(head: bytes) -> str:
    """Which format text that starts with these bytes is in, with what to set, in words that follow "found"."""
    if is_json_array(head):
        return "a JSON array; write one object a line, and set format: jsonl"
    return "JSON lines; set format: jsonl" if is_json(head) else "text; if it is CSV, set format: csv"


def holds_wide_text(head: bytes) -> bool:
    """Whether so many bytes are NUL that this must be UTF-16 or UTF-32 without a byte order mark."""
    return head.count(b"\0") * 4 >= len(head) > 1
