"""Values and comments of YAML, whatever characters are in them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from assay.text.printable import shortened

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[ ./-]+[A-Za-z0-9_*]+)*")
_MEANS_MORE = frozenset({"null", "true", "false", "yes", "no", "y", "n", "on", "off"})
_LONGEST_COMMENT = 400


def text(value: str) -> str:
    """A text as a value, which means nothing but itself: `${` is no parameter."""
    escaped = value.replace("${", "$${")
    if _PLAIN.fullmatch(escaped) and escaped.casefold() not in _MEANS_MORE:
        return escaped
    return f'"{"".join(map(_character, escaped))}"'


def _character(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def flow(value: Any) -> str:
    """A value on one line: mappings and lists in brackets."""
    if isinstance(value, Mapping):
        return (
            f"{{{', '.join(f'{key if isinstance(key, int) else text(key)}: {flow(of)}' for key, of in value.items())}}}"
        )
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Sequence):
        return f"[{', '.join(map(flow, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def comment(words: str) -> str:
    """Words that stand in a comment, on one line."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in " ".join(words.split()))
    return shortened(shown, _LONGEST_COMMENT)


def number(value: float) -> str:
    """A number for people: four digits that count, or all before the point."""
    if not math.isfinite(value) or value == 0:
        return f"{value:g}"
    digits = 3 - math.floor(math.log10(abs(value)))
    return f"{value:,.{max(0, digits)}f}" if -4 < digits < 8 else f"{value:.3g}"
