"""The first rows of a plan's data, evaluated in process: what they prove wrong is told as a run tells it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

import pyarrow as pa

from assay.config.resolved import columns_of
from assay.errors import ColumnTypeError
from assay.extracts.columns import row_count
from assay.metrics.analysis import Analysis
from assay.metrics.binding.metric import asked_of
from assay.metrics.engine import Accumulator
from assay.metrics.entries.selection import weights_of
from assay.metrics.row_checks import judge_columns
from assay.metrics.states.slice_limit import SliceLimit
from assay.models.preprocessing import transforms_features
from assay.readers.bad_rows import refusal
from assay.readers.batches import extracts_of
from assay.readers.source import Source, Split, splits, wanted
from assay.run.context import Context
from assay.run.inputs import source_of
from assay.sample.evaluated import states_of, with_columns
from assay.sample.first_rows import first_rows, rows_in_words
from assay.slicing.specs import slicings_of
from assay.types import Extracts

_MOST_ROWS = 5_000
_MOST_BYTES = 64 << 20
_MOST_FILES = 8
_WHO = "the check"


@dataclass
class _Seen:
    """How many rows were read, and whether there are no others."""

    rows: int = 0
    are_all: bool = True


def can_be_read(context: Context) -> bool:
    """Whether rows can be had without a run, as the metrics will see them.

    Not where the user's own code reads or changes them, or a model makes their labels, and not where two sources have
    yet to be joined.
    """
    inputs = context.plan.inputs
    return not (
        context.has_own_stages
        or transforms_features(context.eval_config)
        or context.in_memory.reader is not None
        or "factory" in inputs
        or inputs.get("join")
    )


def check_rows(context: Context) -> int:
    """Reads and evaluates the first rows; where models have yet to predict, only labels, weights and slices.

    What other rows may set right is not told: that a positive label does not occur, or how many rows are bad where
    such rows are left out.

    Args:
        context: of a plan whose files and columns were checked.

    Returns:
        How many rows were looked at.

    Raises:
        InputError: as a run would raise it, and where it was seen.
    """
    source, seen = _source_of(context), _Seen()
    try:
        batches = _first_batches(source, seen)
        if context.models:
            _check_columns(context, batches)
        else:
            _evaluate(context, batches, seen)
    except ColumnTypeError as error:
        if not seen.rows:
            raise
        raise ColumnTypeError(f"{error} (seen in {rows_in_words(seen.rows)})") from error
    return seen.rows


def _source_of(context: Context) -> Source:
    """What to read: of data that models have yet to see, only what the config itself needs."""
    source, config = source_of(context), context.eval_config
    if not context.models:
        return source
    return replace(source, raw=False, columns=tuple(columns_of(config, models=[m.name for m in config.model_specs])))


def _first_batches(source: Source, seen: _Seen) -> Iterator[Extracts]:
    """The batches of a run, as many as are within the bounds."""
    all_splits = splits(source)
    columns = wanted(source, all_splits)
    files = [(split, at) for split in all_splits for at in range(len(split.files))]
    size = 0
    for split, at in islice(files, _MOST_FILES) if columns else ():
        if seen.rows >= _MOST_ROWS or size > _MOST_BYTES:
            seen.are_all = False
            return
        for batch in _first_of_file(source, columns, split, at, seen):
            size += sum(column.nbytes for column in batch["features"].values())
            yield batch
    seen.are_all &= len(files) <= _MOST_FILES


def _first_of_file(
    source: Source, columns: Mapping[str, pa.DataType], split: Split, at: int, seen: _Seen
) -> Iterator[Extracts]:
    file, file_id = split.files[at], split.ids[at]
    found = first_rows(
        file,
        source,
        columns,
        refusal(file, source.on_bad_rows, Counter()),
        most_rows=_MOST_ROWS - seen.rows,
        most_bytes=_MOST_BYTES,
        batch_rows=source.rows_per_batch,
    )
    seen.rows += found.rows
    seen.are_all &= found.is_all
    for rows in found.batches:
        yield extracts_of(rows, split=split.index, file=file, file_id=file_id)


def _check_columns(context: Context, batches: Iterator[Extracts]) -> None:
    """Looks at what no model changes. What texts of labels mean, a model may say beside its scores."""
    slicings, metrics = slicings_of(context.eval_config), context.metrics
    sources = [source for source in asked_of(metrics) if not source.reads.feature]
    for batch in batches:
        extracts = with_columns(context.eval_config, batch, slicings, _WHO, has_predictions=False)
        for source in sources:
            weights_of(extracts, source)


def _evaluate(context: Context, batches: Iterator[Extracts], seen: _Seen) -> None:
    config, skip = context.eval_config, context.skips_bad_rows
    limit = SliceLimit(slicings_of(config), context.plan.max_slices)
    analysis = Analysis(context.metrics, limit, skip_bad_rows=skip)
    accumulator = Accumulator(analysis)
    good = 0
    for batch in batches:
        extracts = with_columns(config, batch, analysis.slicings, _WHO)
        good += row_count(extracts) - sum(accumulator.add(extracts).values())
        if len(analysis.passes) > 1:
            for _ in states_of(accumulator, extracts, analysis):  # rows of a query may not go together
                pass

    # Of rows that are left out, others may be few.
    if seen.are_all or not skip or not good:
        judge_columns([accumulator.tallies], analysis.asked, are_all=seen.are_all)
