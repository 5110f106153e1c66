"""The first rows of a file, bounded in rows and bytes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from assay.readers.bad_rows import Refuse
from assay.readers.batches import Rows
from assay.readers.source import Source, format_of


@dataclass(frozen=True)
class FirstRows:
    """What was read of one file.

    Attributes:
        batches: the rows, in order.
        rows: how many there are.
        is_all: whether the file has no others.
    """

    batches: tuple[Rows, ...]
    rows: int
    is_all: bool


def first_rows(
    file: str,
    source: Source,
    columns: Mapping[str, pa.DataType],
    refuse: Refuse,
    *,
    most_rows: int,
    most_bytes: int,
    batch_rows: int,
) -> FirstRows:
    """Reads the first rows of a file, not many more bytes than the bound.

    Args:
        file: its name.
        source: how to read it.
        columns: column -> its type.
        refuse: what to do with a row that cannot be read.
        most_rows: how many rows at most.
        most_bytes: from which size of the columns on no further batch is read.
        batch_rows: rows of a batch.
    """
    batches: list[Rows] = []
    rows, size, is_all = 0, 0, True
    small = replace(source, batch_rows=min(most_rows, batch_rows))
    reading: Any = format_of(source).read(file, small, columns, refuse)
    with closing(reading) as found:
        for batch in found:
            if rows >= most_rows or size > most_bytes:
                is_all = False
                break
            some = _first(batch, most_rows - rows)
            is_all &= len(some.rows) == len(batch.rows)
            batches.append(some)
            rows += len(some.rows)
            size += sum(column.nbytes for column in some.columns.values())
    return FirstRows(tuple(batches), rows, is_all)


def _first(batch: Rows, most: int) -> Rows:
    if len(batch.rows) <= most:
        return batch
    columns = {name: column.slice(0, most) for name, column in batch.columns.items()}
    texts = {name: column.slice(0, most) for name, column in batch.texts.items()}
    records = None if batch.records is None else batch.records.slice(0, most)
    return Rows(columns, np.asarray(batch.rows[:most]), records, texts)


def rows_in_words(rows: int) -> str:
    """The count of first rows, such as "the first 569 rows"."""
    return "the first row" if rows == 1 else f"the first {rows:,} rows"
