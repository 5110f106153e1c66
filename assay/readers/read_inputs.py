"""The first stage: files -> batches of Extracts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from assay.engine import memory, progress
from assay.engine.counting import Counting, Tally, told
from assay.engine.workers.runner import SPREAD, LocalRunner
from assay.extracts.columns import row_count
from assay.readers.bad_rows import refusal
from assay.readers.batches import extracts_of
from assay.readers.dealing import dealt
from assay.readers.pieces import cut, whole_files
from assay.readers.source import Source, Split, expect, format_of, splits, wanted
from assay.types import READ_INPUTS_STAGE_NAME, Extracts
from assay.verdict import Counts

_BYTES_PER_SECOND = {"parquet": 150e6, "csv": 80e6, "jsonl": 60e6, "tfrecord": 60e6}
"""Format -> bytes of files that one core reads and evaluates in a second, about; a model takes longer."""


class ReadInputs(beam.PTransform):
    """Reads files into Extracts: PBegin -> PCollection[Extracts].

    Each batch has `features` (column -> Arrow array of n rows), `_source` (where each row came from) and, if
    `source.raw`, `input` (binary array of the n serialised records). Files and columns are looked up when the pipeline
    is built, so anything missing is refused before the run.

    Raises:
        MissingFileError: a name or glob matches nothing.
        MissingColumnError: `source.columns` names a column that does not exist.
    """

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source

    def expand(self, pbegin: beam.Pipeline) -> beam.PCollection[Extracts]:
        """Applies the transform."""
        all_splits = cut(self._source, splits(self._source))
        expect(all_splits)
        tell_whole_files(self._source, all_splits, pbegin.pipeline.runner)
        columns = wanted(self._source, all_splits)
        return (
            pbegin
            | beam.Impulse()
            | "Splits" >> beam.FlatMap(_each, splits=dealt(all_splits, pbegin.pipeline)).with_output_types(Split)
            | SPREAD >> Spread(len(all_splits), seconds_of(self._source.format, all_splits))
            | "Read" >> Counting(beam.ParDo(_Read(self._source, columns)).with_output_types(dict))
        )


def tell_whole_files(source: Source, splits: Sequence[Split], runner: Any) -> None:
    """Tells whoever sees progress which large files are read by one process, where there may be several."""
    if not isinstance(runner, FnApiRunner) or (isinstance(runner, LocalRunner) and runner.most > 1):
        for line in whole_files(source, splits):
            progress.say(line)


def _each(_: bytes, splits: Sequence[Split]) -> Sequence[Split]:
    return splits


class Spread(beam.PTransform):
    """Spreads parts of an input over workers, where there are several.

    Args:
        count: how many parts there are.
        seconds: that one core needs for all, about.
    """

    def __init__(self, count: int, seconds: float) -> None:
        super().__init__()
        self._count, self._seconds = count, seconds

    def expand(self, parts: beam.PCollection[Any]) -> beam.PCollection[Any]:
        runner = parts.pipeline.runner
        if isinstance(runner, LocalRunner):
            is_shared = runner.shares(self._count, self._seconds)
        else:
            is_shared = not isinstance(runner, FnApiRunner)
        return parts | beam.Reshuffle() if is_shared and self._count > 1 else parts


class _Read(beam.DoFn):
    """One split -> its batches, in order."""

    def __init__(self, source: Source, columns: Mapping[str, pa.DataType]) -> None:
        self._source = source
        self._columns = columns

    def process(self, split: Split) -> Iterator[Any]:
        rows, skipped = 0, Counter[str]()
        for extracts in read_split(split, self._source, self._columns, skipped):
            rows += reached(extracts)
            yield extracts
        yield told(Counts(rows, skipped))


def seconds_of(form: str, splits: Sequence[Split]) -> float:
    """The seconds that one core needs to read and evaluate splits, about."""
    return sum(size for split in splits for size in split.sizes) / _BYTES_PER_SECOND[form]


def read_split(
    split: Split, source: Source, columns: Mapping[str, pa.DataType], skipped: Counter[str]
) -> Iterator[Extracts]:
    """Yields the batches of a split, in order, with the given columns; counts rows that are left out in `skipped`."""
    form = format_of(source)
    for file, file_id, name in zip(split.files, split.ids, split.names, strict=True):
        refuse = refusal(file, source.on_bad_rows, skipped)
        if split.is_part:
            batches = form.read_part(split, source, columns, refuse)
        else:
            batches = form.read(file, source, columns, refuse)
        for batch in batches:
            yield extracts_of(batch, split=split.index, file=file, file_id=file_id)
        progress.reached(name, 1.0)


class CountRows(beam.DoFn):
    """Batches, as they are read -> the same, and how many rows they have."""

    def start_bundle(self) -> None:
        self._tally = Tally()

    def process(self, extracts: Extracts) -> Iterator[Extracts]:
        self._tally.add(Counts(reached(extracts)))
        yield extracts

    def finish_bundle(self) -> Iterator[Any]:
        yield from self._tally.of_bundle()


def reached(extracts: Extracts) -> int:
    """Shows in the progress that a batch leaves the stage; returns its number of rows."""
    memory.check_process()
    rows = row_count(extracts)
    progress.add(READ_INPUTS_STAGE_NAME, rows)
    return rows
