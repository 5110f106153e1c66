"""Text of the data in tables for a terminal."""

from __future__ import annotations

from rich.text import Text

from assay.text.printable import printable_line


def harmless(text: str, style: str = "") -> Text:
    """A text as it is, on one line: nothing in it acts on the terminal, or is taken for a style."""
    return Text(printable_line(text), style=style)
