"""Sums of a few terms of every row: weights, labels, predictions, errors."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np

from assay.metrics.computations.class_terms import OF_CLASSES
from assay.metrics.computations.pair_terms import OF_PAIRS
from assay.metrics.computations.score_bins import ScoreBins
from assay.metrics.computations.table import States, Table
from assay.metrics.entries.domains import NUMBERS, PROBABILITIES, Domain
from assay.metrics.entries.examples import Examples
from assay.metrics.entries.streams import Reads
from assay.metrics.entries.views import Vectors
from assay.metrics.states.contributions import Terms
from assay.metrics.states.dense import TermSums
from assay.metrics.values import Floats

Term: TypeAlias = "str | tuple[Any, ...]"
"""Name of a term, or name and settings."""


def _mean_cross_entropy(e: Examples, from_logits: bool, label_smoothing: float) -> Floats:
    labels, p = e.labels * (1 - label_smoothing) + label_smoothing / 2, e.predictions
    if from_logits:
        return _weighted(e, np.maximum(p, 0) - p * labels + np.log1p(np.exp(-np.abs(p))))
    p = np.clip(p, 0, 1)  # rounded to 32 bits, a probability may be 1e-7 beyond
    return _weighted(e, -_times_log(labels, p) - _times_log(1 - labels, 1 - p))


def _sum_cross_entropy(e: Examples, from_logits: bool, label_smoothing: float) -> Floats:
    """The loss of each row, whose labels and predictions are vectors."""
    labels, p = e.labels * (1 - label_smoothing) + label_smoothing / e.labels.shape[-1], e.predictions
    if from_logits:
        shifted = p - p.max(-1, keepdims=True)
        log = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
        return _weighted(e, -(labels * log).sum(-1))
    return _weighted(e, -_times_log(labels, p / p.sum(-1, keepdims=True)).sum(-1))


def _times_log(share: Floats, p: Floats) -> Floats:
    """The product share * ln p, which is 0 where the share is 0, whatever p is."""
    return np.where(share == 0, 0.0, share * np.log(p))


def _weighted(e: Examples, error: Floats) -> Floats:
    """Weighted error; a row without weight adds nothing, even where its error is infinite."""
    return np.where(e.weights > 0, e.weights * error, 0.0)


def _log_ratio(e: Examples) -> Floats:
    return np.log(e.labels + 1) - np.log(e.predictions + 1)


TERMS: dict[str, Callable[..., Floats]] = {
    "weight": lambda e: e.weights,
    "label": lambda e: e.weights * e.labels,
    "prediction": lambda e: e.weights * e.predictions,
    "negative": lambda e: e.weights * (1 - e.labels),
    "prediction_of_positives": lambda e: e.weights * e.labels * e.predictions,
    "prediction_of_negatives": lambda e: e.weights * (1 - e.labels) * e.predictions,
    "squared_error": lambda e: e.weights * np.square(e.labels - e.predictions),
    "rest_of_positives": lambda e: e.weights * e.labels * (1 - e.predictions),
    "rest_of_negatives": lambda e: e.weights * (1 - e.labels) * (1 - e.predictions),
    "found": lambda e: e.weights * e.labels * (e.predictions > -np.inf),
    "absolute_error": lambda e: e.weights * np.abs(e.labels - e.predictions),
    "relative_error": lambda e: np.where(e.labels != 0, e.weights * np.abs((e.labels - e.predictions) / e.labels), 0.0),
    "weight_of_relative": lambda e: e.weights * (e.labels != 0),
    "squared_log_error": lambda e: _weighted(e, np.nan_to_num(np.square(_log_ratio(e)), nan=0.0, posinf=np.inf)),
    "weight_of_squared_log": lambda e: e.weights * ~np.isnan(_log_ratio(e)),
    "number": lambda e, column: e.weights * e.predictions[:, column],
    "gap": lambda e, term: _term(term, e) - _term(term, e._replace(predictions=e.of_baseline)),
    "product": lambda e, term, other: _term(term, e) * _term(other, e),
    "binary_crossentropy": _mean_cross_entropy,
    "categorical_crossentropy": _sum_cross_entropy,
    **OF_CLASSES,
    **OF_PAIRS,
}
"""Name -> what a row adds. A term is looked up by name on the worker, so no function has to travel."""


@dataclass(frozen=True)
class TermTable:
    """The sums of the named terms."""

    terms: tuple[Term, ...]

    def join(self, other: TermTable) -> TermTable:
        """The table of both tables' terms."""
        return TermTable(tuple(dict.fromkeys(self.terms + other.terms)))

    def empty(self) -> TermSums:
        """Zeros."""
        return TermSums(len(self.terms))

    def contribution(self, examples: Examples, bins: ScoreBins) -> Terms:
        """The terms of each entry, (m, terms); those of one term lie together, as they are added up."""
        with np.errstate(all="ignore"):
            return Terms(np.stack([_term(term, examples) for term in self.terms]).T, None)


def _term(term: Term, examples: Examples) -> Floats:
    name, *settings = (term,) if isinstance(term, str) else term
    return TERMS[name](examples, *settings)


