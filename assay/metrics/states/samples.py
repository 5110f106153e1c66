"""The first few values of a column in each slice: a state that does not add up, but merges.

Three things have the shape of their counterparts for sums: `SampleTable` (what a batch adds), `SampleStore` (where it
is kept) and `Samples` (what is taken out, merged by `merge_samples` in the order of the parts).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from assay.metrics.computations.placed import Placed
from assay.metrics.computations.table import Table, Terms, Views
from assay.metrics.entries.domains import BINARY, PROBABILITIES, Domain
from assay.metrics.entries.examples import Examples, Reads
from assay.metrics.shown_values import shown_values
from assay.metrics.values import Ints

Objects = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Samples:
    """Up to `limit` values of each of s slices: slice i owns values[start[i]:start[i + 1]], first come first.

    start int64 (s + 1,), values object (e,).
    """

    start: Ints
    values: Objects
    limit: int

    def __getitem__(self, slices: Ints) -> Samples:
        """The samples of the given slices, in that order."""
        return _first(
            np.repeat(np.arange(len(slices)), self._counts[slices]), self._of(slices), len(slices), self.limit
        )

    def by_slice(self) -> Objects:
        """(s,) arrays of values."""
        found = np.empty(len(self.start) - 1, object)
        found[:] = np.split(self.values, self.start[1:-1])
        return found

    @property
    def _counts(self) -> Ints:
        return np.diff(self.start)

    def _of(self, slices: Ints) -> Objects:
        count = self._counts[slices]
        at = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(self.start[slices], count)
        return self.values[at]


def merge_samples(parts: Sequence[Samples], places: Sequence[Ints], slices: int) -> Samples:
    """Samples of parts one after another; places[i] (s_i,) says which of the `slices` slices part i's are."""
    owner = np.concatenate([np.repeat(at, part._counts) for part, at in zip(parts, places, strict=True)])
    return _first(owner, np.concatenate([part.values for part in parts]), slices, parts[0].limit)


def _first(owner: Ints, values: Objects, slices: int, limit: int) -> Samples:
    """The first `limit` values of each slice, from the slice (m,) that each value (m,) belongs to."""
    order = np.argsort(owner, kind="stable")
    owner = owner[order]
    rank = np.arange(len(owner)) - np.searchsorted(owner, owner)
    kept = rank < limit
    return Samples(np.searchsorted(owner[kept], np.arange(slices + 1)), values[order[kept]], limit)


class SampleStore:
    """Samples of every slice so far."""

    def __init__(self, limit: int) -> None:
        self._held = Samples(np.zeros(1, np.int64), np.zeros(0, object), limit)

    def add(self, slices: Ints | None, count: int, values: Objects) -> None:
        """Adds values (m,) to slices (m,); `slices` None means slice 0; `count` slices are known."""
        owner = np.zeros(len(values), np.int64) if slices is None else slices
        known = np.arange(len(self._held.start) - 1)
        added = _first(owner, values, count, self._held.limit)
        self._held = merge_samples([self._held, added], [known, np.arange(count)], max(count, len(known)))

    def take(self, slices: Ints) -> Samples:
        """The samples of the given slices."""
        self.add(np.zeros(0, np.int64), int(slices.max(initial=-1)) + 1, np.zeros(0, object))
        return self._held[slices]


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

    def place(self, examples: Examples, placed: Placed) -> Terms:
        """The values (m,) and their rows; rows without weight or value do not count."""
        share = examples.labels if self.label else 1 - examples.labels
        wrong = (examples.predictions > self.threshold) != bool(self.label)
        entries = np.flatnonzero(wrong & (share * examples.weights > 0))
        rows = entries if examples.rows is None else np.unique(examples.rows[entries])
        assert examples.shown is not None
        values = np.empty(len(rows), object)
        values[:] = shown_values(examples.shown, rows, examples.texts)
        there = np.array([value is not None and value == value for value in values], bool)  # None and NaN are missing
        return Terms(values[there], rows[there])


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
        return (SampleTable(self.sample_size, self.threshold, self.label),)  # type: ignore[return-value]

    def read(self, views: Views) -> Objects:
        """(s,) arrays of values."""
        _, samples = views(*self.tables())
        found: Samples = samples
        return found.by_slice()
