"""Which part's value is the value of a metric, or which mean over the parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from assay.metrics.computations.table import States, Table
from assay.metrics.computations.terms import TermTable
from assay.metrics.values import Floats

_POSITIVES = TermTable(("label",))


class Pick(Protocol):
    """From the values of all parts to one; a frozen dataclass."""

    def tables(self) -> tuple[Table, ...]:
        """The tables that it reads beside those of the metric."""

    def pick(self, values: Floats, states: States) -> Floats:
        """From values (s, parts, ...) to (s, ...)."""


@dataclass(frozen=True)
class Only:
    """The value of one part."""

    part: int = 0

    def tables(self) -> tuple[Table, ...]:
        """None."""
        return ()

    def pick(self, values: Floats, states: States) -> Floats:
        """That of the part."""
        return values[:, self.part]


ONE = Only()
"""The value where there is one part."""


@dataclass(frozen=True)
class Mean:
    """The mean over parts, each with its weight; NaN where one that has a weight is."""

    weights: tuple[float, ...]

    def tables(self) -> tuple[Table, ...]:
        """None."""
        return ()

    def pick(self, values: Floats, states: States) -> Floats:
        """The weighted mean."""
        return _mean(values, np.broadcast_to(np.asarray(self.weights), values.shape[:2]))


@dataclass(frozen=True)
class MeanOfDefined:
    """The mean over the parts that have a value, each with its weight; NaN where none has."""

    weights: tuple[float, ...]

    def tables(self) -> tuple[Table, ...]:
        """None."""
        return ()

    def pick(self, values: Floats, states: States) -> Floats:
        """The weighted mean."""
        return _mean(values, np.where(np.isnan(values), 0.0, np.asarray(self.weights)))


@dataclass(frozen=True)
class MeanByPositives:
    """The mean over classes, each with the weight of its positives times its own; NaN where one that counts is."""

    weights: tuple[float, ...]

    def tables(self) -> tuple[Table, ...]:
        """The weight of the positives."""
        return (_POSITIVES,)

    def pick(self, values: Floats, states: States) -> Floats:
        """The weighted mean; NaN without positives."""
        _, positives = states(_POSITIVES)
        return _mean(values, positives.reshape(values.shape[:2]) * np.asarray(self.weights))


def _mean(values: Floats, weights: Floats) -> Floats:
    """Of values (s, parts, ...) with weights (s, parts); a part of weight 0 does not count, even where it is NaN."""
    weights = weights.reshape(weights.shape + (1,) * (values.ndim - 2))
    counted = np.where(weights > 0, weights * values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Floats = counted.sum(1) / weights.sum(1)
    return mean
