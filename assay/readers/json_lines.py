"""JSON lines as text: which lines there are, and where they begin. Lines of blanks are no rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Protocol

import numpy as np

from assay import bounds
from assay.readers.edges import Edge

_CHUNK_BYTES = 4 << 20


class LongLineError(Exception):
    """A line is longer than allowed."""


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def lines_of(chunk: bytes) -> list[bytes]:
    """The lines of a chunk that are not blank."""
    return [line for line in chunk.split(b"\n") if line.strip()]


def chunks(stream: _Readable) -> Iterator[bytes]:
    """Yields about 4 MB at a time, cut at the end of a line.

    Raises:
        LongLineError: a line is longer than `bounds.ROW`.
    """
    most = bounds.ROW.value * bounds.MB

    held: list[bytes] = []
    size = 0
    while block := stream.read(_CHUNK_BYTES):
        cut = block.rfind(b"\n") + 1
        if cut:
            yield b"".join([*held, block[:cut]])
            held, size = [], 0
        held.append(block[cut:])
        size += len(block) - cut
        if size > most:
            raise LongLineError

    rest = b"".join(held)
    if rest.strip():
        yield rest


def search(stream: BinaryIO, start: Edge, target: int) -> Edge:
    """The first line that begins at byte `target` or later; see `edges.Search`."""
    if start.at >= target:
        return start
    size = stream.seek(0, 2)
    stream.seek(start.at)
    at, row = start
    try:
        for chunk in chunks(stream):
            end = chunk.find(b"\n", max(target - 1 - at, 0)) + 1
            if end:
                return Edge(at + end, row + _rows(chunk[:end]))
            at, row = at + len(chunk), row + _rows(chunk)
    except LongLineError:  # whoever reads it refuses it
        pass
    return Edge(size, row)


def _rows(chunk: bytes) -> int:
    text = np.frombuffer(chunk, np.uint8)
    ends = text == ord("\n")
    may_be_blank = (text[1:] <= ord(" ")) & ends[:-1]
    if may_be_blank.any() or text[0] <= ord(" "):
        return len(lines_of(chunk))
    return int(np.count_nonzero(ends)) + (not ends[-1])
