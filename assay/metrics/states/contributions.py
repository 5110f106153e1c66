"""What a batch adds to a table: sums of cells, of keys, of terms, or values to show. `entries` as in `Contribution`."""

from __future__ import annotations

from typing import NamedTuple

from assay.metrics.states.marks import Marks
from assay.metrics.states.state import Chosen
from assay.metrics.values import Floats, Ints, Objects


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


class Shown(NamedTuple):
    """For a table of samples: values of the data (m,)."""

    values: Objects
    entries: Ints | None

    def drawn(self, chosen: Chosen, times: Ints | None) -> Shown:
        """The chosen ones; a value is shown once, however often its row counts."""
        return Shown(self.values[chosen], None)
