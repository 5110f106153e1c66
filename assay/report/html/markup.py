"""HTML that no text in it can break: every text is escaped, unless it is `Markup`."""

from __future__ import annotations

import html
import re

from assay.text.printable import printable

_VOID = {"input", "meta", "wbr"}
_NO_CHARACTERS = re.compile(r"[\ufffe\uffff]")


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = str | int | None
Attribute = str | float | bool | None


def element(tag: str, *children: Child, **attributes: Attribute) -> Markup:
    """`<tag attributes>children</tag>`.

    Args:
        tag: name of the element.
        children: its content; None is left out.
        attributes: `class_` is class, `stroke_width` is stroke-width; True gives an attribute without a value, None and
            False give none.
    """
    start = f"<{tag}{''.join(_attribute(name, value) for name, value in attributes.items())}>"
    return Markup(start if tag in _VOID else f"{start}{joined(*children)}</{tag}>")


def joined(*children: Child) -> Markup:
    """The children, one after the other."""
    return Markup("".join(escaped(child) for child in children if child is not None))


def escaped(child: str | int) -> Markup:
    """A text as HTML. Characters that HTML does not allow are replaced, and those that reverse text are escaped."""
    if isinstance(child, Markup):
        return child
    return Markup(html.escape(_NO_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", printable(str(child)))))


def breakable(name: str) -> Markup:
    """A name that may be broken into lines after its underscores."""
    return Markup(escaped(name).replace("_", "_<wbr>"))


def _attribute(name: str, value: Attribute) -> str:
    name = name.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{escaped(str(value))}"'
