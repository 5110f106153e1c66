"""Fits a grid to the width of a terminal: which columns have room, how wide they are, and what stands on each line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from itertools import zip_longest
from typing import NamedTuple

from rich.cells import cell_len

from assay.report.grids.folding import folded, widest_piece
from assay.report.grids.grid import Column, Grid

GAP = "  "
_LEAST_TEXT, _MOST_UNBROKEN = 10, 40
"""Of a column of texts: its least width, and the most for the sake of one long word."""

_LEAST_NAME = 28
"""Of the first column, which names the rows, where one more column could stand beside it."""


class Part(Enum):
    """What a line of a table belongs to."""

    HEAD = "head"
    RULE = "rule"
    ROW = "row"


class Line(NamedTuple):
    """A line of a table.

    Attributes:
        part: what it belongs to.
        cells: one for each column, filled with blanks.
        colours: one for each cell; "" for none.
    """

    part: Part
    cells: list[str]
    colours: list[str]


class _Room(NamedTuple):
    """The widths that a column may have."""

    least: int
    most: int


def cut(grid: Grid, width: int, keep: int = 1) -> list[Grid]:
    """Cuts a grid into as many grids as it takes for each to be no wider than a terminal.

    Args:
        grid: to be cut between its columns, but not before one that `follows`.
        width: of the terminal, in cells.
        keep: so many first columns stand in every grid, and at least one more does, whether it fits or not.
    """
    rooms = _rooms(grid)
    names = [min(room.most, _LEAST_NAME) if i == 0 else 0 for i, room in enumerate(rooms)]
    parts: list[list[int]] = []
    for group in _groups(grid.columns, keep):
        whole = [*range(keep), *(parts[-1] if parts else ()), *group]
        if parts and _sum([max(rooms[i].least, names[i]) for i in whole]) <= width:
            parts[-1] += group
        else:
            parts.append(list(group))
    return [grid.part([*range(keep), *part]) for part in parts] or [grid]


def lines_of(grid: Grid, width: int, rule: str) -> Iterator[Line]:
    """The lines of a table: heads, a rule below them, rows.

    Args:
        grid: whatever its width; what is wider than the terminal is not cut off.
        width: of the terminal, in cells.
        rule: the character of the rule.
    """
    columns, widths = grid.columns, _widths(grid, width)
    plain = [""] * len(columns)
    heads = [folded(column.head, size) for column, size in zip(columns, widths, strict=True)]
    tallest = max(map(len, heads), default=0)
    for cells in _beside([[""] * (tallest - len(lines)) + lines for lines in heads], columns, widths):
        yield Line(Part.HEAD, cells, plain)
    yield Line(Part.RULE, [rule * size for size in widths], plain)

    for texts in grid.texts():
        colours = [column.colour(text) for column, text in zip(columns, texts, strict=True)]
        for cells in _beside(map(folded, texts, widths), columns, widths):
            yield Line(Part.ROW, cells, colours)


def _groups(columns: Sequence[Column], keep: int) -> list[list[int]]:
    """Positions of columns behind the first ones, those together that stay beside each other."""
    groups: list[list[int]] = []
    for i in range(keep, len(columns)):
        if groups and columns[i].follows:
            groups[-1].append(i)
        else:
            groups.append([i])
    return groups


def _rooms(grid: Grid) -> list[_Room]:
    texts = grid.texts()
    return [_room(column, [row[i] for row in texts]) for i, column in enumerate(grid.columns)]


def _room(column: Column, texts: Sequence[str]) -> _Room:
    """A number is never folded, unlike its head."""
    longest = max(map(cell_len, texts), default=0)
    head, most = widest_piece(column.head), max(longest, cell_len(column.head))
    if column.kind != "text":
        return _Room(max(longest, head), most)
    unbroken = min(max(map(widest_piece, texts), default=0), _MOST_UNBROKEN)
    return _Room(min(most, max(unbroken, head, _LEAST_TEXT)), most)


def _widths(grid: Grid, width: int) -> list[int]:
    """Takes room from heads of numbers first, then from texts, always from the widest."""
    rooms = _rooms(grid)
    widths = [room.most for room in rooms]
    for kinds in (("number", "change"), ("text",)):
        loose = [i for i, column in enumerate(grid.columns) if column.kind in kinds]
        while _sum(widths) > width and (loose := [i for i in loose if widths[i] > rooms[i].least]):
            widths[max(loose, key=widths.__getitem__)] -= 1
    return [max(size, 1) for size in widths]


def _sum(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _beside(folds: Iterable[Sequence[str]], columns: Sequence[Column], widths: Sequence[int]) -> Iterator[list[str]]:
    """The lines of cells that stand beside each other, and have any number of lines each."""
    for line in zip_longest(*folds, fillvalue=""):
        yield [_filled(text, column, size) for text, column, size in zip(line, columns, widths, strict=True)]


def _filled(text: str, column: Column, width: int) -> str:
    blanks = " " * max(width - cell_len(text), 0)
    return text + blanks if column.kind == "text" else blanks + text
