"""The states of blocks of slices: summed over the batches of a bundle, and merged once all have met.

All that a bundle sums up is one output. Flink writes an element once for each output of the step that it comes from, so
that counts or tallies in outputs beside the states would make these travel several times.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, NamedTuple, TypeAlias

import apache_beam as beam
import numpy as np
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from assay.engine import memory
from assay.engine.counting import counted_in
from assay.metrics.analysis import Analysis
from assay.metrics.by_query import by_bucket, states_of_bucket
from assay.metrics.engine import Accumulator
from assay.metrics.row_checks import Tallies, together
from assay.metrics.split_states import BlockKey
from assay.metrics.states.forest import Forest, Node
from assay.metrics.states.partial import Partial, side_by_side
from assay.types import Extracts
from assay.verdict import Counts, total

COUNTED: BlockKey = (-1, 0)
"""The key of counts, in place of a block of slices."""


class Share(NamedTuple):
    """What one bundle holds of a block of slices, or one bucket of queries.

    Attributes:
        number: of the pass over the data.
        nodes: its states, by node of the tree of splits.
        tallies: what its columns hold, of all blocks alike: so each can be judged alone.
    """

    number: int
    nodes: Mapping[Node, Partial]
    tallies: Tallies

    def joined_on_arrival(self, other: Share) -> Share | None:
        """Both as one, if they are of one pass; see `Joining` of worker processes."""
        if self.number != other.number:
            return None
        forest = Forest(self.nodes)
        for node, part in other.nodes.items():
            forest.add(node, part)
        return Share(self.number, forest.nodes, together((self.tallies, other.tallies)))


Summed: TypeAlias = tuple[BlockKey, Share | Counts]


class SumBlocks(beam.PTransform):
    """PCollection[Extracts] -> for each block of slices, and for `COUNTED`, all that bundles hold of it.

    Args:
        analysis: what is computed.
        counts: whether counts of rows, bad ones too, are summed as well: once in a run.
    """

    def __init__(self, analysis: Analysis, *, counts: bool = True) -> None:
        super().__init__()
        self._analysis, self._counts = analysis, counts

    def expand(self, extracts: beam.PCollection[Extracts]) -> beam.PCollection[tuple[BlockKey, Iterable[Any]]]:
        accumulate = beam.ParDo(_Accumulate(self._analysis, self._counts)).with_output_types(Summed)
        taken_along = _taken_along(extracts) if self._counts else ()
        summed = [*taken_along, extracts | "Accumulate" >> accumulate]
        for number, one in enumerate(self._analysis.passes[1:], 1):
            key, settings = one.query_key, (self._analysis, one.query_key, number)
            summed.append(
                extracts
                | f"Cut({key})" >> beam.FlatMap(by_bucket, *settings[:2])
                | f"WholeQueries({key})" >> beam.GroupByKey()
                | f"Accumulate({key})" >> beam.FlatMap(_of_bucket, *settings).with_output_types(Summed)
            )
        together = summed[0] if len(summed) == 1 else summed | "Together" >> beam.Flatten()
        return together | "Meet" >> beam.GroupByKey()


def _taken_along(extracts: beam.PCollection[Extracts]) -> Iterator[beam.PCollection[Summed]]:
    """The counts of the steps before, which are outputs of the same worker's step; in memory they cost nothing."""
    if isinstance(extracts.pipeline.runner, FnApiRunner):
        return
    for i, counts in enumerate(counted_in(extracts.pipeline)):
        yield counts | f"TakeAlong({i})" >> beam.Map(_counted).with_output_types(Summed)


def _counted(counts: Counts) -> Summed:
    return COUNTED, counts


class _Accumulate(beam.DoFn):
    """Extracts -> one element for each block of slices, and the bad rows, once for each bundle."""

    def __init__(self, analysis: Analysis, counts: bool) -> None:
        self._analysis, self._counts = analysis, counts

    def start_bundle(self) -> None:
        self._accumulator, self._bad_rows = Accumulator(self._analysis), Counts(0)

    def process(self, extracts: Extracts) -> None:
        bad_rows = {reason: rows for reason, rows in self._accumulator.add(extracts).items() if rows}
        if bad_rows and self._counts:
            self._bad_rows = total((self._bad_rows, Counts(0, bad_rows)))
        memory.check_process()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        window = GlobalWindow()
        for element in self._summed():
            yield WindowedValue(element, window.max_timestamp(), [window])
        self.start_bundle()

    def _summed(self) -> Iterator[Summed]:
        tallies = self._accumulator.tallies
        empty = {(i, n) for i in range(len(self._analysis.slicings)) for n in range(self._analysis.limit.blocks(i))}
        for key, parts in groupby(self._accumulator.parts(), key=lambda element: element[0]):
            empty.discard(key)
            yield key, Share(0, dict(element for _, element in parts), tallies)

        # Blocks that have no rows here may have some elsewhere, and are judged by all rows.
        for key in sorted(empty):
            yield key, Share(0, {}, tallies)
        if self._bad_rows != Counts(0):
            yield COUNTED, self._bad_rows


def _of_bucket(
    element: tuple[int, Iterable[Extracts]], analysis: Analysis, query_key: str, number: int
) -> Iterator[Summed]:
    bucket, batches = element
    for key, (node, part) in states_of_bucket(bucket, list(batches), analysis, query_key):
        yield key, Share(number, {node: part}, {})


def merged(shares: Iterable[Share], analysis: Analysis) -> Partial | None:
    """The state of a block of slices, whatever order its shares come in; None of one without rows. See `Forest`."""
    forests = [Forest() for _ in analysis.passes]
    for share in shares:
        for node, part in share.nodes.items():
            forests[share.number].add(node, part)
    if not any(forest.nodes for forest in forests):
        return None
    if len(forests) == 1:
        return forests[0].total()
    nothing = Partial([], np.zeros(0, np.int64), [])
    totals = [forest.total() if forest.nodes else nothing for forest in forests]
    return side_by_side(totals, [one.layout.stores() for one in analysis.passes])
