"""What is printed one below the other: sections of sentences and grids, for a terminal or as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from rich.console import Console
from rich.text import Text

from assay.report.grids.folding import folded
from assay.report.grids.formats import as_markdown
from assay.report.grids.grid import Grid
from assay.report.grids.layout import cut
from assay.report.grids.markdown_table import escaped
from assay.report.grids.terminal_text import table_text
from assay.text.printable import printable_line


class Sentence(NamedTuple):
    """A line of text, and its colour on a terminal."""

    text: str
    colour: str = ""


Section: TypeAlias = "list[Sentence | Grid]"
"""What belongs together; an empty line comes before it, and before each further grid."""

Fit: TypeAlias = Callable[[Grid, int], "list[Grid]"]
"""A grid, and how many of its first columns to keep -> grids that fit; the first has the columns to show first."""


def to_width(width: int) -> Fit:
    """Fits grids to a terminal."""
    return lambda grid, keep: cut(grid, width, keep)


def unlimited(grid: Grid, keep: int) -> list[Grid]:
    """Leaves grids as they are, for a file."""
    return [grid]


def for_terminal(sections: Sequence[Section], console: Console) -> Iterator[Text]:
    """The texts to print, each with its end of line."""
    for section in sections:
        for at, block in enumerate(section):
            if at == 0 or isinstance(block, Grid):
                yield Text()
            if isinstance(block, Grid):
                yield table_text(block, console)
            else:
                lines = folded(printable_line(block.text), console.width)
                yield from (Text(line, block.colour) for line in lines)


def for_markdown(sections: Sequence[Section]) -> str:
    """The same as Markdown, each sentence a paragraph."""
    blocks = [block for section in sections for block in section]
    return "\n".join(as_markdown(b) if isinstance(b, Grid) else f"{escaped(b.text)}\n" for b in blocks)
