"""Tables of the page."""

from __future__ import annotations

from collections.abc import Sequence

from assay.report.cells import FAILS, WORSE
from assay.report.markup import Child, Markup, element

_MARKS = {FAILS: "fails", WORSE: "worse"}


def table(heads: Sequence[str], rows: Sequence[Sequence[Child]], words: Sequence[int] = ()) -> Markup:
    """A table that scrolls by itself; the first column names the rows, columns `words` hold sentences."""
    classes = ["first", *("words" if i in words else None for i in range(1, len(heads)))]
    head = element("tr", *(element("th", text, class_=c, scope="col") for text, c in zip(heads, classes, strict=True)))
    lines = [
        element("tr", row_head(row[0]), *(cell(text, c) for text, c in zip(row[1:], classes[1:], strict=True)))
        for row in rows
    ]
    return scrolling(element("table", element("thead", head), element("tbody", *lines)), heads[0])


def scrolling(content: Markup, what: str) -> Markup:
    """A box in which the content scrolls, also by keyboard."""
    return element("div", content, class_="scroll", tabindex=0, role="region", aria_label=f"Table: {what}")


def row_head(text: Child) -> Markup:
    """The first cell of a row, which names it."""
    return element("th", element("bdi", text), class_="first", scope="row")


def cell(text: Child, class_: str | None = None) -> Markup:
    """Any other cell, coloured by the mark at its end."""
    marked = _MARKS.get(str(text)[-1:])
    return element("td", text, class_=" ".join(filter(None, (class_, marked))) or None)
