"""Two sources joined by key: each row of the main source gets the columns of its partner in the second one.

The second source, such as labels that arrive later than predictions, is read whole into the memory of each worker;
the main source streams past it.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
import numpy.typing as npt

from assay.engine.counting import COUNTS, Counting, told
from assay.engine.workers.runner import SPREAD
from assay.extracts.columns import take
from assay.readers.bad_rows import UNREADABLE
from assay.readers.dealing import dealt
from assay.readers.join import Join, Sides, sides_of
from assay.readers.join_table import Part, Table, check_keys, read_table, shared
from assay.readers.pieces import cut
from assay.readers.read_inputs import Spread, reached, read_split, seconds_of, tell_whole_files
from assay.readers.source import Split, expect
from assay.types import FEATURES_KEY, SOURCE_KEY, TEXTS_KEY, Extracts
from assay.verdict import Counts

_MATCHED = "matched"
_WORTH = 4
"""How many times longer the main source takes than the second one, which every worker reads, if several are to."""


class ReadJoined(beam.PTransform):
    """Reads both sources into Extracts: PBegin -> PCollection[Extracts], as ReadInputs does with one.

    Rows without a partner are dropped, and counted as `unmatched`: `rows` of the main source, `labels` of the second.

    Raises:
        InputError, ConfigError: see `sides_of`.
    """

    def __init__(self, join: Join) -> None:
        super().__init__()
        self._join = join

    def expand(self, pbegin: beam.Pipeline) -> beam.PCollection[Extracts]:
        """Applies the transform."""
        sides = sides_of(self._join)
        source, splits = sides.main.source, cut(sides.main.source, sides.main.splits)
        seconds = seconds_of(source.format, splits)
        expect([*splits, *sides.second.splits])
        tell_whole_files(source, splits, pbegin.pipeline.runner)
        has_small_second = seconds >= _WORTH * seconds_of(sides.second.source.format, sides.second.splits)
        read = (
            pbegin
            | "Splits" >> beam.Create(dealt(splits, pbegin.pipeline), reshuffle=False)
            | SPREAD >> Spread(len(splits), seconds if has_small_second else 0.0)
            | "Read" >> beam.ParDo(_Read(sides, self._join.on)).with_outputs(_MATCHED, COUNTS, main=FEATURES_KEY)
        )
        extracts, matched, _ = read
        _ = matched | "Union" >> beam.CombineGlobally(_union) | "Count" >> Counting(beam.Map(_of_second))
        return extracts


class _Matched(NamedTuple):
    """Which rows of the second source have found a partner."""

    bits: npt.NDArray[np.uint8]
    """One bit for each row."""
    rows: int
    unreadable: int


class _Read(beam.DoFn):
    """One split -> its batches, in order, joined; and which rows of the second source were partners."""

    def __init__(self, sides: Sides, on: tuple[str, ...]) -> None:
        self._sides, self._on = sides, on
        self._token = uuid.uuid4().hex  # of this pipeline, as the files may have changed in the next

    def setup(self) -> None:
        self._table = shared(self._token, self._read_table)

    def teardown(self) -> None:
        del self._table

    def _read_table(self) -> Table:
        second, columns = self._sides.second, self._sides.second_columns
        return read_table(second.source, second.splits, columns, self._on)

    def process(self, split: Split) -> Iterator[Any]:
        table = self._table
        matched, alone, rows, skipped = np.zeros(table.rows, bool), 0, 0, Counter[str]()

        for extracts in read_split(split, self._sides.main.source, self._sides.columns, skipped):
            file = extracts[SOURCE_KEY]["file"].dictionary[0].as_py()
            columns, texts = extracts[FEATURES_KEY], extracts.get(TEXTS_KEY, {})
            check_keys(columns, texts, self._on, file, extracts[SOURCE_KEY]["row"])

            partners = table.find(columns, self._on, file)
            has_partner = partners >= 0
            matched[partners[has_partner]] = True
            alone += int((~has_partner).sum())
            if has_partner.any():
                for batch in joined(extracts, table, partners):
                    rows += reached(batch)
                    yield batch

        yield told(Counts(rows, skipped, {"rows": alone}))
        yield beam.pvalue.TaggedOutput(_MATCHED, _Matched(np.packbits(matched), table.rows, table.unreadable))


def joined(extracts: Extracts, table: Table, partners: npt.NDArray[np.int64]) -> Iterator[Extracts]:
    """Yields a batch with the columns of its partners, without the rows that have none.

    Where partners are in several parts of the table, whose columns have different types, a batch for each.

    Args:
        extracts: n rows.
        table: the second source.
        partners: (n,) row of each partner in it, -1 for none.
    """
    for part in table.parts:
        is_here = (partners >= part.first) & (partners < part.first + part.rows)
        if is_here.any():
            yield _joined(extracts if is_here.all() else take(extracts, is_here), part, partners[is_here])


def _joined(extracts: Extracts, part: Part, partners: npt.NDArray[np.int64]) -> Extracts:
    columns, texts = part.take(partners)
    batch = {**extracts, FEATURES_KEY: {**extracts[FEATURES_KEY], **columns}}
    return {**batch, TEXTS_KEY: {**extracts.get(TEXTS_KEY, {}), **texts}} if texts else batch


def _union(parts: Iterable[_Matched]) -> _Matched:
    union = _Matched(np.zeros(0, np.uint8), 0, 0)
    for part in parts:
        if part.rows or part.unreadable:  # otherwise it is the union of no parts
            union = part._replace(bits=part.bits | union.bits) if union.rows else part
    return union


def _of_second(matched: _Matched) -> beam.pvalue.TaggedOutput:
    """Counts rows of the second source once, although every worker has read them."""
    alone = matched.rows - int(np.bitwise_count(matched.bits).sum())
    bad_rows = {UNREADABLE: matched.unreadable} if matched.unreadable else {}
    return told(Counts(0, bad_rows, {"labels": alone}))
