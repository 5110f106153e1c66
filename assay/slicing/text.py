"""A slice as text for people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from assay.errors import ColumnTypeError
from assay.types import MISSING, SliceKey

_UNCLEAR = re.compile(r'["=\x00-\x1f\x7f]|^\s|\s$| vs |\(missing\)')
"""What a name or text in the text of a slice must not have unless it stands in quotes."""


OVERALL_NAME = "overall"
"""Name of the slicing without features."""


def slice_text(key: SliceKey) -> str:
    """A slice key for people: `Overall`, or `sex=Female, race=White`. Two keys never have the same.

    A name or text that could be taken for more than it is stands in quotes, as in JSON: `city=""`, `note="a=1, b=2"`.
    """
    return ", ".join(f"{_name_text(feature)}={_value_text(value)}" for feature, value in key) or "Overall"


def _name_text(feature: str) -> str:
    return _quoted(feature) if _UNCLEAR.search(feature) or "," in feature else feature


def _value_text(value: str | int | float | None) -> str:
    """Without `=` in it no text can be taken for a further feature, so a comma alone is clear: `age=(0, 18]`."""
    if value is None:
        return MISSING
    if isinstance(value, str) and (not value or _UNCLEAR.search(value)):
        return _quoted(value)
    return str(value)


def name_part(feature: str, value: str | None) -> str:
    """One feature in the name of a slicing. Others may follow without `=`, so here a comma in a value is unclear."""
    name = _quoted(feature) if feature in ("", OVERALL_NAME) else _name_text(feature)
    if value is None:
        return name
    return f"{name}={_quoted(value) if ',' in value else _value_text(value)}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def check_apart(keys: Iterable[SliceKey]) -> None:
    """Checks that no two slices of a slicing are told by the same text.

    Raises:
        ColumnTypeError: the number 1 and the text `1`: files, or stages, hold one column as different types.
    """
    seen: dict[str, SliceKey] = {}
    for key in keys:
        other = seen.setdefault(slice_text(key), key)
        for (name, value), (_, other_value) in zip(key, other, strict=True):
            if None not in (value, other_value) and isinstance(value, str) != isinstance(other_value, str):
                raise ColumnTypeError(
                    f"column {name!r} holds {str(value)!r} as text in some rows and as a number in others, so its "
                    "slices could not be told apart; store it as one type in every file, or give its type in "
                    "inputs.options.types (CSV, JSON lines)"
                )


def texts_of(keys: Sequence[SliceKey]) -> list[str]:
    """`slice_text` of each key."""
    return [slice_text(key) for key in keys]
