"""Tables in Markdown, as GitHub knows them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assay.text.printable import printable_line

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "\\": "&#92;"}
_SPECIAL = re.compile(r"[&<>|\\*_`\[\]~#!$]")


def escaped(text: str) -> str:
    """A text on one line without markup for Markdown or HTML; it cannot even end the cell of a table."""
    return _SPECIAL.sub(lambda match: _ENTITIES.get(match[0], f"\\{match[0]}"), printable_line(text).strip())


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], words: Sequence[int] = (0,)) -> str:
    """A table; the columns `words` are set to the left."""
    rule = [":--" if i in words else "--:" for i in range(len(heads))]
    lines = [[escaped(head) for head in heads], rule, *([escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
