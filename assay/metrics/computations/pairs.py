"""Sums over the predictions of a model beside those of the baseline."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from assay.metrics.computations.table import States, Table
from assay.metrics.computations.terms import ErrorTerms, Term, TermTable
from assay.metrics.entries.domains import NUMBERS, Domain
from assay.metrics.entries.streams import Reads
from assay.metrics.entries.views import Vectors
from assay.metrics.values import Floats

BOTH_MODELS = Reads(labels=False, baseline=True)
"""The predictions of a model and of the baseline, which need no labels."""


class FlipTerms(NamedTuple):
    """Weights by where the baseline's prediction and the model's lie, in this order; all of shape (s,)."""

    weight: Floats
    neg_to_neg: Floats
    neg_to_pos: Floats
    pos_to_neg: Floats
    pos_to_pos: Floats


@dataclass(frozen=True)
class Flips:
    """Weights of rows by whether each of two predictions is above a threshold.

    Attributes:
        threshold: a prediction is positive where it is above.
        chosen: the fields that a config has set.
    """

    threshold: float = 0.5
    chosen: tuple[str, ...] = field(default=(), compare=False)
    reads: ClassVar[Reads] = BOTH_MODELS

    @property
    def domain(self) -> Domain:
        """Probabilities, unless somebody has chosen a threshold, who knows what the scores are."""
        low, high = (-math.inf, math.inf) if "threshold" in self.chosen else (0.0, 1.0)
        return Domain(low=low, high=high, compares=True)

    @property
    def _terms(self) -> tuple[Term, ...]:
        kinds = ((False, False), (False, True), (True, False), (True, True))
        return ("weight", *(("flips", was, is_now, self.threshold) for was, is_now in kinds))

    def tables(self) -> tuple[Table, ...]:
        """Weights, and those of each of the four cases."""
        return (TermTable(self._terms),)

    def read(self, states: States) -> FlipTerms:
        """The five sums."""
        table, sums = states(*self.tables())
        return FlipTerms(*(sums[:, table.terms.index(term)] for term in self._terms))


@dataclass(frozen=True)
class PairMean:
    """Sum of a term of `pair_terms`, and of the weights of the rows that have it.

    Attributes:
        term: its name.
        weight: name of the term for the weights.
        of_vectors: whether it compares vectors of several numbers.
    """

    term: str
    weight: str = "weight"
    of_vectors: bool = False
    reads: ClassVar[Reads] = BOTH_MODELS

    @property
    def domain(self) -> Domain:
        """Predictions of any kind; or vectors of them."""
        return NUMBERS._replace(view=Vectors()) if self.of_vectors else NUMBERS

    def tables(self) -> tuple[Table, ...]:
        """Weights and the term."""
        return (TermTable((self.weight, self.term)),)

    def read(self, states: States) -> ErrorTerms:
        """The two sums."""
        table, sums = states(*self.tables())
        return ErrorTerms(*(sums[:, table.terms.index(term)] for term in (self.weight, self.term)))
