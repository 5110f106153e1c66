"""Tables of the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from assay.report.html.markup import Child, Markup, element
from assay.report.marks import FAILS, WORSE

if TYPE_CHECKING:
    from assay.report.cells import ValueCell

_MARKS = {FAILS: "fails", WORSE: "worse"}


def table(name: str, heads: Sequence[Child], rows: Sequence[Sequence[Child]], words: Sequence[int] = ()) -> Markup:
    """A table that scrolls by itself, and that screen readers know by its name.

    The first column names the rows, columns `words` hold sentences. A cell that is `Markup` is a whole one.
    """
    classes = ["first", *("words" if i in words else None for i in range(1, len(heads)))]
    head = element("tr", *(element("th", text, class_=c, scope="col") for text, c in zip(heads, classes, strict=True)))
    lines = [
        element("tr", row_head(row[0]), *(_cell(text, c) for text, c in zip(row[1:], classes[1:], strict=True)))
        for row in rows
    ]
    return scrolling(element("table", element("thead", head), element("tbody", *lines)), name)


def scrolling(content: Markup, what: str) -> Markup:
    """A box in which the content scrolls, also by keyboard."""
    return element("div", content, class_="scroll", tabindex=0, role="region", aria_label=f"Table: {what}")


def row_head(text: Child) -> Markup:
    """The first cell of a row, which names it."""
    return element("th", element("bdi", text), class_="first", scope="row")


def value_cell(value: ValueCell | None, class_: str | None = None) -> Markup:
    """A cell with a value, its mark, and below them the interval in small letters; empty without a value."""
    if value is None:
        return element("td", class_=class_)
    classes = " ".join(filter(None, (class_, _MARKS.get(value.mark))))
    interval = element("small", f" {value.interval}") if value.interval else None
    return element("td", f"{value.text} {value.mark}".rstrip(), interval, class_=classes or None)


def _cell(content: Child, class_: str | None) -> Markup:
    if isinstance(content, Markup):
        return content
    marked = _MARKS.get(str(content)[-1:])
    return element("td", content, class_=" ".join(filter(None, (class_, marked))) or None)