@dataclass(frozen=True)
class Weights:
    """Sum of the example weights."""

    domain: ClassVar[Domain] = NUMBERS
    reads: ClassVar[Reads] = Reads(labels=False, predictions=False)

    def tables(self) -> tuple[Table, ...]:
        """The weights."""
        return (TermTable(("weight",)),)

    def read(self, states: States) -> Floats:
        """Sum of weights, (s,)."""
        return _columns(states(*self.tables()), "weight")[0]


class MeanTerms(NamedTuple):
    """Weighted sums over the rows of each slice, all of shape (s,)."""

    weight: Floats
    label: Floats
    prediction: Floats


@dataclass(frozen=True)
class Means:
    """Sums behind mean label, mean prediction and their ratio."""

    domain: ClassVar[Domain] = NUMBERS
    reads: ClassVar[Reads] = Reads()

    def tables(self) -> tuple[Table, ...]:
        """Weights, labels, predictions."""
        return (TermTable(("weight", "label", "prediction")),)

    def read(self, states: States) -> MeanTerms:
        """The three sums."""
        return MeanTerms(*_columns(states(*self.tables()), "weight", "label", "prediction"))


class ErrorTerms(NamedTuple):
    """Weight and weighted error of each slice, both of shape (s,)."""

    weight: Floats
    error: Floats


@dataclass(frozen=True)
class Errors:
    """Sum of one error term, and of the weights of the rows that have it."""

    term: str
    weight: str
    domain: ClassVar[Domain] = NUMBERS
    reads: ClassVar[Reads] = Reads()

    def tables(self) -> tuple[Table, ...]:
        """Weights and the error."""
        return (TermTable((self.weight, self.term)),)

    def read(self, states: States) -> ErrorTerms:
        """The two sums."""
        return ErrorTerms(*_columns(states(*self.tables()), self.weight, self.term))


@dataclass(frozen=True)
class CrossEntropy:
    """Sum of a cross-entropy, and of the weights.

    Attributes:
        term: which one.
        from_logits: whether predictions are logits.
        label_smoothing: share of each label that is spread over the classes.
    """

    term: str
    from_logits: bool = False
    label_smoothing: float = 0.0
    reads: ClassVar[Reads] = Reads()

    def __post_init__(self) -> None:
        if not 0 <= self.label_smoothing <= 1:
            raise ValueError("label_smoothing must be from 0 to 1")

    @property
    def domain(self) -> Domain:
        """Probabilities, or any logits; of all classes, where it is a loss over classes."""
        is_categorical = self.term == "categorical_crossentropy"
        low, high = (-math.inf, math.inf) if self.from_logits else (0.0, math.inf if is_categorical else 1.0)
        return Domain(shares=True, low=low, high=high, class_ids=True, view=Vectors() if is_categorical else None)

    def tables(self) -> tuple[Table, ...]:
        """Weights and the loss."""
        return (TermTable(("weight", self._loss)),)

    @property
    def _loss(self) -> Term:
        return (self.term, self.from_logits, self.label_smoothing)

    def read(self, states: States) -> ErrorTerms:
        """The two sums."""
        return ErrorTerms(*_columns(states(*self.tables()), "weight", self._loss))


class ClassTerms(NamedTuple):
    """Weights and weighted predictions of positives and negatives of each slice, all of shape (s,)."""

    positive: Floats
    negative: Floats
    prediction_of_positives: Floats
    prediction_of_negatives: Floats


@dataclass(frozen=True)
class Discrimination:
    """Sums behind the mean predictions of both classes; a fractional label is part of each."""

    domain: ClassVar[Domain] = PROBABILITIES
    reads: ClassVar[Reads] = Reads()

    def tables(self) -> tuple[Table, ...]:
        """Weights and predictions by class."""
        return (TermTable(_CLASS_TERMS),)

    def read(self, states: States) -> ClassTerms:
        """The four sums."""
        return ClassTerms(*_columns(states(*self.tables()), *_CLASS_TERMS))


_CLASS_TERMS = ("label", "negative", "prediction_of_positives", "prediction_of_negatives")


@dataclass(frozen=True)
class FeatureMean:
    """Sums behind the mean of a column of numbers; rows without a value are left out.

    Attributes:
        feature_key_path: keys in the Extracts that lead to the column.
        example_weights_key_path: keys that lead to its weights; () if each row weighs 1.
    """

    feature_key_path: tuple[str, ...] = ()
    example_weights_key_path: tuple[str, ...] = ()
    domain: ClassVar[Domain] = NUMBERS

    @property
    def reads(self) -> Reads:
        """The column and its weights."""
        return Reads(False, False, self.feature_key_path, self.example_weights_key_path)

    def tables(self) -> tuple[Table, ...]:
        """Weights and values."""
        return (TermTable(("weight", "prediction")),)

    def read(self, states: States) -> ErrorTerms:
        """The two sums."""
        return ErrorTerms(*_columns(states(*self.tables()), "weight", "prediction"))


def _columns(state: tuple[TermTable, Floats], *terms: Term) -> list[Floats]:
    table, sums = state
    return [sums[:, table.terms.index(term)] for term in terms]
