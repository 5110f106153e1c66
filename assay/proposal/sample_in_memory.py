"""A sample of data in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import pyarrow as pa

from assay.errors import ColumnTypeError, InputError
from assay.extracts.columns import plain
from assay.proposal.sample import MIXED, NO_NAME, TWICE, Sample, bounded_rows, described
from assay.types import FEATURES_KEY


def sample_of_data(data: Any) -> Sample:
    """Takes some rows of a frame of pandas or polars, an Arrow table or a list of dicts, evenly spread over it.

    Raises:
        InputError: other data, or no rows.
    """
    opened = _opened(data)
    names, rows = _names(opened), len(opened)
    if not rows:
        raise InputError("data: expected rows, found none")
    step = max(1, -(-rows // bounded_rows(len(names))))
    some = _every_nth(opened, step)

    times = Counter(names)
    unread = {name: TWICE for name, count in times.items() if count > 1} | ({"": NO_NAME} if "" in times else {})
    columns: dict[str, pa.Array] = {}
    for name in times:
        if name not in unread:
            try:
                columns[name] = _column(some, name)
            except ColumnTypeError:
                unread[name] = MIXED
    count = len(some)
    which = described(count, True) if step == 1 else f"{count:,} of {rows:,} rows, evenly spread"
    return Sample(columns, count, step == 1, which, unread)


def _opened(data: Any) -> Any:
    """A frame of pandas, a list of dicts, or whatever else it is as a table of Arrow."""
    is_frame = hasattr(data, "iloc") and hasattr(data, "columns")
    is_rows = isinstance(data, Sequence) and all(isinstance(row, Mapping) for row in data)
    return data if is_frame or is_rows else _as_table(data)


def _as_table(data: Any) -> pa.Table:
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if isinstance(data, pa.Table):
        return data
    if hasattr(data, "__arrow_c_stream__"):
        with suppress(pa.ArrowInvalid):  # of a single column
            return pa.table(data)
    raise InputError(
        f"data: expected an Arrow table, a frame of pandas or polars, or a list of dicts, found {type(data).__name__}"
    )


def _names(data: Any) -> list[str]:
    if isinstance(data, pa.Table):
        return list(data.column_names)
    if isinstance(data, Sequence):
        return list(dict.fromkeys(str(key) for row in data for key in row))
    return [str(label) for label in data.columns]


def _every_nth(data: Any, step: int) -> Any:
    if step == 1:
        return data
    if isinstance(data, pa.Table):
        rows = pa.array(range(0, data.num_rows, step), pa.int64())
        plain_columns = [pa.chunked_array([*map(plain, c.chunks)] or [pa.nulls(0)]) for c in data.columns]
        return pa.table([column.take(rows) for column in plain_columns], names=data.column_names)
    return data[::step] if isinstance(data, Sequence) else data.iloc[::step]


def _column(data: Any, name: str) -> pa.Array:
    from assay.readers.arrow import from_arrow, from_pandas, from_rows  # loads Beam

    read = from_arrow if isinstance(data, pa.Table) else from_rows if isinstance(data, Sequence) else from_pandas
    (batch,) = read(data, needed=[name])
    column = batch[FEATURES_KEY][name]
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
