"""Text from data, and grids, for a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from assay.report.grids.grid import Grid
from assay.report.grids.layout import GAP, Part, lines_of
from assay.text.printable import printable_line

_STYLES = {Part.HEAD: "bold", Part.RULE: "dim", Part.ROW: ""}


def harmless(text: str, style: str = "") -> Text:
    """A text on one line, in which nothing acts on the terminal, or is read as a style."""
    return Text(printable_line(text), style=style)


def table_text(grid: Grid, console: Console) -> Text:
    """A grid as a table as wide as the console: with colours on a terminal; elsewhere plain, its rule in ASCII."""
    table = Text(no_wrap=True)
    for line in lines_of(grid, console.width, rule="─" if console.is_terminal else "-"):
        cells = [Text(text, style) for text, style in zip(line.cells, line.colours, strict=True)]
        whole = Text(GAP).join(cells)
        whole.rstrip()
        whole.stylize(_STYLES[line.part])
        table.append_text(whole).append("\n")
    table.right_crop(1)
    return table
