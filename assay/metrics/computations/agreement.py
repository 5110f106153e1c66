"""How far actual and predicted classes agree beyond chance, from the weights of their pairs.

Rows without a class are left out. All sums are of what is not negative, so that one of nothing is exactly 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from assay.metrics.arithmetic import suffix_sums, sums_by_bin, with_sums_of_others
from assay.metrics.computations.class_pairs import by_pair
from assay.metrics.computations.multiclass import ClassTable
from assay.metrics.computations.table import States, Table
from assay.metrics.entries.domains import ONE_CLASS, Domain
from assay.metrics.entries.streams import Reads
from assay.metrics.values import Floats, Ints

_KINDS = ("none", "linear", "quadratic")


class _Pairs(NamedTuple):
    """Weights of pairs of an actual and a predicted class: p pairs of s slices, and their sums by class (s, c)."""

    slices: Ints
    apart: Ints
    weight: Floats
    actual: Floats
    predicted: Floats

    def total(self, weights: Floats) -> Floats:
        """Sum of weights of pairs (p,) in each slice."""
        return sums_by_bin(self.slices, weights, len(self.actual))


def _pairs(states: States) -> _Pairs:
    _, entries = states(ClassTable())
    groups = by_pair(entries)
    kept = groups.first >= 0
    slices, actual, predicted = groups.slices[kept], groups.first[kept], groups.second[kept]
    weight = groups.sums(np.zeros(len(entries.keys), np.int64), entries.sums[:, 0], 1)[kept, 0]

    count, classes = entries.slice_count, int(max(actual.max(initial=0), predicted.max(initial=0))) + 1
    by_class = [
        sums_by_bin(slices * classes + of_pair, weight, count * classes).reshape(count, classes)
        for of_pair in (actual, predicted)
    ]
    return _Pairs(slices, np.abs(actual - predicted), weight, *by_class)


class Disagreement(NamedTuple):
    """Of each slice (s,): the weight, the disagreement, and that by chance times the weight."""

    weight: Floats
    observed: Floats
    by_chance: Floats


@dataclass(frozen=True)
class ClassDisagreement:
    """Disagreement of actual and predicted classes.

    Attributes:
        weights: how much a pair of different classes disagrees: `none` 1, `linear` the difference of their ids,
            `quadratic` its square.
    """

    weights: str = "none"
    domain: ClassVar[Domain] = ONE_CLASS
    reads: ClassVar[Reads] = Reads()

    def __post_init__(self) -> None:
        if self.weights not in _KINDS:
            raise ValueError(f"weights must be one of {', '.join(map(repr, _KINDS))}")

    def tables(self) -> tuple[Table, ...]:
        """Weights by classes."""
        return (ClassTable(),)

    def read(self, states: States) -> Disagreement:
        """The three sums."""
        pairs = _pairs(states)
        distance = np.minimum(pairs.apart, 1) if self.weights == "none" else pairs.apart
        distance = distance**2 if self.weights == "quadratic" else distance
        by_chance = self._upward(pairs.actual, pairs.predicted) + self._upward(pairs.predicted, pairs.actual)
        return Disagreement(pairs.total(pairs.weight), pairs.total(pairs.weight * distance), by_chance)

    def _upward(self, higher: Floats, lower: Floats) -> Floats:
        """The sum of higher[i] * lower[j] * distance over all classes i above j, (s,).

        A distance is the sum of the steps from j to i, of which the t-th adds 1 or, of a square, 2 t - 1. So all that
        lies above a class is multiplied by what the steps from there add to all that lies up to it.
        """
        up_to = np.cumsum(lower, axis=1)
        if self.weights == "none":
            return _sum(higher[:, 1:] * up_to[:, :-1])
        steps = 2 * np.cumsum(up_to, axis=1) - up_to if self.weights == "quadratic" else up_to
        return _sum(suffix_sums(higher)[:, 1:] * steps[:, :-1])


class Correlation(NamedTuple):
    """Covariance and variances of actual and predicted classes of each slice, (s,), times the squared weight."""

    covariance: Floats
    actual: Floats
    predicted: Floats


@dataclass(frozen=True)
class ClassCorrelation:
    """Covariance of actual and predicted classes, each as a vector of zeros and a one."""

    domain: ClassVar[Domain] = ONE_CLASS
    reads: ClassVar[Reads] = Reads()

    def tables(self) -> tuple[Table, ...]:
        """Weights by classes."""
        return (ClassTable(),)

    def read(self, states: States) -> Correlation:
        """The three moments."""
        pairs = _pairs(states)
        right = pairs.total(pairs.weight * (pairs.apart == 0))
        by_chance = _sum(pairs.actual * pairs.predicted)
        return Correlation(
            right * pairs.total(pairs.weight) - by_chance, _variance(pairs.actual), _variance(pairs.predicted)
        )


def _variance(of_classes: Floats) -> Floats:
    """Each class times all others, (s,)."""
    return _sum(of_classes * with_sums_of_others(of_classes.T)[1:].T)


def _sum(values: Floats) -> Floats:
    """Over the last axis, one by one, so that zeros at its end change nothing."""
    return np.cumsum(values, axis=-1)[..., -1] if values.shape[-1] else np.zeros(values.shape[:-1])
