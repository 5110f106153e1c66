"""Text from data in tables for a terminal."""

from __future__ import annotations

from rich.text import Text

from assay.text.printable import printable_line


def harmless(text: str, style: str = "") -> Text:
    """A text on one line, in which nothing acts on the terminal, or is read as a style."""
    return Text(printable_line(text), style=style)
