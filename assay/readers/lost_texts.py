"""Texts of files that say more than the numbers that were read from them, as `07001` does beside 7001.

The type of a column is told from the first rows of the first file; a later row may show that it is no column of
numbers. Slices and samples take the text then (see `TEXTS_KEY`). Who takes the number has to refuse it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from assay.extracts.columns import Column
from assay.slicing.values import still_read_from

LARGEST_OF_FLOATS = 2.0**53
"""Up to here a float can hold every whole number."""

_LEADING_ZERO = re.compile(r"[+-]?0[0-9].*")
_CODE = re.compile(r"[0-9]+([eE])[0-9]+")
"""Such as 12E4; of programs that print numbers, some write 1e16 so, in lower case, but none a smaller number."""
_WHOLE = re.compile(r"[+-]?[0-9]+")


class Lost(NamedTuple):
    """A text that its column no longer says."""

    column: str
    row: int
    """Within the batch."""
    text: str
    number: int | float

    def told(self, place: str, user: str) -> str:
        """The line of an error.

        Args:
            place: file and row.
            user: what would take the number, such as "the analysis table".
        """
        return (
            f"{place}: column {self.column!r} has {self.text!r}, which {user} would take for the number {self.number}; "
            "give the column a type in inputs.options.types, or in inputs.join.options.types: text keeps what stands "
            "there (JSON lines must quote it), int64 or float64 makes it a number"
        )


def first_lost(
    features: Mapping[str, Column], texts: Mapping[str, pa.Array], names: Iterable[str] | None = None
) -> Lost | None:
    """The first text, in the order of the columns, that says more than its number.

    Args:
        features: columns of n rows.
        texts: of some of them, the text (n,) where it is not the usual one of the number; see `TEXTS_KEY`.
        names: the columns to look at; None for all.
    """
    for name in texts if names is None else names:
        found = _first_of(name, features[name], texts[name]) if name in texts and name in features else None
        if found is not None:
            return found
    return None


def _first_of(name: str, column: Column, texts: pa.Array) -> Lost | None:
    if not isinstance(texts, pa.Array) or texts.null_count == len(texts):  # an example alone has no columns
        return None
    numbers = column if isinstance(column, pa.Array) else pa.array(column) if column.ndim == 1 else None
    if numbers is None or not (pa.types.is_integer(numbers.type) or pa.types.is_floating(numbers.type)):
        return None  # an extractor has put other values there

    # Each text is looked at once: most are numbers in another usual form, such as 1.0.
    encoded = texts.dictionary_encode()
    is_read = still_read_from(encoded, numbers, numbers.type)
    if not is_read.any():
        return None
    read = zip(encoded.dictionary.to_pylist(), encoded.dictionary.cast(numbers.type).to_pylist(), strict=True)
    more = np.array([*(says_more(text, number) for text, number in read), False])
    lost = np.flatnonzero(is_read & more[encoded.indices.fill_null(-1).to_numpy()])
    return Lost(name, int(lost[0]), texts[int(lost[0])].as_py(), numbers[int(lost[0])].as_py()) if len(lost) else None


def says_more(text: str, number: int | float) -> bool:
    """Whether something of a text of a CSV file is gone in the number that was read from it: zeros, an E, or digits."""
    code = _CODE.fullmatch(text)
    is_code = code is not None and (code[1] == "E" or number < LARGEST_OF_FLOATS)
    return is_code or bool(_LEADING_ZERO.fullmatch(text)) or has_more_digits(text, number)


def has_more_digits(text: str, number: int | float) -> bool:
    """Whether a number is another one than its text says, where floats no longer hold every whole number.

    Smaller ones with a fraction are rounded to the nearest float, as everywhere.
    """
    if abs(number) < LARGEST_OF_FLOATS or not any(map(str.isdigit, text)):
        return False
    if math.isinf(number):  # 1e400
        return True
    held = number if _WHOLE.fullmatch(text) else repr(number)  # 1e23 is how programs write the float that is nearest
    return Decimal(text) != Decimal(held)
