"""What a column of a sample holds, in a few figures: all that roles are chosen by, beside its name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.extracts.columns import Floats, arrow_floats, is_list, is_text, plain, to_floats

BOOLEAN, NUMBER, TEXT, MOMENT, LIST, OTHER, NOTHING = (
    "true and false",
    "numbers",
    "text",
    "dates or times",
    "lists",
    "objects",
    "no values",
)
"""What values a column has."""

MOST_COUNTED = 1_000
"""Different values of which a column may have so many for each of them to be counted."""


@dataclass(frozen=True)
class Facts:
    """A column of n rows.

    Attributes:
        name: of the column.
        kind: of its values: `NUMBER`, `TEXT`, ...
        rows: n.
        missing: rows without a value.
        distinct: different values that are there; of lists, of the values in them.
        counts: value -> rows that have it, the most frequent first; empty if there are more than `MOST_COUNTED`. For
            lists, of the values in them.
        numbers: (n,) or (n, k) of numbers, booleans, or lists of such of one length k; NaN is missing. None of others.
        inner: kind of the values in lists; "" of others.
        width: values in each list; 1 of what is no list, 0 where lists differ.
        length: of texts, in characters, on average.
    """

    name: str
    kind: str
    rows: int
    missing: int = 0
    distinct: int = 0
    counts: Mapping[Any, int] = field(default_factory=dict)
    numbers: Floats | None = None
    inner: str = ""
    width: int = 1
    length: float = 0.0

    @property
    def finite(self) -> Floats:
        """Its numbers that are there and finite, flat."""
        if self.numbers is None:
            return np.zeros(0)
        return self.numbers[np.isfinite(self.numbers)]

    @property
    def low(self) -> float:
        """The least number; NaN if there is none."""
        return float(self.finite.min()) if len(self.finite) else math.nan

    @property
    def high(self) -> float:
        """The greatest number; NaN if there is none."""
        return float(self.finite.max()) if len(self.finite) else math.nan

    @property
    def is_whole(self) -> bool:
        """Whether it has numbers, all of them whole."""
        return bool(len(self.finite)) and bool((self.finite == np.floor(self.finite)).all())

    @property
    def is_shares(self) -> bool:
        """Whether all numbers lie from 0 to 1."""
        return bool(len(self.finite)) and self.low >= 0 and self.high <= 1

    @property
    def values(self) -> list[Any]:
        """The different values that are counted, sorted."""
        return sorted(self.counts)

    @property
    def is_binary(self) -> bool:
        """Whether it has two values, each in one flat cell."""
        return self.kind in (BOOLEAN, NUMBER, TEXT) and self.distinct == 2 and len(self.counts) == 2


def facts_of(name: str, column: pa.Array) -> Facts:
    """Looks at a column."""
    column = plain(column)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind, rows = column.type, len(column)
    if pa.types.is_null(kind) or column.null_count == rows:
        return Facts(name, NOTHING, rows, missing=rows)
    if is_list(kind):
        return _of_lists(name, column)
    if is_text(kind):
        return _of_texts(name, column)
    if pa.types.is_temporal(kind):
        return Facts(name, MOMENT, rows, column.null_count, *_counted(column))
    return _of_numbers(name, column)


def _of_numbers(name: str, column: pa.Array) -> Facts:
    floats = arrow_floats(column)
    if floats is None:
        return Facts(name, OTHER, len(column), column.null_count)
    numbers: Floats = floats.to_numpy(zero_copy_only=False).astype(np.float64)
    missing = int(np.isnan(numbers).sum())
    if missing == len(numbers):
        return Facts(name, NOTHING, len(numbers), missing=missing)
    is_boolean = pa.types.is_boolean(column.type)
    values = column if is_boolean or pa.types.is_integer(column.type) else pa.array(numbers[~np.isnan(numbers)])
    distinct, counts = _counted(values)
    return Facts(name, BOOLEAN if is_boolean else NUMBER, len(numbers), missing, distinct, counts, numbers)


def _of_texts(name: str, column: pa.Array) -> Facts:
    texts = _as_text(column)
    if texts is None:
        return Facts(name, OTHER, len(column), column.null_count)
    length = pc.mean(pc.utf8_length(texts)).as_py() or 0.0
    return Facts(name, TEXT, len(texts), texts.null_count, *_counted(texts), length=float(length))


def _as_text(column: pa.Array) -> pa.Array | None:
    try:
        if pa.types.is_fixed_size_binary(column.type):
            column = column.cast(pa.binary())
        return column.cast(pa.large_string())
    except pa.ArrowInvalid:  # bytes that are no text
        return None


def _of_lists(name: str, column: pa.Array) -> Facts:
    lengths = pc.list_value_length(column).fill_null(0).to_numpy().astype(np.int64)
    known = np.unique(lengths[lengths > 0])
    width = (
        int(known[0])
        if len(known) == 1 and (lengths[column.is_valid().to_numpy(zero_copy_only=False)] > 0).all()
        else 0
    )
    flat = column.flatten()
    if pa.types.is_dictionary(flat.type):
        flat = flat.dictionary_decode()
    if is_list(flat.type) or not len(flat):
        return Facts(name, OTHER, len(column), column.null_count)
    inner = facts_of(name, flat)
    if inner.kind not in (NUMBER, BOOLEAN, TEXT):
        return Facts(name, OTHER, len(column), column.null_count)
    numbers = to_floats(column, name) if width and inner.kind != TEXT else None
    return Facts(
        name,
        LIST,
        len(column),
        column.null_count,
        inner.distinct,
        inner.counts,
        numbers,
        inner.kind,
        width,
        inner.length,
    )


def _counted(values: pa.Array) -> tuple[int, dict[Any, int]]:
    """How many different values there are; and the rows of each, if they are few."""
    counted = pc.value_counts(values.drop_null())
    if len(counted) > MOST_COUNTED:
        return len(counted), {}
    pairs = zip(counted.field(0).to_pylist(), counted.field(1).to_pylist(), strict=True)
    return len(counted), dict(sorted(pairs, key=lambda pair: (-pair[1], str(pair[0]))))
