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
from assay.readers.bad_rows import UNREADABLE
from assay.readers.join_keys import check_same_kind
from assay.readers.join_table import Table, check_keys, read_table, shared
from assay.readers.read_inputs import counted, read_split
from assay.readers.source import Source, Split, check_names, first_schema, splits
from assay.types import FEATURES_KEY, SOURCE_KEY, TEXTS_KEY, Extracts

_MATCHED = "matched"


@dataclass(frozen=True)
class Join:
    """What is joined with what.

    Attributes:
        main: its rows are evaluated; `columns` are those to read from it, None for what is wanted.
        second: where partners come from; likewise.
        on: the key columns, which both have. A key with a missing part has no partner.
        wanted: the columns that somebody needs, whichever source has them; None for all.
    """

    main: Source
    second: Source
    on: tuple[str, ...]
    wanted: tuple[str, ...] | None = None


def join_as_described(main: Source, settings: Mapping[str, Any], wanted: Sequence[str] | None) -> Join:
    """What `inputs.join` of an analysis file describes.

    Args:
        main: the main source; `columns` are those that were named for it, None for what is wanted.
        settings: with their defaults; see `analysis_file.read_join`.
        wanted: the columns that somebody needs; None for all.
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
        place="inputs.join",
    )
    return Join(replace(main, shown=shown), second, on=on, wanted=_named(wanted))


def _named(columns: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if columns is None else tuple(columns)


class Side(NamedTuple):
    """One of the two sources, looked into."""

    source: Source
    splits: tuple[Split, ...]
    file: str
    """Its first file with rows."""
    there: Mapping[str, pa.DataType]
    """What that file has; empty if no file has rows."""

    def columns(self, join: Join, where: str) -> dict[str, pa.DataType]:
        """The columns to read from this side, keys included."""
        if not self.there:
            return {}
        check_names(self.file, self.there, dict.fromkeys(join.on, "inputs.join.on"))
        check_names(self.file, self.there, dict.fromkeys(self.source.columns or (), where))
        wanted = join.wanted if self.source.columns is None else self.source.columns
        names = (*join.on, *(self.there if wanted is None else wanted))
        return {name: self.there[name] for name in names if name in self.there}


class Sides(NamedTuple):
    """Both sources and the columns to read from each."""

    main: Side
    second: Side
    columns: dict[str, pa.DataType]
    second_columns: dict[str, pa.DataType]


def sides_of(join: Join) -> Sides:
    """Looks into the first files of both sources.

    Raises:
        MissingFileError: a name or glob matches nothing.
        MissingColumnError: a key, or a column that was asked for by name, is not there.
        ColumnTypeError: a key cannot be one, or differs between the sources.
        ConfigError: a column that is no key would come from both.
    """
    main, second = _side(join.main), _side(join.second)
    columns = main.columns(join, "inputs.columns")
    second_columns = second.columns(join, "inputs.join.columns")
    for name in join.on if columns and second_columns else ():
        places = [f"{side.file}: column {name!r}" for side in (main, second)]
        check_same_kind(columns[name], places[0], second_columns[name], places[1])
    for name in columns:
        if name in second_columns and name not in join.on:
            raise ConfigError(
                f"column {name!r} is in {main.file} and in {second.file}; expected it in one of them, or in "
                "inputs.join.on; name the columns to read in inputs.columns or inputs.join.columns"
            )
    return Sides(main, second, columns, second_columns)


def _side(source: Source) -> Side:
    found = splits(source)
    return Side(source, found, *first_schema(source, found))


def check_join(join: Join, needed: Mapping[str, str]) -> None:
    """Checks, before any work, that the sources go together and that one of them has each column.

    Args:
        join: what is joined.
        needed: column -> who needs it.

    Raises:
        MissingColumnError: names both files, the column, who needs it, and what is there.
        InputError, ConfigError: see `sides_of`.
    """
    main, second, *_ = sides_of(join)
    if main.there and second.there:
        check_names(f"{main.file} joined with {second.file}", {**main.there, **second.there}, needed)


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
        read = (
            pbegin
            | "Splits" >> beam.Create(sides.main.splits)
            | "Read" >> beam.ParDo(_Read(sides, self._join.on)).with_outputs(_MATCHED, main=FEATURES_KEY)
        )
        _ = read[_MATCHED] | "Union" >> beam.CombineGlobally(_union) | "Count" >> beam.Map(_count)
        return read[FEATURES_KEY]


class _Matched(NamedTuple):
    """Which rows of the second source found a partner."""

    bits: npt.NDArray[np.uint8]
    """One bit for each row."""
    rows: int
    unreadable: int


class _Read(beam.DoFn):
    """One split -> its batches, in order, joined; and which rows of the second source they met."""

    def __init__(self, sides: Sides, on: tuple[str, ...]) -> None:
        self._sides, self._on = sides, on
        self._token = uuid.uuid4().hex  # of this pipeline: in another one the files may be new

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
            rows = table.find(columns, self._on, file)
            found = rows >= 0
            matched[rows[found]] = True
            alone += int((~found).sum())
            if found.any():
                yield counted(joined(extracts, table, rows))
        Metrics.counter("assay", "unmatched/rows").inc(alone)
        yield beam.pvalue.TaggedOutput(_MATCHED, _Matched(np.packbits(matched), table.rows, table.unreadable))


def joined(extracts: Extracts, table: Table, rows: npt.NDArray[np.int64]) -> Extracts:
    """Returns a batch with its partners' columns, without the rows that have none.

    Args:
        extracts: n rows.
        table: the second source.
        rows: (n,) row of each partner, -1 for none.
    """
    found = rows >= 0
    kept = extracts if found.all() else take(extracts, found)
    columns, texts = table.take(rows[found])
    joined_up = {**kept, FEATURES_KEY: {**kept[FEATURES_KEY], **columns}}
    return {**joined_up, TEXTS_KEY: {**kept.get(TEXTS_KEY, {}), **texts}} if texts else joined_up


def _union(parts: Iterable[_Matched]) -> _Matched:
    union = _Matched(np.zeros(0, np.uint8), 0, 0)
    for part in parts:
        if part.rows or part.unreadable:  # else it is what this gives for no parts at all
            union = part._replace(bits=part.bits | union.bits) if union.rows else part
    return union


def _count(matched: _Matched) -> None:
    """Counts once what every worker has seen of the second source."""
    Metrics.counter("assay", "unmatched/labels").inc(matched.rows - int(np.bitwise_count(matched.bits).sum()))
    if matched.unreadable:
        Metrics.counter("assay", f"bad_rows/{UNREADABLE}").inc(matched.unreadable)
