"""What one query is worth by each measure of ranked lists, and the sums of these over queries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from assay.metrics.computations.score_bins import ScoreBins
from assay.metrics.computations.table import States, Table
from assay.metrics.computations.terms import ErrorTerms
from assay.metrics.entries.domains import Domain
from assay.metrics.entries.examples import Examples
from assay.metrics.entries.queries import Queries
from assay.metrics.entries.streams import Reads
from assay.metrics.entries.views import Ranked
from assay.metrics.states.contributions import Terms, Values
from assay.metrics.states.dense import TermSums
from assay.metrics.states.extremes import ExtremeStore
from assay.metrics.values import Floats

RANKED = Domain(view=Ranked())
"""Rows with one number each, which ranks them."""


def _ndcg(q: Queries, top_k: int) -> Floats:
    best = q.sums(of_first(q, top_k, q.best_gains * q.discounts))
    return np.where(best > 0, q.sums(of_first(q, top_k, q.gains * q.discounts)) / best, np.nan)


def _first_position(q: Queries, top_k: int) -> Floats:
    first = np.minimum.reduceat(np.where(q.gains > 0, q.rank, np.inf), q.start[:-1]) if len(q.sizes) else np.zeros(0)
    return np.where(np.isinf(first), np.nan, first)


def _reciprocal_rank(q: Queries, top_k: int) -> Floats:
    first = _first_position(q, 0)
    return np.where(first > (top_k or np.inf), 0.0, 1 / first)


def _average_precision(q: Queries, top_k: int) -> Floats:
    relevant = (q.gains > 0).astype(np.float64)
    total = q.sums(relevant)
    precision = (np.cumsum(relevant) - np.repeat(np.cumsum(total) - total, q.sizes)) / q.rank
    most = np.minimum(total, top_k or np.inf)
    return np.where(total > 0, q.sums(of_first(q, top_k, relevant * precision)) / most, np.nan)


def _precision(q: Queries, top_k: int) -> Floats:
    return q.sums(of_first(q, top_k, q.gains > 0)) / (top_k or q.sizes)


def _recall(q: Queries, top_k: int) -> Floats:
    total = q.sums((q.gains > 0).astype(np.float64))
    return np.where(total > 0, q.sums(of_first(q, top_k, q.gains > 0)) / total, np.nan)


def _hit(q: Queries, top_k: int) -> Floats:
    first = _first_position(q, 0)
    return np.where(np.isnan(first), np.nan, first <= (top_k or np.inf))


def of_first(q: Queries, top_k: int, values: Floats | np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Floats:
    """The values of the first k rows of each query, 0 for the others; of all rows where k is 0."""
    return np.where(q.rank <= top_k, values, 0.0) if top_k else values.astype(np.float64)


MEASURES: Mapping[str, Callable[[Queries, int], Floats]] = {
    "ndcg": _ndcg,
    "first_position": _first_position,
    "reciprocal_rank": _reciprocal_rank,
    "average_precision": _average_precision,
    "precision": _precision,
    "recall": _recall,
    "hit": _hit,
    "one": lambda q, top_k: np.ones(len(q.sizes)),
    "rows": lambda q, top_k: q.sizes.astype(np.float64),
}
"""Name -> the value (q,) of each query, over its first k rows (0: all); NaN where the query has none."""


@dataclass(frozen=True)
class QueryTable:
    """For each measure two sums: of the weights of queries that have a value, and of weight times value.

    Attributes:
        measures: name and k of each.
    """

    measures: tuple[tuple[str, int], ...]

    def join(self, other: QueryTable) -> QueryTable:
        """The table of both tables' measures."""
        return QueryTable(tuple(dict.fromkeys(self.measures + other.measures)))

    def empty(self) -> TermSums:
        """Zeros."""
        return TermSums(2 * len(self.measures))

    def contribution(self, examples: Examples, bins: ScoreBins) -> Terms:
        """(q, 2 * measures)."""
        assert examples.queries is not None
        columns = []
        with np.errstate(all="ignore"):
            for name, top_k in self.measures:
                values = MEASURES[name](examples.queries, top_k)
                weights = np.where(np.isnan(values), 0.0, examples.weights)
                columns += [weights, weights * np.nan_to_num(values)]
        return Terms(np.stack(columns, axis=1), None)


@dataclass(frozen=True)
class QueryMean:
    """The mean of a measure over queries.

    Attributes:
        measure: one of `MEASURES`.
        top_k: how many rows of a query count; 0 for all.
        column: of the data, what a row is worth; "" where the label says it.
    """

    measure: str
    top_k: int = 0
    column: str = ""
    domain: ClassVar[Domain] = RANKED

    @property
    def reads(self) -> Reads:
        """Labels, or the column instead."""
        return Reads(labels=not self.column, gains=("features", self.column) if self.column else ())

    def tables(self) -> tuple[Table, ...]:
        """Sums of the measure."""
        return (QueryTable(((self.measure, self.top_k),)),)

    def read(self, states: States) -> ErrorTerms:
        """Weight and weighted value, (s,)."""
        table, sums = states(*self.tables())
        at = 2 * table.measures.index((self.measure, self.top_k))
        return ErrorTerms(sums[:, at], sums[:, at + 1])


@dataclass(frozen=True)
class ExtremeTable:
    """The least and the greatest number of rows of a query, times its weight."""

    def join(self, other: ExtremeTable) -> ExtremeTable:
        """Itself: there are no settings."""
        return self

    def empty(self) -> ExtremeStore:
        """Nothing."""
        return ExtremeStore()

    def contribution(self, examples: Examples, bins: ScoreBins) -> Values:
        """One value a query."""
        assert examples.queries is not None
        return Values(examples.weights * examples.queries.sizes, None)


@dataclass(frozen=True)
class QuerySizes:
    """The least and the greatest number of rows of a query."""

    domain: ClassVar[Domain] = RANKED
    reads: ClassVar[Reads] = Reads(labels=False)

    def tables(self) -> tuple[Table, ...]:
        """Both."""
        return (ExtremeTable(),)

    def read(self, states: States) -> Floats:
        """(s, 2), NaN without a query."""
        extremes: Floats = states(*self.tables())[1]
        return extremes
