"""Means over rows that have a score for each class."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

from assay.metrics.computations.table import States, Table
from assay.metrics.computations.terms import ErrorTerms, Term, TermTable
from assay.metrics.entries.domains import ANY_CLASSES, ONE_CLASS, Domain
from assay.metrics.entries.streams import Reads
from assay.metrics.entries.views import Vectors


def _mean(term: Term, states: States) -> ErrorTerms:
    table, sums = states(_table(term))
    return ErrorTerms(*(sums[:, table.terms.index(one)] for one in ("weight", term)))


def _table(term: Term) -> TermTable:
    return TermTable(("weight", term))


@dataclass(frozen=True)
class RowMean:
    """Sum of a term of `class_terms`, and of the weights.

    Attributes:
        term: its name.
        one_class: whether a row has one class at most.
    """

    term: str
    one_class: bool
    reads: ClassVar[Reads] = Reads()

    @property
    def domain(self) -> Domain:
        """Scores of any kind."""
        return ONE_CLASS if self.one_class else ANY_CLASSES

    def tables(self) -> tuple[Table, ...]:
        """Weights and the term."""
        return (_table(self.term),)

    def read(self, states: States) -> ErrorTerms:
        """The two sums."""
        return _mean(self.term, states)


@dataclass(frozen=True)
class TopHits:
    """Weight of the rows whose class is among the k highest scores, and of all.

    Attributes:
        k: how many scores count; there must be as many classes.
    """

    k: int = 5
    reads: ClassVar[Reads] = Reads()

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError("k must be above 0")

    @property
    def domain(self) -> Domain:
        """Scores of any kind, at least k."""
        return ONE_CLASS._replace(view=Vectors(max(self.k, Vectors.least)))

    def tables(self) -> tuple[Table, ...]:
        """Weights and hits."""
        return (_table(("top_hit", self.k)),)

    def read(self, states: States) -> ErrorTerms:
        """The two sums."""
        return _mean(("top_hit", self.k), states)


@dataclass(frozen=True)
class PredictedClasses:
    """Sum of a term of `class_terms` that depends on which classes have scores above a threshold, and of the weights.

    Attributes:
        term: its name.
        threshold: a class is predicted where its score is above.
        chosen: the fields that a config has set.
    """

    term: str
    threshold: float = 0.5
    chosen: tuple[str, ...] = field(default=(), compare=False)
    reads: ClassVar[Reads] = Reads()

    @property
    def domain(self) -> Domain:
        """Probabilities, unless somebody has chosen a threshold, who knows what the scores are."""
        low, high = (-math.inf, math.inf) if "threshold" in self.chosen else (0.0, 1.0)
        return ANY_CLASSES._replace(low=low, high=high)

    def tables(self) -> tuple[Table, ...]:
        """Weights and the term."""
        return (_table((self.term, self.threshold)),)

    def read(self, states: States) -> ErrorTerms:
        """The two sums."""
        return _mean((self.term, self.threshold), states)
