"""Terms that other tables of a stream add up to anyway, so that no row has to be counted twice."""

from __future__ import annotations

from collections.abc import Iterable

from assay.metrics.computations.buckets import PredictionTable
from assay.metrics.computations.scores import ScoreTable
from assay.metrics.computations.squares import SquaredWeights
from assay.metrics.computations.table import Table
from assay.metrics.computations.terms import Term
from assay.metrics.states.cell_entries import CellEntries
from assay.metrics.values import Floats

SOURCES: dict[Term, type[ScoreTable] | type[PredictionTable] | type[SquaredWeights]] = {
    "weight": ScoreTable,
    "label": ScoreTable,
    "prediction": PredictionTable,
    ("product", "weight", "weight"): SquaredWeights,
    ("product", "label", "weight"): SquaredWeights,
}
"""Term -> the table whose cells add up to it."""

_OF_POSITIVES = ("label", ("product", "label", "weight"))


def without_derived(terms: Iterable[Term], tables: Iterable[Table]) -> tuple[Term, ...]:
    """The terms that do not follow from the given tables."""
    kinds = {type(table) for table in tables}
    return tuple(term for term in terms if SOURCES.get(term) not in kinds)


def derived(term: Term, entries: CellEntries) -> Floats:
    """The sum of a term in each slice, (s,), from the entries of its source."""
    if term in _OF_POSITIVES:  # cells are odd where the label is positive
        return entries.binned(entries.cells & 1, 2)[:, 1]
    return entries.binned(0, 1)[:, 0]
