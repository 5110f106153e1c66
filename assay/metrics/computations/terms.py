"""Sums of a few terms of every row: weights, labels, predictions, errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from assay.metrics.computations.table import Table, Terms, Views
from assay.metrics.examples import Examples
from assay.metrics.sums import TermSums
from assay.metrics.values import Floats

TERMS: dict[str, Callable[[Examples], Floats]] = {
    "weight": lambda e: e.weights,
    "label": lambda e: e.weights * e.labels,
    "prediction": lambda e: e.weights * e.predictions,
    "squared_error": lambda e: e.weights * np.square(e.labels - e.predictions),
}
"""Name -> what a row adds. A term is looked up by name on the worker, so no function has to travel."""


@dataclass(frozen=True)
class TermTable:
    """The sums of the named terms."""

    terms: tuple[str, ...]

    def join(self, other: TermTable) -> TermTable:
        """The table of both tables' terms."""
        return TermTable(tuple(dict.fromkeys(self.terms + other.terms)))

    def empty(self) -> TermSums:
        """Zeros."""
        return TermSums(len(self.terms))

    def place(self, examples: Examples) -> Terms:
        """The terms of each entry, (m, terms)."""
        return Terms(np.stack([TERMS[term](examples) for term in self.terms], axis=1), examples.rows)


@dataclass(frozen=True)
class Weights:
    """Sum of the example weights."""

    binary: ClassVar[bool] = False
    only_weights: ClassVar[bool] = True

    def tables(self) -> tuple[Table, ...]:
        """The weights."""
        return (TermTable(("weight",)),)

    def read(self, views: Views) -> Floats:
        """Sum of weights, (s,)."""
        return _columns(views(*self.tables()), "weight")[0]


class MeanTerms(NamedTuple):
    """Weighted sums over the rows of each slice, all of shape (s,)."""

    weight: Floats
    label: Floats
    prediction: Floats


@dataclass(frozen=True)
class Means:
    """Sums behind mean label, mean prediction and their ratio."""

    binary: ClassVar[bool] = False
    only_weights: ClassVar[bool] = False

    def tables(self) -> tuple[Table, ...]:
        """Weights, labels, predictions."""
        return (TermTable(("weight", "label", "prediction")),)

    def read(self, views: Views) -> MeanTerms:
        """The three sums."""
        return MeanTerms(*_columns(views(*self.tables()), "weight", "label", "prediction"))


class ErrorTerms(NamedTuple):
    """Weight and weighted error of each slice, both of shape (s,)."""

    weight: Floats
    error: Floats


@dataclass(frozen=True)
class Errors:
    """Sum of one error term, and of the weights."""

    term: str
    binary: ClassVar[bool] = False
    only_weights: ClassVar[bool] = False

    def tables(self) -> tuple[Table, ...]:
        """Weights and the error."""
        return (TermTable(("weight", self.term)),)

    def read(self, views: Views) -> ErrorTerms:
        """The two sums."""
        return ErrorTerms(*_columns(views(*self.tables()), "weight", self.term))


def _columns(view: tuple[TermTable, Floats], *terms: str) -> list[Floats]:
    table, sums = view
    return [sums[:, table.terms.index(term)] for term in terms]
