"""The first stage: files -> batches of Extracts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import apache_beam as beam
import pyarrow as pa
from apache_beam.metrics import Metrics
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from assay.engine import progress
from assay.extracts.columns import row_count
from assay.readers.bad_rows import refusal
from assay.readers.batches import extracts_of
from assay.readers.source import Source, Split, expect, format_of, splits, wanted
from assay.types import READ_INPUTS_STAGE_NAME, Extracts


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
        all_splits = splits(self._source)
        expect(all_splits)
        columns = wanted(self._source, all_splits)
        return (
            pbegin
            | beam.Impulse()
            | "Splits" >> beam.FlatMap(_each, splits=all_splits).with_output_types(Split)
            | "Spread" >> Spread(len(all_splits))
            | "Read" >> beam.ParDo(_Read(self._source, columns)).with_output_types(dict)
        )


def _each(_: bytes, splits: Sequence[Split]) -> Sequence[Split]:
    return splits


class Spread(beam.PTransform):
    """Spreads splits over workers. The in-memory runner has only one, and needs no shuffle."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count

    def expand(self, splits: beam.PCollection[Split]) -> beam.PCollection[Split]:
        is_alone = self._count < 2 or isinstance(splits.pipeline.runner, FnApiRunner)
        return splits if is_alone else splits | beam.Reshuffle()


class _Read(beam.DoFn):
    """One split -> its batches, in order."""

    def __init__(self, source: Source, columns: Mapping[str, pa.DataType]) -> None:
        self._source = source
        self._columns = columns

    def process(self, split: Split) -> Iterator[Extracts]:
        yield from map(counted, read_split(split, self._source, self._columns))


def read_split(split: Split, source: Source, columns: Mapping[str, pa.DataType]) -> Iterator[Extracts]:
    """Yields the batches of a split, in order, with the given columns."""
    form = format_of(source)
    for file, file_id in zip(split.files, split.ids, strict=True):
        refuse = refusal(file, source.on_bad_rows)
        for batch in form.read(file, source, columns, refuse):
            yield extracts_of(batch, split=split.index, file=file, file_id=file_id)
        progress.reached(file, 1.0)


def counted(extracts: Extracts) -> Extracts:
    """Counts the rows that leave the stage, and returns the batch."""
    rows = row_count(extracts)
    Metrics.counter("assay", "rows").inc(rows)
    progress.add(READ_INPUTS_STAGE_NAME, rows)
    return extracts
