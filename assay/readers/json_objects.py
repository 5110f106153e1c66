"""JSON lines as text: what is one object, how deep it goes, which keys it has."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay import bounds
from assay.readers.json_lines import lines_of

_NULL_BEHIND = re.compile(rb"}\s*null")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)


def has_one_a_line(chunk: bytes, rows: int) -> bool:
    """Whether the rows of a chunk that was parsed stand one on each of its lines."""
    ends = chunk.count(b"\n")
    if chunk.startswith(b"{") and chunk.count(b"\n{") + 1 == chunk.count(b"}\n") == ends:
        return rows == ends  # without a copy of each line

    # What begins and ends like an object, and goes on to the next line as one, is no JSON.
    lines = [line.strip() for line in lines_of(chunk)]
    return rows == len(lines) and all(line.startswith(b"{") and line.endswith(b"}") for line in lines)


def has_null_row(data: bytes) -> bool:
    """Whether a row may be null instead of an object, which ends Arrow's parser and the process with it."""
    begin_alike = data.startswith(b"{") and data.count(b"\n{") == data.rstrip(b"\n").count(b"\n")
    if begin_alike and not _NULL_BEHIND.search(data):  # nearly always
        return False
    lines = (_STRING.sub(b'""', line).strip() for line in data.split(b"\n") if b"null" in line)
    return any(line.startswith(b"null") or _NULL_BEHIND.search(line) for line in lines)


def goes_deeper(data: bytes, depth: int) -> bool:
    """Whether lists and objects in any of the lines are nested deeper than `depth`."""
    text = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(text == ord("\n"))
    opened = np.flatnonzero((text == ord("[")) | (text == ord("{")))
    counts = np.diff(np.searchsorted(opened, np.concatenate([[0], ends, [len(text)]])))
    if counts.max(initial=0) <= depth:  # nearly always
        return False

    lines = data.split(b"\n")
    return any(_depth(lines[int(i)]) > depth for i in np.flatnonzero(counts > depth))


def _depth(line: bytes) -> int:
    """The most lists and objects that are open at once in a line, strings left out."""
    text = np.frombuffer(_STRING.sub(b"", line), np.uint8)
    opens = (text == ord("[")) | (text == ord("{"))
    closes = (text == ord("]")) | (text == ord("}"))
    return int(np.cumsum(opens.astype(np.int64) - closes).max(initial=0))


def keys_of(lines: Sequence[bytes]) -> list[str]:
    """The keys of the objects on these lines, each once."""
    return list(dict.fromkeys(name for line in lines for name, _ in _pairs(line) or ()))


def only(line: bytes, names: Sequence[str]) -> bytes:
    """A line with the named keys only. One that is no object, or has one of them twice, stays as it is."""
    pairs = _pairs(line)
    if pairs is None:
        return line

    needed = [(name, value) for name, value in pairs if name in names]
    row = dict(needed)
    if len(row) < len(needed):
        return line
    try:
        return json.dumps({name: row[name] for name in names if name in row}).encode()
    except TypeError:  # an inner object has a key twice
        return line


@dataclass(frozen=True)
class _KeyTwice:
    """An object in which a key comes twice: only where nobody needs that key does it have one meaning."""

    pairs: list[tuple[str, Any]]


def _pairs(line: bytes) -> list[tuple[str, Any]] | None:
    """Keys and values of a line; None if it is no object."""
    if _depth(line) > bounds.JSON_DEPTH.value:
        return None
    try:
        row = json.loads(line, object_pairs_hook=_object)
    except ValueError:
        return None
    if isinstance(row, _KeyTwice):
        return row.pairs
    return [*row.items()] if isinstance(row, dict) else None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _KeyTwice:
    row = dict(pairs)
    return row if len(row) == len(pairs) else _KeyTwice(pairs)
