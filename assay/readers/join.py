"""Two sources joined by key: each row of the main source gets the columns of its partner in the second one.

The second source, such as labels that arrive later than predictions, is read whole into the memory of each worker;
the main source streams past it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from apache_beam.metrics import Metrics

from assay.errors import ConfigError
from assay.extracts.columns import take
from assay.extracts.keys import check_same_kind
from assay.readers.bad_rows import UNREADABLE
from assay.readers.join_table import Part, Table, check_keys, read_table, shared
from assay.readers.read_inputs import counted, read_split
from assay.readers.source import Source, Split, check_names, expect, first_schema, left_out, splits
from assay.types import FEATURES_KEY, SOURCE_KEY, TEXTS_KEY, Extracts

_MATCHED = "matched"


@dataclass(frozen=True)
class Join:
    """Two sources, and the columns by which they are joined.

    Attributes:
        main: the source whose rows are evaluated. Its `columns` are those to read; None for those that are wanted.
        second: the source of partners; its `columns` likewise.
        on: the key columns, which both sources have. A key with a missing part has no partner.
        wanted: the columns that are needed, whichever source has them; None for all.
    """

    main: Source
    second: Source
    on: tuple[str, ...]
    wanted: tuple[str, ...] | None = None


def join_as_described(main: Source, settings: Mapping[str, Any], wanted: Sequence[str] | None) -> Join:
    """The join that `inputs.join` of an analysis file describes.

    Args:
        main: the main source. Its `columns` are those that the file names for it; None for those that are wanted.
        settings: `inputs.join`, with defaults; see `analysis_file.read_join`.
        wanted: the columns that are needed; None for all.
    """
    on = tuple(settings["on"])
    shown = None if main.shown is None else tuple(dict.fromkeys((*main.shown, *on)))
    second = Source(
        format=settings["format"],
        files=tuple(settings["files"]),
        columns=_named(settings.get("columns")),
        dictionary=main.dictionary,
        shown=shown,
        on_bad_rows=main.on_bad_rows,
        options=settings.get("options", {}),
        key_path="inputs.join",
    )
    return Join(replace(main, shown=shown), second, on=on, wanted=_named(wanted))


def _named(columns: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if columns is None else tuple(columns)


class Side(NamedTuple):
    """One of the two sources, with what its first file shows."""

    source: Source
    splits: tuple[Split, ...]
    file: str
    """The first file that has rows."""
    schema: Mapping[str, pa.DataType]
    """The columns of that file; empty if no file has rows."""

    def columns(self, join: Join, where: str) -> dict[str, pa.DataType]:
        """The columns to read from this side, keys included."""
        if not self.schema:
            return {}

        check_names(self.file, self.schema, dict.fromkeys(join.on, "inputs.join.on"))
        check_names(self.file, self.schema, dict.fromkeys(self.source.columns or (), where))

        wanted = join.wanted if self.source.columns is None else self.source.columns
        names = (*join.on, *(self.schema if wanted is None else wanted))
        return {name: self.schema[name] for name in names if name in self.schema}


class Sides(NamedTuple):
    """Both sources and the columns to read from each."""

    main: Side
    second: Side
    columns: dict[str, pa.DataType]
    second_columns: dict[str, pa.DataType]


def sides_of(join: Join) -> Sides:
    """Looks at the first files of both sources.

    Raises:
        MissingFileError: a name or glob matches nothing.
        MissingColumnError: a key, or a column that the analysis names, is missing.
        ColumnTypeError: a column's type cannot be that of a key, or the two sources have different kinds of keys.
        ConfigError: both sources have a needed column that is not a key.
    """
    main, second = _side(join.main), _side(join.second)
    columns = main.columns(join, "inputs.columns")
    second_columns = second.columns(join, "inputs.join.columns")
    for name in join.on if columns and second_columns else ():
        where = [f"{side.file}: column {name!r}" for side in (main, second)]
        check_same_kind(columns[name], where[0], second_columns[name], where[1])

    for name in columns:
        if name in second_columns and name not in join.on:
            raise ConfigError(
                f"column {name!r} is in {main.file} and in {second.file}; expected it in one of them, or in "
                "inputs.join.on; name the columns to read in inputs.columns or inputs.join.columns"
            )
    return Sides(main, second, columns, second_columns)


def _side(source: Source) -> Side:
    all_splits = splits(source)
    return Side(source, all_splits, *first_schema(source, all_splits))


def check_join(join: Join, needed: Mapping[str, str]) -> None:
    """Checks, before the run, that the sources can be joined and that one of them has each needed column.

    Args:
        join: the two sources.
        needed: column -> what needs it.

    Raises:
        MissingColumnError: names both files, the column, what needs it, and the columns that exist; or a column that
            neither source reads.
        InputError, ConfigError: see `sides_of`.
    """
    main, second, columns, second_columns = sides_of(join)
    if not main.schema or not second.schema:
        return

    check_names(f"{main.file} joined with {second.file}", {**main.schema, **second.schema}, needed)
    for column, who in needed.items():
        if column not in columns and column not in second_columns:
            raise left_out(column, who, main.source if column in main.schema else second.source)


class ReadJoined(beam.PTransform):
    """Reads both sources into Extracts: PBegin -> PCollection[Extracts], as ReadInputs does with one.

    Rows without a partner are dropped. Counters: `unmatched/rows` of the main source, `unmatched/labels` of the second.

    Raises:
        InputError, ConfigError: see `sides_of`.
    """

    def __init__(self, join: Join) -> None:
        super().__init__()
        self._join = join

    def expand(self, pbegin: beam.Pipeline) -> beam.PCollection[Extracts]:
        """Applies the transform."""
        sides = sides_of(self._join)
        expect([*sides.main.splits, *sides.second.splits])
        read = (
            pbegin
            | "Splits" >> beam.Create(sides.main.splits)
            | "Read" >> beam.ParDo(_Read(sides, self._join.on)).with_outputs(_MATCHED, main=FEATURES_KEY)
        )
        _ = read[_MATCHED] | "Union" >> beam.CombineGlobally(_union) | "Count" >> beam.Map(_count)
        return read[FEATURES_KEY]


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
        matched, alone = np.zeros(table.rows, bool), 0

        for extracts in read_split(split, self._sides.main.source, self._sides.columns):
            file = extracts[SOURCE_KEY]["file"].dictionary[0].as_py()
            columns, texts = extracts[FEATURES_KEY], extracts.get(TEXTS_KEY, {})
            check_keys(columns, texts, self._on, file, extracts[SOURCE_KEY]["row"])

            partners = table.find(columns, self._on, file)
            has_partner = partners >= 0
            matched[partners[has_partner]] = True
            alone += int((~has_partner).sum())
            if has_partner.any():
                yield from map(counted, joined(extracts, table, partners))

        Metrics.counter("assay", "unmatched/rows").inc(alone)
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


def _count(matched: _Matched) -> None:
    """Counts rows of the second source once, although every worker has read them."""
    Metrics.counter("assay", "unmatched/labels").inc(matched.rows - int(np.bitwise_count(matched.bits).sum()))
    if matched.unreadable:
        Metrics.counter("assay", f"bad_rows/{UNREADABLE}").inc(matched.unreadable)
