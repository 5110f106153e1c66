"""What can be measured: a side on a data set, in a number of slices."""

from __future__ import annotations

from dataclasses import dataclass

from bench import CARDINALITY

Slicing = tuple[str, ...]

_SINGLE: tuple[Slicing, ...] = tuple((name,) for name in CARDINALITY)
_CROSSES: tuple[Slicing, ...] = (("hour", "day"), ("hour", "zone"))

SLICINGS: dict[str, tuple[Slicing, ...]] = {
    "1 slice": ((),),
    "114 slices": ((), *_SINGLE),
    "2,202 slices": ((), *_SINGLE, *_CROSSES),
    "1 slice, jackknife": ((),),
    "114 slices, jackknife": ((), *_SINGLE),
}
"""Scenarios, and the columns of each of their slicings. Of 2,202 slices some 2,000 occur in 10,000 rows."""


@dataclass(frozen=True)
class Case:
    """One process to measure.

    Attributes:
        side: who evaluates; a key of `sides.SIDES`.
        scenario: a key of `SLICINGS`.
        file_format: "parquet" or "tfrecord".
        rows: rows of the data set.
        shards: files of the data set.
    """

    side: str
    scenario: str
    file_format: str
    rows: int
    shards: int = 4

    def __str__(self) -> str:
        return f"{self.side}, {self.scenario}, {self.data}"

    @property
    def data(self) -> str:
        """Name of the data set."""
        return f"{self.file_format}-{self.rows}-{self.shards}"
