"""Texts in files that say more than the numbers that were read from them: `07001` says more than 7001.

The type of a column is told from the first rows of the first file, and a later row may show that it does not hold
numbers. Slices and samples then use the text (see `TEXTS_KEY`); whatever uses the number has to refuse the row.
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
"""A float can hold every whole number up to this one."""

_LEADING_ZERO = re.compile(r"[+-]?0[0-9].*")
_CODE = re.compile(r"[0-9]+([eE])[0-9]+")
"""A code such as 12E4. Some programs print large numbers as 1e16, in lower case, but none prints smaller ones so."""
_WHOLE = re.compile(r"[+-]?[0-9]+")


class Lost(NamedTuple):
    """A text of which the number in its column has lost something."""

    column: str
    row: int
    """Within the batch."""
    text: str
    number: int | float

    def told(self, where: str, user: str) -> str:
        """The message of an error.

        Args:
            where: file and row.
            user: what would use the number, such as "the analysis table".
        """
        return (
            f"{where}: column {self.column!r} has {self.text!r}, which {user} would take for the number {self.number}; "
            "give the column a type in inputs.options.types, or in inputs.join.options.types: text keeps the value as "
            "it is (JSON lines must quote it), int64 or float64 makes it a number"
        )


def first_lost(
    features: Mapping[str, Column], texts: Mapping[str, pa.Array], names: Iterable[str] | None = None
) -> Lost | None:
    """The first text, in the order of the columns, that says more than its number.

    Args:
        features: columns of n rows.
        texts: for some of them, the texts (n,) that are not the usual form of their numbers; see `TEXTS_KEY`.
        names: the columns to look at; None for all.
    """
    for name in texts if names is None else names:
        lost = _first_of(name, features[name], texts[name]) if name in texts and name in features else None
        if lost is not None:
            return lost
    return None


def _first_of(name: str, column: Column, texts: pa.Array) -> Lost | None:
    if not isinstance(texts, pa.Array) or texts.null_count == len(texts):  # a single example has no columns
        return None

    numbers = column if isinstance(column, pa.Array) else pa.array(column) if column.ndim == 1 else None
    if numbers is None or not (pa.types.is_integer(numbers.type) or pa.types.is_floating(numbers.type)):
        return None  # an extractor has replaced the values

    # Look at each text once: most are numbers in another usual form, such as 1.0.
    encoded = texts.dictionary_encode()
    is_read = still_read_from(encoded, numbers, numbers.type)
    if not is_read.any():
        return None
    read = zip(encoded.dictionary.to_pylist(), encoded.dictionary.cast(numbers.type).to_pylist(), strict=True)
    more = np.array([*(says_more(text, number) for text, number in read), False])
    lost = np.flatnonzero(is_read & more[encoded.indices.fill_null(-1).to_numpy()])
    return Lost(name, int(lost[0]), texts[int(lost[0])].as_py(), numbers[int(lost[0])].as_py()) if len(lost) else None


def says_more(text: str, number: int | float) -> bool:
    """Whether the number that was read from a text of a CSV file has lost something of it: zeros, an E, or digits."""
    code = _CODE.fullmatch(text)
    is_code = code is not None and (code[1] == "E" or number < LARGEST_OF_FLOATS)
    return is_code or bool(_LEADING_ZERO.fullmatch(text)) or has_more_digits(text, number)


def has_more_digits(text: str, number: int | float) -> bool:
    """Whether a large number, where floats do not hold every whole number, differs from the number in its text.

    Smaller fractions are rounded to the nearest float, as everywhere.
    """
    if abs(number) < LARGEST_OF_FLOATS or not any(map(str.isdigit, text)):
        return False
    if math.isinf(number):  # 1e400
        return True
    held = number if _WHOLE.fullmatch(text) else repr(number)  # 1e23 is how programs write the float that is nearest
    return Decimal(text) != Decimal(held)
