"""A table as data: columns and rows of plain values, however they are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from assay.results.labels import change_text, number_text
from assay.text.printable import printable_line

Value: TypeAlias = str | float | bool | None
"""Of a cell: a text, a number (NaN is undefined), yes or no; None where there is nothing."""

Kind: TypeAlias = Literal["text", "number", "change"]

NOTHING = "-"


@dataclass(frozen=True)
class Column:
    """A column of a grid.

    Attributes:
        name: its head, which is also its name in CSV and JSON.
        kind: "text" stands to the left and is folded where there is little room; "number" stands to the right; a
            "change" is a number that always has its sign. A cell of any kind may be a text, which is shown as it is.
        colours: how a text begins -> its colour on a terminal.
        follows: whether it stays beside the column before it where a grid is cut to the width of a terminal.
    """

    name: str
    kind: Kind = "text"
    colours: Mapping[str, str] = field(default_factory=dict)
    follows: bool = False

    @property
    def head(self) -> str:
        """The name for people, on one line."""
        return printable_line(self.name)

    def colour(self, text: str) -> str:
        """The colour of a cell with this text; "" for none."""
        return next((colour for start, colour in self.colours.items() if text.startswith(start)), "")

    def text(self, value: Value) -> str:
        """A value of this column for people, on one line."""
        if value is None:
            return NOTHING
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, str):
            return printable_line(value)
        return change_text(value) if self.kind == "change" else number_text(value)


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes:
        columns: from left to right.
        rows: each has a value for every column.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]]

    def texts(self) -> list[list[str]]:
        """The rows for people."""
        return [[column.text(value) for column, value in zip(self.columns, row, strict=True)] for row in self.rows]

    def part(self, at: Sequence[int]) -> Grid:
        """The grid of some of the columns, by their positions."""
        return Grid([self.columns[i] for i in at], [[row[i] for i in at] for row in self.rows])
