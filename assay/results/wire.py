"""Protobuf's wire format for many messages of one size at once, by numpy.

A message is given as parts: bytes that all rows share, and arrays that hold one item for each row, whose memory is the
wire format itself (a little-endian double, or a `void` block that `pack` made). Results have hundreds of megabytes of
plots; this encodes them at the speed of memory, where message objects would take milliseconds for each slice.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Part: TypeAlias = "bytes | npt.NDArray[Any]"
Blocks: TypeAlias = npt.NDArray[np.void]

_VARINT, _FIXED64, _LENGTH = 0, 1, 2


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
