"""A source of rows: which files to read and how, and their splits, which depend on the files alone."""

from __future__ import annotations

import codecs
import importlib
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, Protocol

import pyarrow as pa

from assay.engine import progress
from assay.errors import ConfigError, MissingColumnError
from assay.readers import listing
from assay.readers.bad_rows import Refuse
from assay.readers.batches import Rows
from assay.readers.same_files import absolute
from assay.storage.file_paths import path_texts
from assay.text.near_miss import hint, nearest, one_of

SPLIT_BYTES = 64 * 2**20
_SPLITS_AS_ONE = {"parquet": 4}
"""Format -> how many times larger its splits are: its files are compressed, and few of their columns are read."""

_SHOWN_COLUMNS = 40

_OPTIONS: dict[str, tuple[str, ...]] = {
    "csv": ("columns", "delimiter", "encoding", "escape", "null_values", "quote", "types"),
    "jsonl": ("types",),
    "parquet": (),
    "tfrecord": (),
}
"""Format -> its options. Each format is a module of that name."""

_TYPES = {"int64": pa.int64(), "float64": pa.float64(), "text": pa.string(), "bool": pa.bool_()}


@dataclass(frozen=True)
class Source:
    """Input files and how to read them.

    Attributes:
        format: "tfrecord" (of tf.Example), "csv", "parquet" or "jsonl".
        files: names or globs, `os.PathLike` too; `~` stands for the home folder.
        columns: the columns to read; None for all of the first file (tf.Example and JSON lines: of its first 1,024
            rows).
        dictionary: text columns to read as dictionary arrays, because they are sliced by.
        shown: the columns whose values name slices, are shown in samples or tables of rows, or are keys of a join; None
            if any of them may be. For these columns, batches of CSV files and JSON lines also have the texts that say
            more than their numbers.
        raw: whether to keep the serialised records under `input` (tfrecord only).
        batch_rows: rows of a batch; None for 65,536, or 16,384 for tfrecord.
        on_bad_rows: what to do with rows that cannot be read: "fail" or "skip".
        options: JSON values. csv: `columns` (names, for files without a header), `delimiter`, `quote`, `escape`,
            `encoding`, `null_values` (texts that mean missing; the empty text by default); csv and jsonl: `types`
            (column -> "int64", "float64", "text" or "bool"; others are told from the first rows of the first file).
        key_path: key path of the source in the analysis file, for messages.
    """

    format: str
    files: tuple[str, ...]
    columns: tuple[str, ...] | None = None
    dictionary: tuple[str, ...] = ()
    shown: tuple[str, ...] | None = None
    raw: bool = False
    batch_rows: int | None = None
    on_bad_rows: str = "fail"
    options: Mapping[str, Any] = field(default_factory=dict)
    key_path: str = "inputs"

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", path_texts(self.files, f"{self.key_path}.files"))
        _one_of(f"{self.key_path}.format", self.format, tuple(_OPTIONS))
        _one_of("on_bad_rows", self.on_bad_rows, ("fail", "skip"))

        for option in self.options:
            _check_option(self.format, option, f"{self.key_path}.options")
        _check_lists(self.key_path, self.options)
        for column, name in self.options.get("types", {}).items():
            _one_of(f"{self.key_path}.options.types.{column}", name, tuple(_TYPES))
        _check_texts(self.key_path, self.options)

        if self.raw and self.format != "tfrecord":
            raise ConfigError(
                f"a model needs serialised tf.Examples, but inputs.format is {self.format!r}; expected 'tfrecord', "
                "or a model that takes named columns"
            )
        if self.batch_rows is not None and self.batch_rows < 1:
            raise ConfigError(f"{self.key_path}.batch_rows: expected at least 1, found {self.batch_rows}")

    @property
    def rows_per_batch(self) -> int:
        """Rows of each batch but a file's last."""
        return self.batch_rows or (16_384 if self.format == "tfrecord" else 65_536)


@dataclass(frozen=True)
class Split:
    """What is read as one element: several small files, one large file, or a part of one.

    Attributes:
        index: its position among the splits.
        files: what is read, in this order.
        ids: a number for each file; see `file_ids`.
        sizes: bytes of each file, or of the part, as it is stored.
        groups: of a part of a Parquet file, its first row group and the one after its last; None for other splits.
        row: number of the first row of these row groups.
        span: of a part of another file, the range of bytes in which its rows begin; None for other splits.
    """

    index: int
    files: tuple[str, ...]
    ids: tuple[int, ...]
    sizes: tuple[int, ...]
    groups: tuple[int, int] | None = None
    row: int = 0
    span: tuple[int, int] | None = None

    @property
    def is_part(self) -> bool:
        """Whether it is a part of a file."""
        return self.groups is not None or self.span is not None

    @property
    def names(self) -> tuple[str, ...]:
        """What each file, or the part, is called where progress is counted."""
        if self.groups is not None:
            return (f"{self.files[0]}, row groups from {self.groups[0]}",)
        return self.files if self.span is None else (f"{self.files[0]}, bytes from {self.span[0]}",)


