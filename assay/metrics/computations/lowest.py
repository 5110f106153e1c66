"""Values of a column in rows drawn at random: those with the lowest numbers, which follow from file, row and seed.

Whatever the order of rows, and however they are split, the same rows have the lowest numbers. A row of weight w has the
number -ln(u) / w for a u between 0 and 1, so that it is drawn first with probability w / sum of weights.
Source: Efraimidis and Spirakis (2006), "Weighted random sampling with a reservoir".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from assay.extracts.columns import Column
from assay.metrics.computations.distinct import keys_of
from assay.metrics.computations.score_bins import ScoreBins
from assay.metrics.computations.table import States, Table
from assay.metrics.entries.domains import Domain
from assay.metrics.entries.examples import Examples
from assay.metrics.entries.streams import Reads
from assay.metrics.entries.views import WHOLE_ROWS
from assay.metrics.row_hashes import mixed
from assay.metrics.shown_values import shown_values
from assay.metrics.states.contributions import Shown
from assay.metrics.states.samples import SampleStore
from assay.metrics.states.state import Chosen
from assay.metrics.values import Ints, Objects, ShownValues


@dataclass(frozen=True)
class _OfRows:
    """Values of a column in some rows, unread."""

    column: Column
    texts: pa.Array | None
    rows: Ints

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, chosen: Chosen) -> _OfRows:
        return _OfRows(self.column, self.texts, self.rows[chosen])

    def read(self) -> Objects:
        values = np.empty(len(self.rows), object)
        values[:] = shown_values(self.column, self.rows, self.texts)
        return values


@dataclass(frozen=True)
class LowestTable:
    """Values of a column in the rows of the lowest numbers.

    Attributes:
        limit: values a slice.
        seed: what the numbers follow from beside file and row.
    """

    limit: int
    seed: int

    def join(self, other: LowestTable) -> LowestTable | None:
        """Only equal samples can be shared."""
        return self if self == other else None

    def empty(self) -> SampleStore:
        """Nothing."""
        return SampleStore(self.limit)

    def contribution(self, examples: Examples, bins: ScoreBins) -> Shown:
        """The values of all rows (m,); rows without weight or value do not count."""
        assert examples.shown is not None
        assert examples.hashes is not None
        rows = np.flatnonzero((examples.weights > 0) & _has_value(examples.shown))
        hashes = mixed(examples.hashes[rows] + np.uint64(self.seed))
        with np.errstate(divide="ignore"):
            numbers = -np.log((hashes + 0.5) / 2.0**64) / examples.weights[rows]
        ranks = np.column_stack([keys_of(numbers), hashes.view(np.int64)])
        return Shown(_OfRows(examples.shown, examples.texts, rows), rows, ranks)


def _has_value(column: Column) -> npt.NDArray[np.bool_]:
    """(n,) whether a row has a value; NaN is none."""
    if isinstance(column, pa.Array):
        is_there: npt.NDArray[np.bool_] = ~column.is_null(nan_is_null=True).to_numpy(zero_copy_only=False)
        return is_there
    rows = column.reshape(len(column), -1)
    has_none = np.isnan(rows).all(axis=1) if rows.dtype.kind == "f" else np.zeros(len(rows), bool)
    return np.asarray(~has_none, bool)


@dataclass(frozen=True)
class FixedSample:
    """State of FixedSizeSample.

    Attributes:
        sampled_key: column whose values are shown.
        size: values a slice.
        random_seed: decides which rows are drawn.
    """

    sampled_key: str = ""
    size: int = 10
    random_seed: int = 0
    domain: ClassVar[Domain] = Domain(view=WHOLE_ROWS)

    def __post_init__(self) -> None:
        if self.size < 1 or self.random_seed < 0:
            raise ValueError("size must be above 0, and random_seed 0 or more")

    @property
    def reads(self) -> Reads:
        """The column, and where rows come from."""
        return Reads(labels=False, predictions=False, shown=("features", self.sampled_key), origins=True)

    def tables(self) -> tuple[Table, ...]:
        """The sample."""
        return (LowestTable(self.size, self.random_seed),)

    def read(self, states: States) -> ShownValues:
        """The values of each slice."""
        _, values = states(*self.tables())
        return ShownValues(values)
