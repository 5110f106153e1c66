"""Terms that other tables of a stream add up to anyway, so that no row has to be counted twice."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from assay.metrics.computations.scores import PredictionTable, ScoreTable
from assay.metrics.computations.table import Entries, Table
from assay.metrics.values import Floats

SOURCES: dict[str, type[ScoreTable] | type[PredictionTable]] = {
    "weight": ScoreTable,
    "label": ScoreTable,
    "prediction": PredictionTable,
}
"""Term -> the table whose cells add up to it."""


def without_derived(terms: Iterable[str], tables: Iterable[Table]) -> tuple[str, ...]:
    """The terms that do not follow from the given tables."""
    kinds = {type(table) for table in tables}
    return tuple(term for term in terms if SOURCES.get(term) not in kinds)


def derived(term: str, entries: Entries) -> Floats:
    """The sum of a term in each slice, (s,), from the entries of its source."""
    if term == "label":  # score cells are odd where the label is positive
        odd = np.flatnonzero(entries.cells & 1)
        return np.bincount(entries.slices[odd], entries.sums[odd], minlength=entries.slice_count)
    return np.bincount(entries.slices, entries.sums, minlength=entries.slice_count)