class Format(Protocol):
    """The functions of each format's module."""

    def schema(self, file: str, source: Source) -> dict[str, pa.DataType]:
        """Columns of a file and their types, null for types not known yet; empty for a file without rows."""

    def names(self, file: str, source: Source) -> list[str]:
        """Names of a file's columns, in its order; one that it has twice is there twice."""

    def read(self, file: str, source: Source, columns: Mapping[str, pa.DataType], refuse: Refuse) -> Iterator[Rows]:
        """Yields the file's batches with these columns."""

    def read_part(
        self, split: Split, source: Source, columns: Mapping[str, pa.DataType], refuse: Refuse
    ) -> Iterator[Rows]:
        """Yields the batches of a part of a file."""


def declared_types(source: Source) -> dict[str, pa.DataType]:
    """Returns the types that the option `types` sets, by column."""
    return {column: _TYPES[name] for column, name in source.options.get("types", {}).items()}


def check_types(file: str, source: Source, columns: Sequence[str]) -> None:
    """Raises ConfigError if the option `types` names a column that is not among those of the first file."""
    for column in declared_types(source):
        if column not in columns:
            raise ConfigError(
                f"{source.key_path}.options.types.{column}: {file} has no such column{one_of(column, columns)}"
            )


def format_of(source: Source) -> Format:
    """Returns the module of the source's format."""
    module: Any = importlib.import_module(f"assay.readers.{source.format}")
    return module


def splits(source: Source) -> tuple[Split, ...]:
    """Cuts the files, sorted by name, into splits: neighbours together up to 64 MB (Parquet: 256 MB).

    The splits do not depend on the number of workers, so that results do not, either.

    Raises:
        MissingFileError: a name or glob matches nothing.
    """
    groups: list[list[str]] = []
    room = -1
    sizes = listing.find(source.files, f"{source.key_path}.files")
    for file, size in sizes.items():
        if size > room:
            groups.append([])
            room = SPLIT_BYTES * _SPLITS_AS_ONE.get(source.format, 1)
        groups[-1].append(file)
        room -= size
    ids = file_ids([file for group in groups for file in group])
    return tuple(
        Split(i, tuple(group), tuple(ids[file] for file in group), tuple(sizes[file] for file in group))
        for i, group in enumerate(groups)
    )


def expect(splits: Iterable[Split]) -> None:
    """Tells whoever shows progress that the files of the splits are going to be read."""
    for split in splits:
        progress.expect(dict(zip(split.names, split.sizes, strict=True)))


def file_ids(files: Sequence[str]) -> dict[str, int]:
    """A number for each file, from its name below the folder that holds all of them: the same wherever that lies."""
    parts = [absolute(file).split("/") for file in files]
    steps = zip(*(names[:-1] for names in parts), strict=False)
    shared = len([*takewhile(lambda names: len(set(names)) == 1, steps)])
    return {file: zlib.crc32("/".join(names[shared:]).encode()) for file, names in zip(files, parts, strict=True)}


def wanted(source: Source, splits: Sequence[Split]) -> dict[str, pa.DataType]:
    """Returns the columns to read and their types, as the first file with rows has them.

    Raises:
        MissingColumnError: `source.columns` names a column that this file lacks.
    """
    file, schema = first_schema(source, splits)
    if source.columns is None or not schema:
        return schema

    check_names(file, schema, {column: "inputs.columns" for column in source.columns})
    return {column: schema[column] for column in source.columns}


def check_columns(source: Source, needed: Mapping[str, str]) -> None:
    """Checks, before the run, that the first file has the needed columns.

    Args:
        source: the inputs.
        needed: column -> what needs it.

    Raises:
        MissingColumnError: names the file, each missing column, what needs it, and the columns that exist; or a column
            that `source.columns` leaves out.
        MissingFileError: a name or glob matches nothing.
        CorruptFileError: the first file cannot be read.
    """
    file, schema = first_schema(source, splits(source))
    if schema:
        check_names(file, schema, dict.fromkeys(source.columns or (), f"{source.key_path}.columns"))
        check_names(file, schema, needed)
    for column, who in needed.items():
        if source.columns is not None and column not in source.columns:
            raise left_out(column, who, source)


