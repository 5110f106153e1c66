"""Measures of ranked lists of which each is one row, as TensorFlow Ranking defines them, and their means over rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from assay.metrics.computations.ranking import MEASURES, of_first
from assay.metrics.computations.table import States, Table
from assay.metrics.computations.terms import TERMS, ErrorTerms, TermTable
from assay.metrics.entries.domains import Domain
from assay.metrics.entries.examples import Examples
from assay.metrics.entries.queries import Queries
from assay.metrics.entries.streams import Reads
from assay.metrics.entries.views import RowLists
from assay.metrics.values import Floats

_WEIGHT, _TERM = "weight_of_list", "measure_of_list"


def _graded(q: Queries) -> Queries:
    """The gain of a document is 2 ** label - 1."""
    return Queries(np.exp2(q.gains) - 1, q.start)


def _relevant(q: Queries) -> Queries:
    """A document is relevant from a label of 1 on."""
    return Queries((q.gains >= 1).astype(np.float64), q.start)


def _dcg(q: Queries, topn: int) -> Floats:
    return q.sums(of_first(q, topn, q.gains * q.discounts))


def _precision(q: Queries, topn: int) -> Floats:
    return q.sums(of_first(q, topn, q.gains)) / np.minimum(topn or np.inf, q.sizes)


LIST_MEASURES: Mapping[str, Callable[[Queries, int], Floats]] = {
    "ndcg": lambda q, topn: MEASURES["ndcg"](_graded(q), topn),
    "dcg": lambda q, topn: _dcg(_graded(q), topn),
    "reciprocal_rank": lambda q, topn: MEASURES["reciprocal_rank"](_relevant(q), topn),
    "precision": lambda q, topn: _precision(_relevant(q), topn),
    "recall": lambda q, topn: MEASURES["recall"](_relevant(q), topn),
    "average_precision": lambda q, topn: MEASURES["average_precision"](_relevant(q), 0),
}
"""Name -> the value (q,) of each list, over its first documents; NaN, which counts as 0, where none is relevant."""


@dataclass(frozen=True)
class ListMean:
    """The mean of a measure over rows that are lists.

    Attributes:
        measure: one of `LIST_MEASURES`.
        topn: how many documents of a list count; 0 for all.
    """

    measure: str
    topn: int = 0
    domain: ClassVar[Domain] = Domain(view=RowLists())
    reads: ClassVar[Reads] = Reads()

    def __post_init__(self) -> None:
        if self.topn < 0:
            raise ValueError("topn must be above 0")

    def tables(self) -> tuple[Table, ...]:
        """Weights of lists with a document, and the measure."""
        return (TermTable((_WEIGHT, (_TERM, self.measure, self.topn))),)

    def read(self, states: States) -> ErrorTerms:
        """Weight and weighted value, (s,)."""
        (table,) = self.tables()
        table, sums = states(table)
        return ErrorTerms(*(sums[:, table.terms.index(term)] for term in (_WEIGHT, (_TERM, self.measure, self.topn))))


def _weight(e: Examples) -> Floats:
    return e.weights * (e.labels >= 0).any(axis=-1)


def _measure(e: Examples, measure: str, topn: int) -> Floats:
    """The weighted measure of each list, without the documents whose label is negative: these are none."""
    rows, at = np.nonzero(e.labels >= 0)
    labels, predictions = e.labels[rows, at], e.predictions[rows, at]
    order = np.lexsort((-predictions, rows))
    lists, start = np.unique(rows, return_index=True)

    values = np.zeros(len(e.weights))
    values[lists] = np.nan_to_num(LIST_MEASURES[measure](Queries(labels[order], np.append(start, len(rows))), topn))
    return e.weights * values


TERMS[_WEIGHT] = _weight
TERMS[_TERM] = _measure
