"""One pass over batches, without Beam: batches in, as few partial states as possible out.

Batches are added to tables in place, slice by slice. Where the input is cut into splits, the state of each split is
taken out when it ends, and siblings in the tree of splits merge at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa

from assay.errors import PipelineError
from assay.extracts.columns import Column, cut, is_list, leaves, row_count
from assay.metrics.analysis import Analysis
from assay.metrics.entries.columns import Columns
from assay.metrics.entries.entries import entries_of
from assay.metrics.entries.streams import Stream
from assay.metrics.row_checks import RowChecks, Tallies
from assay.metrics.row_hashes import row_hashes
from assay.metrics.split_states import BlockKey, SplitStates
from assay.metrics.states.forest import UNPLACED, Node
from assay.metrics.states.partial import Partial
from assay.metrics.states.slices import Draw
from assay.slicing.codes import KeysOfLast, codes_of
from assay.types import (
    METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME,
    PREDICTIONS_KEY,
    SLICE_KEY_EXTRACTOR_STAGE_NAME,
    SLICE_KEY_TYPES_KEY,
    SOURCE_KEY,
    Extracts,
)

_ENTRIES_AT_ONCE = 1 << 21
"""Numbers of the predictions of a batch that become entries together."""


class Accumulator:
    """Adds batches up, row by row."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis, self._pass = analysis, analysis.passes[0]
        self._checks = RowChecks(analysis)
        self._states = SplitStates(analysis, self._pass.layout)
        self._last_keys = [KeysOfLast() for _ in analysis.slicings]

    @property
    def tallies(self) -> Tallies:
        """What the columns of each source have held so far, for `judge_columns`."""
        return self._checks.tallies

    def add(self, extracts: Extracts) -> Mapping[str, int]:
        """Adds a batch with its slice keys.

        Args:
            extracts: labels, predictions, weights and slice keys as columns of as many rows.

        Returns:
            Reason -> rows that were left out for it, each under the first one, if bad rows are skipped.

        Raises:
            PipelineError: Extracts without slice keys.
            MissingColumnError: a column that a metric needs is not there.
            ColumnTypeError: a column of a type or shape that a metric cannot take.
            BadRowError: a row that no metric can take, if bad rows are not skipped.
            ConfigError: more slices than one slicing may make.
        """
        if not row_count(extracts):
            return {}
        self._states.begin(_node_of(extracts))
        bad_rows: Counter[str] = Counter()
        for piece in _pieces(extracts):
            good = self._checks.good_rows(piece)
            bad_rows.update(good.bad_rows)
            self._add(good.extracts, good.columns, row_count(good.extracts))
        return bad_rows

    def parts(self) -> Iterator[tuple[BlockKey, tuple[Node, Partial]]]:
        """Takes out what was added; the accumulator is empty then."""
        return self._states.parts()

    def _add(self, extracts: Extracts, columns: Mapping[Stream, Columns], rows: int) -> None:
        if not rows:
            return
        examples = {stream: entries_of(stream, columns) for stream in self._pass.streams}
        of_pairs = [stream for stream in examples if stream.reads.origins and stream.reads.baseline]
        if of_pairs:
            hashes = row_hashes(extracts, rows, 0)
            examples |= {stream: examples[stream]._replace(hashes=hashes) for stream in of_pairs}
        contributions = self._pass.layout.contributions(examples)
        slices, resampling = slice_columns(extracts), self._analysis.resampling
        slicings = zip(self._analysis.slicings, self._last_keys, strict=True)
        codes = [codes_of(slices[slicing.name], last) for slicing, last in slicings]
        draws = [Draw()] if resampling is None else list(resampling.draws(extracts, rows))
        self._states.add(codes, contributions, rows, draws)


def _pieces(extracts: Extracts) -> Iterator[Extracts]:
    """A row of many classes becomes many entries: of a wide batch some rows at a time."""
    rows = row_count(extracts)
    predictions = leaves({PREDICTIONS_KEY: extracts.get(PREDICTIONS_KEY, {})})
    step = max(1, _ENTRIES_AT_ONCE // max([1, *(_width(column) for _, column in predictions)]))
    if rows <= step:
        yield extracts
        return
    for start in range(0, rows, step):
        yield cut(extracts, start, min(start + step, rows))


def _width(column: Column) -> int:
    """Values of a row, about."""
    if isinstance(column, np.ndarray):
        return int(np.prod(column.shape[1:]))
    return len(column.flatten()) // max(len(column), 1) if is_list(column.type) else 1


def _node_of(extracts: Extracts) -> Node:
    source = extracts.get(SOURCE_KEY)
    return (0, int(source["split"][0])) if source is not None else UNPLACED


def slice_columns(extracts: Extracts) -> Mapping[str, pa.Array]:
    """Name of each slicing -> the slices of the rows.

    Raises:
        PipelineError: Extracts without slice keys.
    """
    if SLICE_KEY_TYPES_KEY not in extracts:
        raise PipelineError(
            f"{METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME}: the Extracts have no slice keys, only {sorted(extracts)}; "
            f"set run_after to {SLICE_KEY_EXTRACTOR_STAGE_NAME!r} or a later extractor"
        )
    columns: Mapping[str, pa.Array] = extracts[SLICE_KEY_TYPES_KEY]
    return columns
