"""Values of a column in rows that a threshold puts on the wrong side, the first few of each slice."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from assay.metrics.computations.score_bins import ScoreBins
from assay.metrics.computations.table import States, Table
from assay.metrics.entries.domains import BINARY, PROBABILITIES, Domain
from assay.metrics.entries.examples import Examples
from assay.metrics.entries.streams import Reads
from assay.metrics.shown_values import shown_values
from assay.metrics.states.contributions import Shown
from assay.metrics.states.samples import SampleStore
from assay.metrics.values import ShownValues


@dataclass(frozen=True)
class SampleTable:
    """Values of a column in rows that a threshold puts on the wrong side.

    Attributes:
        limit: values a slice.
        threshold: a prediction is positive when it is above.
        label: class of the rows: 0.0 for false positives, 1.0 for false negatives.
    """

    limit: int
    threshold: float
    label: float

    def join(self, other: SampleTable) -> SampleTable | None:
        """Only equal samples can be shared."""
        return self if self == other else None

    def empty(self) -> SampleStore:
        """Nothing."""
        return SampleStore(self.limit)

    def contribution(self, examples: Examples, bins: ScoreBins) -> Shown:
        """The values (m,) and their entries, one for a row; rows without weight or value do not count."""
        share = examples.labels if self.label else 1 - examples.labels
        wrong = (examples.predictions > self.threshold) != bool(self.label)
        entries = np.flatnonzero(wrong & (share * examples.weights > 0))
        rows = entries
        if examples.rows is not None:
            rows, first = np.unique(examples.rows[entries], return_index=True)
            entries = entries[first]

        assert examples.shown is not None
        values = np.empty(len(rows), object)
        values[:] = shown_values(examples.shown, rows, examples.texts)
        has_value = np.array([value is not None and value == value for value in values], bool)  # None and NaN are none
        return Shown(values[has_value], entries[has_value])


@dataclass(frozen=True)
class WrongSide:
    """State of FalsePositiveFeatureSampler (label 0.0) and FalseNegativeFeatureSampler (label 1.0).

    Attributes:
        label: class of the rows.
        feature_key: column whose values are shown.
        sample_size: values a slice.
        threshold: a prediction is positive when it is above.
        chosen: the fields that a config has set.
    """

    label: float
    feature_key: str = ""
    sample_size: int = 10
    threshold: float = 0.5
    chosen: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if self.sample_size < 1:
            raise ValueError("sample_size must be above 0")

    @property
    def domain(self) -> Domain:
        """Probabilities, unless somebody has chosen a threshold, who knows what the scores are."""
        return BINARY if "threshold" in self.chosen or self.threshold != WrongSide.threshold else PROBABILITIES

    @property
    def reads(self) -> Reads:
        """Labels, predictions and the column."""
        return Reads(shown=("features", self.feature_key))

    def tables(self) -> tuple[Table, ...]:
        """The samples."""
        return (SampleTable(self.sample_size, self.threshold, self.label),)

    def read(self, states: States) -> ShownValues:
        """The values of each slice."""
        _, values = states(*self.tables())
        return ShownValues(values)