def left_out(column: str, who: str, source: Source) -> MissingColumnError:
    """The error for a needed column that is not read, because `columns` of its source do not name it."""
    option = f"{source.key_path}.columns"
    return MissingColumnError(f"{option} does not name {column!r}, which {who} needs; add it, or leave {option} out")


def check_names(file: str, columns: Mapping[str, Any], needed: Mapping[str, str]) -> None:
    """Raises MissingColumnError if a file with these columns lacks one of `needed` (column -> what needs it)."""
    missing = [_missing(file, column, who, columns) for column, who in needed.items() if column not in columns]
    if missing:
        names = sorted(columns)
        shown = ", ".join(names[:_SHOWN_COLUMNS]) + (", ..." if len(names) > _SHOWN_COLUMNS else "")
        cure = _other_delimiter(columns) or "; name one of these, or add the column to the data"
        raise MissingColumnError(f"{file} has no {'; no '.join(missing)}. It has: {shown}{cure}")


def _other_delimiter(columns: Mapping[str, Any]) -> str:
    """Advice to set the delimiter, if there is only one column and its name contains what may be one."""
    delimiter = re.search(r"[;\t|,]", next(iter(columns))) if len(columns) == 1 else None
    return "" if delimiter is None else f"; is the delimiter {delimiter[0]!r}? If so, set inputs.options.delimiter"


def _missing(file: str, column: str, who: str, columns: Mapping[str, Any]) -> str:
    partition = listing.partition_of(file, column)
    near = nearest(column, columns)
    hint = f" (did you mean {near!r}?)" if near else ""
    if partition:
        hint = f" (it is only in the name of the folder {partition}; write it into the files as well)"
    return f"column {column!r}, which {who} needs{hint}"


def shown_and_guessed(source: Source, columns: Mapping[str, Any]) -> list[str]:
    """Those of the columns whose values are shown and whose types are not declared."""
    declared = declared_types(source)
    shown = columns if source.shown is None else source.shown
    return [name for name in shown if name in columns and name not in declared]


def to_read_fewer(source: Source) -> str:
    """More advice about a column that cannot be read, if all columns are read: this one may not be needed."""
    return "" if source.columns is not None else f", or name the columns to read in {source.key_path}.columns"


def first_schema(source: Source, splits: Sequence[Split]) -> tuple[str, dict[str, pa.DataType]]:
    """The first file that has rows, and its columns; if none has rows, the last file and no columns."""
    form = format_of(source)
    file, schema = "", {}
    for file in (file for split in splits for file in split.files):
        schema = form.schema(file, source)
        if schema:
            break
    return file, schema


def _check_lists(key_path: str, options: Mapping[str, Any]) -> None:
    """Checks the shapes of the options that hold several values."""
    for option in {"columns", "null_values"} & options.keys():
        texts = options[option]
        if not isinstance(texts, list | tuple):
            raise ConfigError(f"{key_path}.options.{option} is {texts!r}; expected a list of texts")
        for i, text in enumerate(texts):
            if not isinstance(text, str):
                raise ConfigError(f"{key_path}.options.{option}[{i}]: expected text, found {text!r}")
    if "columns" in options and not options["columns"]:
        raise ConfigError(f"{key_path}.options.columns is empty; expected a name for each column, or no such option")
    if not isinstance(options.get("types", {}), Mapping):
        raise ConfigError(f"{key_path}.options.types is {options['types']!r}; expected column: type")


def _check_texts(key_path: str, options: Mapping[str, Any]) -> None:
    """Checks the options that are texts of a certain form."""
    for option in ("delimiter", "quote", "escape"):
        value = options.get(option, ",")
        if not isinstance(value, str) or len(value) != 1 or not value.isascii() or value in "\r\n\0":
            raise ConfigError(f"{key_path}.options.{option} is {value!r}; expected one ASCII character")
    encoding = options.get("encoding", "utf-8")
    try:
        if not isinstance(encoding, str) or not codecs.lookup(encoding)._is_text_encoding:
            raise LookupError
    except (LookupError, ValueError):
        raise ConfigError(
            f"{key_path}.options.encoding is {encoding!r}; expected that of an encoding of text, such as utf-8, utf-16 "
            "or latin-1"
        ) from None


def _check_option(form: str, option: str, path: str) -> None:
    known = _OPTIONS[form]
    if option not in known:
        there_are = one_of(option, known) if known else "; it has none: remove it"
        raise ConfigError(f"{path}.{option}: the format {form} has no such option{there_are}")


def _one_of(what: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        expected = ", ".join(known) or "none"
        raise ConfigError(f"{what} is {value!r}; expected one of {expected}{hint(str(value), known)}")
