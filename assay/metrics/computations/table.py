"""What tables and computations have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeAlias

from assay.metrics.arithmetic import sums_by_bin
from assay.metrics.computations.placed import Placed
from assay.metrics.entries.domains import Domain
from assay.metrics.entries.examples import Examples, Reads
from assay.metrics.states.marks import Marks
from assay.metrics.states.sums import CellSums, Sparse, TermSums
from assay.metrics.values import Floats, Ints


class Cells(NamedTuple):
    """What a batch adds to a table of cells: values (m,) at cells (m,); `rows` as in `Examples`.

    `marks` (m,) of the scores behind them, for tables that keep marks.
    """

    cells: Ints
    values: Floats
    rows: Ints | None
    marks: Marks | None = None


class Terms(NamedTuple):
    """What a batch adds to a table of terms: values (m, terms); `rows` as in `Examples`."""

    values: Floats
    rows: Ints | None


class Entries(NamedTuple):
    """The sums of a group of s slices of a table of cells: entry i is `sums[i]` at [slices[i], cells[i]], ascending.

    `marks` as in `Sparse`.
    `width` is a power of two, at least the number of entries of each slice, and depends on their own sizes only: so
    padding to it gives a slice the same bits whatever its neighbours are.
    """

    slice_count: int
    slices: Ints
    cells: Ints
    sums: Floats
    width: int
    marks: Marks | None = None


Sums: TypeAlias = Sparse | Floats
"""The sums that a table holds: Sparse for cells, (s, terms) for terms."""


class Table(Protocol):
    """The physical side of computations."""

    def join(self, other: Any) -> Any:
        """One table that serves the users of both; None if there is none."""

    def empty(self) -> CellSums | TermSums:
        """A place for the sums."""

    def place(self, examples: Examples, placed: Placed) -> Cells | Terms:
        """What a batch adds; `placed` has what several tables need of it."""


Views: TypeAlias = Callable[[Table], tuple[Any, Any]]
"""Takes a table that a computation needs; returns (the joined table that serves it, its Entries or (s, terms) sums)."""


class Computation(Protocol):
    """The logical side; a frozen dataclass."""

    @property
    def domain(self) -> Domain:
        """The labels and predictions that it is defined for."""

    @property
    def reads(self) -> Reads:
        """Which columns it reads."""

    def tables(self) -> tuple[Table, ...]:
        """The tables that it reads."""

    def read(self, views: Views) -> Any:
        """The state that metrics take: named arrays with a leading slice axis."""


def binned(entries: Entries, bins: Ints, count: int) -> Floats:
    """Adds entries into bins: (s, count) sums, entry i going to bins[i]."""
    sums = sums_by_bin(entries.slices * count + bins, entries.sums, entries.slice_count * count)
    return sums.reshape(entries.slice_count, count)
