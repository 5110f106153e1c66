"""JSON values of a config -> settings of metrics. Each function raises ValueError that says what it expected."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any


def integer(value: Any) -> int:
    """3 and 3.0, but not 3.5 or true."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not float(value).is_integer():
        raise ValueError(f"expected a whole number, found {value!r}")
    return int(value)


def number(value: Any) -> float:
    """Any number but NaN."""
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise ValueError(f"expected a number, found {value!r}")
    return float(value)


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, found {value!r}")
    return value


def text(value: Any) -> str:
    """Text."""
    if not isinstance(value, str):
        raise ValueError(f"expected text, found {value!r}")
    return value


def share(value: Any) -> float:
    """A number in [0, 1]."""
    if not 0 <= number(value) <= 1:
        raise ValueError(f"expected a number from 0 to 1, found {value!r}")
    return float(value)


def shares(value: Any) -> float | tuple[float, ...]:
    """A number in [0, 1], or a list of them."""
    return many(share)(value) if isinstance(value, list) else share(value)


def many(one: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    """A list of what `one` takes; a single value is a list of one."""

    def convert(value: Any) -> tuple[Any, ...]:
        if value == []:
            raise ValueError("expected at least one value, found an empty list")
        return tuple(one(v) for v in value) if isinstance(value, list) else (one(value),)

    return convert


def one_of(*words: str) -> Callable[[Any], str]:
    """One of the words, whatever the case."""

    def convert(value: Any) -> str:
        known = next((word for word in words if word.lower() == str(value).lower()), None)
        if known is None:
            raise ValueError(f"expected one of {', '.join(map(repr, words))}, found {value!r}")
        return known

    return convert


OF_TYPE: Mapping[str, Callable[[Any], Any]] = {
    "int": integer,
    "int | None": integer,
    "float": number,
    "bool": flag,
    "str": text,
    "tuple[int, ...]": many(integer),
    "tuple[float, ...]": many(number),
    "tuple[str, ...]": many(text),
}
"""The annotation of a computation's field -> how its value is read."""
