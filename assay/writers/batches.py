"""Serialised records -> Arrow tables, many records to a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import apache_beam as beam
import pyarrow as pa
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

_RECORDS, _BYTES = 1024, 16 << 20


class InTables(beam.DoFn):
    """Hands up to 1,024 records or 16 MB at once to a function that makes a table of them."""

    def __init__(self, table_of: Callable[[list[bytes]], pa.Table]) -> None:
        self._table_of = table_of

    def start_bundle(self) -> None:
        self._records: list[bytes] = []
        self._bytes = 0

    def process(self, record: bytes) -> Iterator[pa.Table]:
        self._records.append(record)
        self._bytes += len(record)
        if len(self._records) >= _RECORDS or self._bytes >= _BYTES:
            yield self._table_of(self._records)
            self.start_bundle()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        if self._records:
            window = GlobalWindow()
            yield WindowedValue(self._table_of(self._records), window.max_timestamp(), [window])
