"""Two sources that are joined by key: which files and columns of each, and whether they can be joined. Without Beam."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import pyarrow as pa

from assay.errors import ConfigError
from assay.extracts.keys import check_same_kind
from assay.readers.source import Source, Split, check_names, first_schema, left_out, splits


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
