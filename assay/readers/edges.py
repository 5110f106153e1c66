"""Pieces of a large file by bytes: a piece has the rows that begin in its range.

Where the first of them begins, and which number it has, is found by a pass over the bytes before it, which is many
times faster than parsing them. So every process finds the same rows, whichever pieces it reads.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO, NamedTuple, TypeAlias, cast

from assay.engine import progress
from assay.readers import files
from assay.readers.source import Split

_TOLD_BYTES = 1 << 20


class Edge(NamedTuple):
    """Where a row begins, or where the file ends."""

    at: int
    """Byte of the file."""
    row: int
    """How many rows begin before it; a header counts as one."""


Search: TypeAlias = Callable[[BinaryIO, Edge, int], Edge]
"""(file, an edge, a byte) -> the first edge at or behind the byte; the file's end if rows before it are damaged.

Whoever reads the piece with the damage reads to the end of the file then, and refuses it.
"""


@dataclass(frozen=True)
class Piece:
    """The rows between two edges.

    Attributes:
        file: path or URI.
        name: what the piece is called where progress is counted.
        start: edge of the first row.
        stop: edge behind the last row.
        head: bytes to read before the first row: the header.
        first_row: number of the first row, without the header.
    """

    file: str
    name: str
    start: Edge
    stop: Edge
    head: bytes = b""
    first_row: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether no row begins in it."""
        return self.start.row == self.stop.row

    def open(self) -> PieceFile:
        """Its bytes as a file."""
        return PieceFile(self)


def piece_of(split: Split, search: Search, dialect: tuple[Any, ...] = ()) -> Piece:
    """The rows that begin in the byte range of a split.

    Args:
        split: a part of a file.
        search: how to find edges in it.
        dialect: what `search` depends on, besides the file.
    """
    (file,), (name,) = split.files, split.names
    first, end = split.span or (0, sum(split.sizes))
    start = _edge(file, first, search, dialect)
    return Piece(file, name, start, _edge(file, end, search, dialect), first_row=start.row)


def _edge(file: str, target: int, search: Search, dialect: tuple[Any, ...]) -> Edge:
    """Goes on from the nearest edge that this process has found before."""
    known = _known(file, files.stamp(file), dialect)
    if target not in known:
        nearest = max(byte for byte in known if byte <= target)
        with files.open_raw(file) as stream:
            known[target] = search(cast(BinaryIO, stream), known[nearest], target)
    return known[target]


@lru_cache(maxsize=64)
def _known(file: str, stamp: str, dialect: tuple[Any, ...]) -> dict[int, Edge]:
    """Byte -> the first edge at or behind it, as far as this process knows; cached by the file's stamp."""
    return {0: Edge(0, 0)}


class PieceFile(io.IOBase):
    """A readable file with the bytes of a piece."""

    def __init__(self, piece: Piece) -> None:
        self._piece, self._head = piece, piece.head
        self._left = piece.stop.at - piece.start.at
        self._told = 0
        self._stored = files.open_raw(piece.file)
        self._stored.seek(piece.start.at)

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; none at the end."""
        if self._head:
            taken = len(self._head) if size < 0 else size
            head, self._head = self._head[:taken], self._head[taken:]
            return head
        block = bytes(self._stored.read(self._left if size < 0 else min(size, self._left)))
        self._left -= len(block)
        self._tell()
        return block

    def _tell(self) -> None:
        size = self._piece.stop.at - self._piece.start.at
        done = size - self._left
        if done - self._told >= _TOLD_BYTES:
            self._told = done
            progress.reached(self._piece.name, done / size)

    def close(self) -> None:
        """Closes the file."""
        super().close()
        self._stored.close()
