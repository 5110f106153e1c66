"""What a batch adds to a table: sums of cells, of keys, of terms, or values to show. `entries` as in `Contribution`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from assay.metrics.states.marks import Marks
from assay.metrics.states.state import Chosen
from assay.metrics.values import Floats, Ints, Objects


class Unread(Protocol):
    """Values of the data that are read only where they are kept."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, chosen: Chosen) -> Unread:
        """Some of them."""

    def read(self) -> Objects:
        """The values."""


class Cells(NamedTuple):
    """For a table of cells: values (m,) at cells (m,), and marks (m,) of the scores behind them, if it keeps marks.

    `blocks` as `blocks_of` gives them, or some more; None where nobody has looked.
    """

    cells: Ints
    values: Floats
    entries: Ints | None
    marks: Marks | None = None
    blocks: Ints | None = None

    def drawn(self, chosen: Chosen, times: Ints | None) -> Cells:
        """The chosen ones, each `times` its value."""
        values = self.values[chosen]
        return Cells(
            self.cells[chosen],
            values if times is None else values * times,
            None,
            None if self.marks is None else self.marks[chosen],
            self.blocks,
        )


class Keyed(NamedTuple):
    """For a table of keys: values (m, columns) at keys (m,), which may be any integers of 64 bits."""

    keys: Ints
    values: Floats
    entries: Ints | None

    def drawn(self, chosen: Chosen, times: Ints | None) -> Keyed:
        """The chosen ones, each `times` its values."""
        values = self.values[chosen]
        return Keyed(self.keys[chosen], values if times is None else values * times[:, None], None)


class Crossed(NamedTuple):
    """For a table of keys: value i is added at each key of a row, as many as k, whose parts are keys[i] and the row's.

    Attributes:
        keys: (m,) one part of the keys.
        rows: (m,) the row of each.
        others: (n, k) the other part, of each row; a key is the sum of both.
        values: (m,) the values.
        entries: as in `Contribution`.
    """

    keys: Ints
    rows: Ints
    others: Ints
    values: Floats
    entries: Ints | None

    def drawn(self, chosen: Chosen, times: Ints | None) -> Crossed:
        """The chosen ones, each `times` its value."""
        values = self.values[chosen]
        drawn = values if times is None else values * times
        return Crossed(self.keys[chosen], self.rows[chosen], self.others, drawn, None)


class Terms(NamedTuple):
    """For a table of terms: values (m, terms)."""

    values: Floats
    entries: Ints | None

    def drawn(self, chosen: Chosen, times: Ints | None) -> Terms:
        """The chosen ones, each `times` its values."""
        values = self.values[chosen]
        return Terms(values if times is None else values * times[:, None], None)


class Values(NamedTuple):
    """For a table of extremes: values (m,)."""

    values: Floats
    entries: Ints | None

    def drawn(self, chosen: Chosen, times: Ints | None) -> Values:
        """The chosen ones; how often a value counts makes no difference."""
        return Values(self.values[chosen], None)


class Named(NamedTuple):
    """For a table of sums by name: values (m, c) of each name.

    Attributes:
        by_name: the values.
        times: (m,) how often each counts.
        entries: as in `Contribution`.
    """

    by_name: Mapping[str, Floats]
    times: Floats
    entries: Ints | None

    def drawn(self, chosen: Chosen, times: Ints | None) -> Named:
        """The chosen ones, each `times` its values."""
        factors = self.times[chosen] if times is None else self.times[chosen] * times
        by_name = {n: v[chosen] if times is None else v[chosen] * times[:, None] for n, v in self.by_name.items()}
        return Named(by_name, factors, None)


class Shown(NamedTuple):
    """For a table of samples: values of the data (m,), or what reads them where they are kept.

    Attributes:
        values: those of the chosen additions, for their numbers.
        entries: as in `Contribution`.
        ranks: (m, 2) integers by which the lowest are kept first; None: first come.
    """

    values: Objects | Unread
    entries: Ints | None
    ranks: Ints | None = None

    def drawn(self, chosen: Chosen, times: Ints | None) -> Shown:
        """The chosen ones; a value is shown once, however often its row counts."""
        return Shown(self.values[chosen], None, None if self.ranks is None else self.ranks[chosen])
