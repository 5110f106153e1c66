"""The tables behind all metrics, in a fixed order, and what a batch adds to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from assay.metrics.binding.metric import Metric
from assay.metrics.binding.spreads import Pair
from assay.metrics.computations.derived import without_derived
from assay.metrics.computations.score_bins import ScoreBins
from assay.metrics.computations.table import Computation, Table
from assay.metrics.computations.terms import TermTable
from assay.metrics.entries.examples import Examples
from assay.metrics.entries.streams import Stream
from assay.metrics.states.lanes import OfRows, lane_store, of_rows
from assay.metrics.states.state import Store


@dataclass(frozen=True)
class Layout:
    """The physical tables of all metrics, in a fixed order, so that states of different workers fit together."""

    tables: tuple[tuple[Stream, Table], ...]

    def stores(self, resamples: int = 1) -> list[Store]:
        """Where batches are added, one store for each table; all are empty."""
        return [lane_store(table.empty(), stream.view.parts, resamples) for stream, table in self.tables]

    def contributions(self, examples: Mapping[Stream, Examples]) -> list[OfRows]:
        """What a batch adds to each table, whatever the slices."""
        bins = {stream: ScoreBins(seen) for stream, seen in examples.items()}
        contributions = []
        for stream, table in self.tables:
            seen = examples[stream]
            contributions.append(of_rows(table.contribution(seen, bins[stream]), seen.rows, seen.part))
        return contributions


def serving(tables: Sequence[Table], table: Table) -> int:
    """Position of the joined table, among those of a stream, that serves `table`."""
    for i, joined in enumerate(tables):
        if type(joined) is type(table) and joined.join(table) == joined:
            return i
    raise LookupError(f"no table serves {table}")


def layout_of(metrics: Iterable[Metric], pairs: Iterable[Pair] = ()) -> Layout:
    """Joins the tables that metrics and intervals of differences need; equal needs share one."""
    tables: list[tuple[Stream, Table]] = []
    for metric in metrics:
        for table in metric.tables:
            _join(tables, metric.stream, table)
    for pair in pairs:
        for table in pair.spread.tables():
            _join(tables, pair.stream, table)
    return Layout(tuple(_without_derived(tables)))


def _without_derived(tables: Sequence[tuple[Stream, Table]]) -> Iterator[tuple[Stream, Table]]:
    for stream, table in tables:
        if not isinstance(table, TermTable):
            yield stream, table
            continue
        terms = without_derived(table.terms, (other for owner, other in tables if owner == stream))
        if terms:
            yield stream, TermTable(terms)


def _join(tables: list[tuple[Stream, Table]], stream: Stream, table: Table) -> None:
    for i, (owner, other) in enumerate(tables):
        if owner == stream and type(other) is type(table):
            joined = other.join(table)
            if joined is not None:
                tables[i] = (stream, joined)
                return
    tables.append((stream, table))


def needs_of(metrics: Iterable[Metric], stream: Stream) -> dict[Computation, list[Metric]]:
    """The metrics of a stream by the state that they share."""
    shared: dict[Computation, list[Metric]] = {}
    for metric in metrics:
        if metric.stream == stream:
            shared.setdefault(metric.needs, []).append(metric)
    return shared
