"""Parses JSON that others may have written, within bounds of size and depth. Standard library only."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

MOST_DEPTH = 100
"""Levels of lists and objects."""

MOST_CHARACTERS = 64 << 20


def loads(
    text: str | bytes,
    *,
    most: int = MOST_CHARACTERS,
    pairs: Callable[[list[tuple[str, Any]]], Any] | None = None,
) -> Any:
    """Parses JSON.

    Args:
        text: the JSON.
        most: largest number of characters or bytes.
        pairs: makes the value of an object, as `object_pairs_hook` of `json.loads`.

    Raises:
        ValueError: not JSON; too long, nested too deep, or a whole number of thousands of digits.
    """
    if len(text) > most:
        raise ValueError(f"expected at most {most:,} characters, found {len(text):,}")
    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_int=whole_number)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    check_depth(value)
    return value


_SURROGATE = re.compile("[\ud800-\udfff]")
TOO_DEEP = f"nested more than {MOST_DEPTH} deep; use fewer levels"
_MOST_DIGITS = 1_000


def whole_number(text: str) -> int:
    """The number that a text of digits stands for.

    Raises:
        ValueError: more digits than a person writes, which would take Python long.
    """
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"expected a number of at most {_MOST_DIGITS:,} digits, found one of {len(text):,}")
    return int(text)


def check_depth(value: Any) -> None:
    """Raises ValueError for lists and mappings that are nested too deep; does not recurse itself."""
    level = [value]
    for _ in range(MOST_DEPTH + 1):
        level = [inner for outer in level for inner in _items(outer) if isinstance(inner, dict | list)]
        if not level:
            return
    raise ValueError(TOO_DEEP)


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def check_texts(value: Any) -> None:
    """Raises ValueError, with the text, if a text or key cannot be written as UTF-8."""
    if isinstance(value, str):
        if _SURROGATE.search(value):
            raise ValueError(f"the text {value[:100]!r} has half of a surrogate pair in it; expected whole characters")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            check_texts(key)
            check_texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            check_texts(inner)
