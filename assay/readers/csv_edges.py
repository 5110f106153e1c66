"""Where rows of a CSV file begin, by the rules of Arrow's parser: line ends in quotes are part of a value."""

from __future__ import annotations

from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from assay.readers.edges import Edge

Positions = npt.NDArray[np.int64]

_BLOCK_BYTES = 1 << 20
_LINE_FEED, _RETURN = b"\n", b"\r"


class Dialect(NamedTuple):
    """What separates values, and what stands around those with line ends; none if nothing does."""

    delimiter: bytes
    quote: bytes


class _State(NamedTuple):
    """What the bytes before a block say about it."""

    line: int
    """Byte of the file where the line at hand began."""
    in_quotes: bool = False
    begins_value: bool = True
    """Whether a quote as the next byte would be before a value, not inside one."""
    after_closing: bool = False
    """Whether the byte before is a quote that ended a value, unless another one follows: both are one quote then."""


def search(stream: BinaryIO, start: Edge, target: int, dialect: Dialect) -> Edge:
    """The first row that begins at byte `target` or later; see `edges.Search`. Empty lines are no rows."""
    if start.at >= target:
        return start
    stream.seek(start.at)
    at, row, state = start.at, start.row, _State(start.at)
    while block := bytes(stream.read(_BLOCK_BYTES)):
        ends, after = _line_ends(block, at, state, dialect)
        begins = ends + 1
        found = int(np.searchsorted(begins, target))
        if found < len(begins):
            return Edge(int(begins[found]), row + _rows(begins[: found + 1], state.line))
        row, at, state = row + _rows(begins, state.line), at + len(block), after
    return Edge(at, row + (at > state.line))


def header(stream: BinaryIO, dialect: Dialect) -> bytes:
    """The bytes up to the end of the first row."""
    edge, following = Edge(0, 0), search(stream, Edge(0, 0), 1, dialect)
    while not following.row and following != edge:  # lines before it may be empty
        edge, following = following, search(stream, following, following.at + 1, dialect)
    stream.seek(0)
    return bytes(stream.read(following.at))


def _rows(begins: Positions, line: int) -> int:
    """How many lines that are not empty end where others begin, the first of which began at `line`."""
    return int(np.count_nonzero(np.diff(begins, prepend=line) > 1))


def _line_ends(block: bytes, at: int, state: _State, dialect: Dialect) -> tuple[Positions, _State]:
    """Bytes of the file that end lines, of a block that begins at byte `at`, and the state behind the block."""
    text = np.frombuffer(block, np.uint8)
    is_end = text == _LINE_FEED[0]
    if _RETURN in block:
        is_end |= text == _RETURN[0]
    ends = np.flatnonzero(is_end)

    turns = _turns(block, text, state, dialect)
    if len(turns) or state.in_quotes:
        ends = ends[(np.searchsorted(turns, ends) + state.in_quotes) % 2 == 0]
    in_quotes = bool((len(turns) + state.in_quotes) % 2)
    after = _State(
        line=at + int(ends[-1]) + 1 if len(ends) else state.line,
        in_quotes=in_quotes,
        begins_value=block[-1:] in _boundaries(dialect),
        after_closing=not in_quotes and len(turns) > 0 and int(turns[-1]) == len(block) - 1,
    )
    return ends + at, after


def _boundaries(dialect: Dialect) -> tuple[bytes, ...]:
    return (dialect.delimiter, _LINE_FEED, _RETURN)


def _turns(block: bytes, text: npt.NDArray[np.uint8], state: _State, dialect: Dialect) -> Positions:
    """Positions of the quotes that open or close a value in quotes; a quote inside a plain value does neither.

    Two quotes for one, inside a value in quotes, close it and open it again.
    """
    if not dialect.quote or dialect.quote not in block:
        return np.zeros(0, np.int64)
    quotes = np.flatnonzero(text == dialect.quote[0])

    # Nearly always each quote turns. Then every other one opens, and stands where one may.
    opens = quotes[int(state.in_quotes) :: 2]
    may_open = np.isin(text[opens - 1], np.frombuffer(b"".join((*_boundaries(dialect), dialect.quote)), np.uint8))
    if len(opens) and opens[0] == 0:
        may_open[0] = state.begins_value or state.after_closing
    if may_open.all():
        return quotes
    return np.array(_turns_one_by_one(block, quotes.tolist(), state, dialect), np.int64)


def _turns_one_by_one(block: bytes, quotes: list[int], state: _State, dialect: Dialect) -> list[int]:
    in_quotes, closed, turns = state.in_quotes, -1 if state.after_closing else None, list[int]()
    for at in quotes:
        begins_value = block[at - 1 : at] in _boundaries(dialect) if at else state.begins_value
        if in_quotes or begins_value or closed == at - 1:
            closed = at if in_quotes else None
            in_quotes = not in_quotes
            turns.append(at)
    return turns
