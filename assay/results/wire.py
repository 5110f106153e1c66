"""Protobuf's wire format for many messages of one size at once, by numpy: written, and read again.

A message is given as parts: bytes that all rows share, and arrays that hold one item for each row, whose memory is the
wire format itself (a little-endian double, or a `void` block that `pack` made). Results have hundreds of megabytes of
plots; this encodes them at the speed of memory, where message objects would take milliseconds for each slice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Part: TypeAlias = "bytes | npt.NDArray[Any]"
Blocks: TypeAlias = npt.NDArray[np.void]

Path: TypeAlias = tuple[int, ...]
"""The numbers of the fields that lead to a value."""

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5


def varint(value: int) -> bytes:
    """A non-negative integer, seven bits a byte."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The integer that starts at a position, and the position behind it."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at


def integer(number: int, value: int) -> bytes:
    """Field `number` with a non-negative integer."""
    return varint(number << 3 | _VARINT) + varint(value)


def integers(number: int, values: npt.NDArray[np.int64]) -> tuple[Part, ...]:
    """Field `number` with an integer for each row, below 2^35: in five bytes each, which readers take as any others."""
    shifted = values[:, None] >> 7 * np.arange(5)
    bytes_of = (shifted & 0x7F | np.where(np.arange(5) < 4, 0x80, 0)).astype(np.uint8)
    return varint(number << 3 | _VARINT), per_row(bytes_of)


def double(number: int, values: npt.NDArray[np.float64]) -> tuple[Part, ...]:
    """Field `number` with a double for each row."""
    return varint(number << 3 | _FIXED64), np.asarray(values, "<f8")


def message(number: int, *parts: Part) -> tuple[Part, ...]:
    """Field `number` with the message (or packed numbers, or bytes) that `parts` make up."""
    size = sum(len(part) if isinstance(part, bytes) else part.dtype.itemsize for part in parts)
    return varint(number << 3 | _LENGTH) + varint(size), *parts


def pack(shape: tuple[int, ...], parts: tuple[Part, ...]) -> Blocks:
    """Joins the parts of each row; arrays are broadcast to `shape`, the shape of the result."""
    filled = [part for part in parts if isinstance(part, np.ndarray) or part]
    kinds = [f"V{len(part)}" if isinstance(part, bytes) else part.dtype for part in filled]
    rows = np.empty(shape, [(f"f{i}", kind) for i, kind in enumerate(kinds)])
    for i, part in enumerate(filled):
        rows[f"f{i}"] = np.void(part) if isinstance(part, bytes) else part
    return rows.view(f"V{rows.dtype.itemsize}")


def per_row(items: npt.NDArray[Any]) -> Part:
    """Items (n, ...) as one block for each of the n rows."""
    width = items.dtype.itemsize * int(np.prod(items.shape[1:]))
    if not width:
        return b""
    return np.ascontiguousarray(items).reshape(-1).view(f"V{width}")


# Reading --------------------------------------------------------------------------------------------------------------


def fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of the fields of a message that have a length: texts and messages."""
    for number, kind, start, end in _places(data, 0, len(data)):
        if kind == _LENGTH:
            yield number, data[start:end]


def doubles_in(data: bytes, paths: Sequence[Path]) -> npt.NDArray[np.float64] | None:
    """Doubles of messages of one size, which are field 1 of a message, again and again, and nothing else is.

    Args:
        data: of the message around them.
        paths: of m doubles within each of them.

    Returns:
        (m, n) for n messages; None if they differ in their size or fields, as where zeros were left out.
    """
    if not data or data[:1] != varint(1 << 3 | _LENGTH):
        return np.zeros((len(paths), 0)) if not data else None
    size, begin = read_varint(data, 1)
    at = dict(_doubles(data, begin, begin + size, ()))
    if len(data) % (begin + size) or not all(path in at for path in paths):
        return None

    # All bytes that are no part of a double are the same in each message.
    rows = np.frombuffer(data, np.uint8).reshape(-1, begin + size)
    is_fixed = np.ones(begin + size, bool)
    for start in at.values():
        is_fixed[start : start + 8] = False
    if (rows[:, is_fixed] != rows[0, is_fixed]).any():
        return None
    return np.stack([np.ascontiguousarray(rows[:, at[path] : at[path] + 8]).view("<f8")[:, 0] for path in paths])


def _doubles(data: bytes, start: int, end: int, above: Path) -> Iterator[tuple[Path, int]]:
    """Path and position of the doubles of a message, and of the messages in it."""
    for number, kind, first, last in _places(data, start, end):
        if kind == _FIXED64:
            yield (*above, number), first
        elif kind == _LENGTH:
            yield from _doubles(data, first, last, (*above, number))


def _places(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Number, kind, start and end of the fields of a message.

    Raises:
        ValueError: it is damaged.
    """
    while at < end:
        tag, at = read_varint(data, at)
        number, kind = tag >> 3, tag & 7
        start = at
        if kind == _VARINT:
            _, at = read_varint(data, at)
        elif kind == _LENGTH:
            size, start = read_varint(data, at)
            at = start + size
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"field {number}: kind {kind} is not known")
        if at > end:
            raise ValueError(f"field {number}: expected its end at {end}, found {at}")
        yield number, kind, start, at
