"""One pass over batches, without Beam: batches in, as few partial states as possible out.

Batches are added to tables in place, slice by slice. Where the input is cut into splits, the state of each split is
taken out when it ends, and siblings in the tree of splits merge at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from assay.errors import PipelineError
from assay.extracts.columns import cut, row_count, take
from assay.metrics.binding.metric import Metric, asked_of
from assay.metrics.entries.bad_rows import faults, first_fault, where
from assay.metrics.entries.columns import Columns
from assay.metrics.entries.domains import Asked, common
from assay.metrics.entries.misfits import refuse_other_lengths, refuse_other_shapes, refuse_other_values
from assay.metrics.entries.selection import columns_of
from assay.metrics.entries.streams import Stream
from assay.metrics.entries.tallies import Tally, merged, tally_of
from assay.metrics.layout import Layout, layout_of
from assay.metrics.states.forest import UNPLACED, Forest, Node
from assay.metrics.states.partial import Partial
from assay.metrics.states.resampling import Resampling
from assay.metrics.states.slice_limit import SliceLimit
from assay.metrics.states.slices import Draw, SliceStates, block_count
from assay.slicing.codes import codes_of, without
from assay.slicing.specs import Slicing
from assay.types import (
    METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME,
    SLICE_KEY_EXTRACTOR_STAGE_NAME,
    SLICE_KEY_TYPES_KEY,
    SOURCE_KEY,
    Extracts,
)

BlockKey: TypeAlias = tuple[int, int]
"""Number of a slicing, and one of the blocks that its slices are spread over."""

_ENTRIES_AT_ONCE = 1 << 21
"""Numbers of the predictions of a batch that become entries together."""

Tallies: TypeAlias = Mapping[Stream, Tally]
"""What the columns of each source hold."""


@dataclass(frozen=True)
class Analysis:
    """What a pass over the batches computes.

    Attributes:
        metrics: the metrics and plots, bound to their settings.
        limit: the slicings, and how many slices one of them may make.
        resampling: the resamples behind confidence intervals; None without.
        skip_bad_rows: drop and count rows that no metric can take, instead of failing.
    """

    metrics: tuple[Metric, ...]
    limit: SliceLimit
    resampling: Resampling | None = None
    skip_bad_rows: bool = False

    @property
    def slicings(self) -> Sequence[Slicing]:
        """The slicings of the eval config."""
        return self.limit.slicings

    @cached_property
    def layout(self) -> Layout:
        """The tables that all metrics read."""
        return layout_of(self.metrics)

    @cached_property
    def streams(self) -> Sequence[Stream]:
        """The streams that metrics see, each once."""
        return list(dict.fromkeys(metric.stream for metric in self.metrics))

    @cached_property
    def asked(self) -> Mapping[Stream, Sequence[Asked]]:
        """The metrics that the columns of each source serve."""
        return asked_of(self.metrics)

    @cached_property
    def twins(self) -> Sequence[Sequence[int]]:
        """For each slicing, the earlier ones by the same features, which may have made some of its slices already."""
        twins = []
        for i, slicing in enumerate(self.slicings):
            twins.append([at for at, earlier in enumerate(self.slicings[:i]) if earlier.features == slicing.features])
        return twins


class Accumulator:
    """Adds batches up, split by split.

    Attributes:
        tallies: what the columns of each source have held so far, for `judge_columns`.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self.tallies: dict[Stream, Tally] = {}
        self._node: Node | None = None
        self._states: list[SliceStates] = []
        self._forests: dict[BlockKey, Forest] = {}

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
        rows = row_count(extracts)
        if not rows:
            return {}
        self._begin(_node_of(extracts))

        columns = {source: columns_of(extracts, source) for source in self._analysis.asked}
        good, bad_rows = self._checked(extracts, columns, rows)
        if not good.all():
            extracts = take(extracts, good)
            rows = row_count(extracts)
            columns = {source: columns_of(extracts, source) for source in columns} if rows else {}
        self._add_in_pieces(extracts, columns, rows)
        return bad_rows

    def parts(self) -> Iterator[tuple[BlockKey, tuple[Node, Partial]]]:
        """Takes out what was added, and lets go of each part as it is taken; the accumulator is empty then."""
        self._flush()
        while self._forests:
            key, forest = self._forests.popitem()
            for element in forest.nodes.items():
                yield key, element

    def _begin(self, node: Node) -> None:
        """Turns to a split, unless it is the one at hand."""
        if node == self._node:
            return
        self._flush()
        resampling = self._analysis.resampling
        for _ in self._analysis.slicings:
            stores = self._analysis.layout.stores()
            self._states.append(SliceStates(stores, resampling.states if resampling else 1))
        self._node = node

    def _checked(
        self, extracts: Extracts, columns: Mapping[Stream, Columns], rows: int
    ) -> tuple[np.ndarray[tuple[int], np.dtype[np.bool_]], dict[str, int]]:
        """Which rows (n,) every metric can take; and for each reason, the rows that are left out for it."""
        skip = self._analysis.skip_bad_rows
        good = np.ones(rows, bool)
        bad_rows: dict[str, int] = {}
        for source, seen in columns.items():
            asked = self._analysis.asked[source]
            refuse_other_shapes(seen, source, asked)
            by_reason = faults(seen, source, common(asked), rows=rows)
            tally = tally_of(seen, by_reason, rows=rows, where=where(extracts, 0), values=bool(by_reason) or skip)
            if by_reason and not skip:
                refuse_other_values(tally, source, asked)
                raise first_fault(by_reason, extracts, seen, source, asked)

            self.tallies[source] = merged([self.tallies.get(source, Tally()), tally])
            for reason, mask in by_reason.items():
                bad_rows[reason] = bad_rows.get(reason, 0) + int((mask & good).sum())
                good &= ~mask
        return good, bad_rows

    def _add_in_pieces(self, extracts: Extracts, columns: Mapping[Stream, Columns], rows: int) -> None:
        """A row of many classes becomes many entries: of a wide batch some rows at a time."""
        widest = max((seen.width for seen in columns.values()), default=1)
        step = max(1, _ENTRIES_AT_ONCE // widest)
        for start in range(0, rows, step):
            stop = min(start + step, rows)
            if stop - start == rows:
                self._add_to_slices(extracts, columns, rows)
                continue
            piece = {source: seen.cut(start, stop) for source, seen in columns.items()}
            self._add_to_slices(cut(extracts, start, stop), piece, stop - start)

    def _add_to_slices(self, extracts: Extracts, columns: Mapping[Stream, Columns], rows: int) -> None:
        analysis = self._analysis
        examples = {stream: stream.view.entries(columns[stream.source]) for stream in analysis.streams}
        contributions = analysis.layout.contributions(examples)
        slices = _slice_columns(extracts)
        codes = [codes_of(slices[slicing.name]) for slicing in analysis.slicings]
        draws = list(analysis.resampling.draws(extracts, rows)) if analysis.resampling else [Draw()]
        for i, (own, states, twins) in enumerate(zip(codes, self._states, analysis.twins, strict=True)):
            of_twins = {key for twin in twins for key in codes[twin].keys}
            states.add(without(own, of_twins) if of_twins else own, contributions, rows, draws)
            analysis.limit.check(i, len(states))

    def _flush(self) -> None:
        """Moves the states of the split that has ended into the forests, and lets go of each as it is taken out."""
        while self._states and self._node is not None:
            states = self._states.pop()
            slicing = len(self._states)
            blocks = block_count(len(self._analysis.slicings[slicing].features))
            for block, part in states.partials(blocks):
                forest = self._forests.setdefault((slicing, block), Forest())
                forest.add(self._node, part)
                self._analysis.limit.check_block(slicing, max(len(node.keys) for node in forest.nodes.values()))
        self._node = None


def judge_columns(tallies: Iterable[Tallies], asked: Mapping[Stream, Sequence[Asked]]) -> None:
    """Raises ColumnTypeError where a column, over the whole run, holds something else than a metric is for.

    Args:
        tallies: of all accumulators of the run.
        asked: the metrics that each stream serves.
    """
    total: dict[Stream, Tally] = {}
    for of_streams in tallies:
        total |= {stream: merged([total.get(stream, Tally()), tally]) for stream, tally in of_streams.items()}
    for stream, metrics in asked.items():
        tally = total.get(stream, Tally())
        refuse_other_lengths(tally, stream)
        refuse_other_values(tally, stream, metrics)


def _node_of(extracts: Extracts) -> Node:
    source = extracts.get(SOURCE_KEY)
    return (0, int(source["split"][0])) if source is not None else UNPLACED


def _slice_columns(extracts: Extracts) -> Mapping[str, pa.Array]:
    if SLICE_KEY_TYPES_KEY not in extracts:
        raise PipelineError(
            f"{METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME}: the Extracts have no slice keys, only {sorted(extracts)}; "
            f"set run_after to {SLICE_KEY_EXTRACTOR_STAGE_NAME!r} or a later extractor"
        )
    columns: Mapping[str, pa.Array] = extracts[SLICE_KEY_TYPES_KEY]
    return columns
