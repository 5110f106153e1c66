"""Sums of what each feature contributed to the predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from assay.errors import ColumnTypeError
from assay.metrics.computations.score_bins import ScoreBins
from assay.metrics.computations.table import States, Table
from assay.metrics.computations.terms import Weights
from assay.metrics.entries.domains import Domain
from assay.metrics.entries.examples import Examples
from assay.metrics.entries.streams import Reads
from assay.metrics.entries.views import WHOLE_ROWS
from assay.metrics.keys import SubKey
from assay.metrics.states.contributions import Named
from assay.metrics.states.named_sums import NamedStore
from assay.metrics.values import Floats, Objects

_WEIGHTS, _WHOLE = Weights(), SubKey()


@dataclass(frozen=True)
class AttributionTable:
    """Weighted sums by feature.

    Attributes:
        absolute: whether signs are dropped.
        part: which numbers of a list count.
    """

    absolute: bool
    part: SubKey

    def join(self, other: AttributionTable) -> AttributionTable | None:
        """Only equal sums can be shared."""
        return self if self == other else None

    def empty(self) -> NamedStore:
        """Nothing."""
        return NamedStore()

    def contribution(self, examples: Examples, bins: ScoreBins) -> Named:
        """The weighted attributions (m, c) of each feature."""
        weights = examples.weights
        by_name = {}
        for name, values in examples.by_feature.items():
            chosen = _chosen(values.reshape(len(values), -1), self.part, name)
            by_name[name] = weights[:, None] * (np.abs(chosen) if self.absolute else chosen)
        return Named(by_name, np.ones(len(weights)), None)


def _chosen(values: Floats, part: SubKey, name: str) -> Floats:
    """The numbers (m, c) of a class, or the highest ones, of lists (m, k).

    Raises:
        ColumnTypeError: there are fewer.
    """
    wanted = max((part.class_id or 0) + 1, part.k or 0, part.top_k or 0)
    if values.shape[1] < wanted:
        asked = ", ".join(f"{field} {number}" for field, number in part._asdict().items() if number is not None)
        raise ColumnTypeError(
            f"attributions of feature {name!r} have {values.shape[1]} values a row; expected {wanted} or more, as "
            f"{asked} is asked for"
        )
    if part.class_id is not None:
        return values[:, [part.class_id]]
    if part.k is None and part.top_k is None:
        return values
    falling = -np.sort(-values, axis=1)
    return falling[:, [part.k - 1]] if part.k is not None else falling[:, : part.top_k]


class AttributionTerms(NamedTuple):
    """Weight (s,), and for each of s slices a dict: feature -> sums of attributions (c,)."""

    weight: Floats
    sums: Objects


@dataclass(frozen=True)
class Attributions:
    """Sum of the attributions of each feature, and of the weights.

    Attributes:
        absolute: whether signs are dropped.
        part: which numbers of a list count.
    """

    absolute: bool = False
    part: SubKey = _WHOLE
    domain: ClassVar[Domain] = Domain(view=WHOLE_ROWS)
    reads: ClassVar[Reads] = Reads(labels=False, predictions=False, attributions=True)

    def tables(self) -> tuple[Table, ...]:
        """Weights and sums."""
        return (AttributionTable(self.absolute, self.part), *_WEIGHTS.tables())

    def read(self, states: States) -> AttributionTerms:
        """The sums of each slice."""
        _, sums = states(self.tables()[0])
        return AttributionTerms(_WEIGHTS.read(states), sums)
