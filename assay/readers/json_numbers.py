"""Numbers of JSON lines that floats cannot hold: their texts are kept beside the floats, or they are refused.

A column of whole numbers becomes one of floats if some of its numbers are fractions, or have more than 64 bits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.extracts.columns import is_list
from assay.readers.bad_rows import Refuse
from assay.readers.batches import Numbers
from assay.readers.lost_texts import LARGEST_OF_FLOATS, has_more_digits

Lines = Callable[[], Sequence[bytes]]
"""Returns the lines from which a table was parsed. They are split when called for, as few tables need them."""


def exact_texts(table: pa.Table, rows: Numbers, lines: Lines, shown: Sequence[str]) -> dict[str, pa.Array]:
    """Column -> the texts (m,) of numbers that floats cannot hold, null elsewhere; only columns with such numbers.

    Args:
        table: m rows.
        rows: (m,) their positions among the lines.
        lines: returns the lines from which they were parsed.
        shown: the columns whose values are shown.
    """
    texts: dict[str, pa.Array] = {}
    for name in shown:
        if not pa.types.is_float64(table.schema.field(name).type):
            continue

        numbers = table.column(name).to_numpy()
        large = np.flatnonzero(np.abs(numbers) >= LARGEST_OF_FLOATS)
        if len(large):
            text_at = {int(at): _exact_text(_with_texts(lines()[int(rows[at])])[name]) for at in large}
            texts[name] = pa.array([text_at.get(at) for at in range(len(numbers))], pa.string())
    return texts


def _exact_text(value: Any) -> str | None:
    """The text of a number in its file, if its float is another number."""
    return value if isinstance(value, str) and has_more_digits(value, float(value)) else None


def refuse_rounded(table: pa.Table, rows: Numbers, lines: Lines, refuse: Refuse) -> Numbers:
    """Refuses rows with a number in a list or object that its float does not hold exactly.

    Args:
        table: m rows.
        rows: (m,) their positions among the lines.
        lines: returns the lines from which they were parsed.
        refuse: called with the position among the lines.

    Returns:
        The rows of the table that are not refused, in ascending order.
    """
    suspects = {
        field.name: field.type
        for field in table.schema
        if pa.types.is_nested(field.type) and any(map(_has_large, _floats_in(table.column(field.name))))
    }

    bad = []
    for at, row in enumerate(rows.tolist()) if suspects else ():
        why = _rounded_in(_with_texts(lines()[row]), suspects)
        if why is not None:
            refuse(row, why)
            bad.append(at)
    return np.delete(np.arange(len(rows), dtype=np.int64), bad)


def _rounded_in(line: Mapping[str, Any], suspects: Mapping[str, pa.DataType]) -> str | None:
    """What is wrong with a row; None if nothing is."""
    for name, kind in suspects.items():
        text = next(_rounded(line.get(name), kind), None)
        if text is not None:
            return (
                f"column {name!r}: {text} beside fractions, or beyond 64 bits, would be rounded to "
                f"{float(text)!r}; put the numbers of the column in quotes"
            )
    return None


def _rounded(value: Any, kind: pa.DataType) -> Iterator[str]:
    """The numbers, as texts, inside a value of `_with_texts` that floats do not hold exactly."""
    if value is None:
        return

    if is_list(kind):
        for item in value:
            yield from _rounded(item, kind.value_type)
    elif pa.types.is_struct(kind):
        for field in kind:
            yield from _rounded(value.get(field.name), field.type)
    elif pa.types.is_floating(kind) and isinstance(value, str) and has_more_digits(value, float(value)):
        yield value


def is_better_whole(column: pa.ChunkedArray) -> bool:
    """Whether int64 could hold all floats of a column, those in its lists and objects included, and some only int64."""
    floats = list(_floats_in(column))
    return any(map(_has_large, floats)) and all(map(_are_whole, floats))


def _are_whole(floats: pa.ChunkedArray) -> bool:
    is_whole = pc.and_(pc.equal(pc.floor(floats), floats), pc.less(pc.abs(floats), 2.0**63))
    return bool(pc.all(is_whole, min_count=0).as_py())


def _floats_in(column: pa.ChunkedArray) -> Iterator[pa.ChunkedArray]:
    """The floats of a column; if it has lists or objects, one flat array for each field of floats in them."""
    kind = column.type
    if is_list(kind):
        yield from _floats_in(pc.list_flatten(column))
    elif pa.types.is_struct(kind):
        for inner in column.flatten():
            yield from _floats_in(inner)
    elif pa.types.is_floating(kind):
        yield column


def _has_large(floats: pa.ChunkedArray) -> bool:
    return bool(pc.any(pc.greater_equal(pc.abs(floats), LARGEST_OF_FLOATS), min_count=0).as_py())


def _with_texts(line: bytes) -> dict[str, Any]:
    """A row whose numbers are the texts of its line."""
    row: dict[str, Any] = json.loads(line, parse_int=str, parse_float=str)
    return row
