"""What a declaration tells of how far its value may lie from that of all rows like these."""

from __future__ import annotations

from typing import Any, Protocol

from assay.metrics.computations.table import Computation, States, Table
from assay.metrics.values import Floats, Interval


class Spread(Protocol):
    """An interval by formula; a frozen dataclass, so that it travels with its metric."""

    def squares(self, needs: Computation, *, weighted: bool) -> Computation | None:
        """What it reads beside the state of the metric; None if that is enough.

        Args:
            needs: the state of the metric.
            weighted: whether rows have weights; without, sums of squared weights are sums of weights.
        """

    def parts(self, state: Any, squares: Any) -> tuple[Floats, ...]:
        """What the formula is of, each with a leading slice axis; elementwise, reducing over the last axis only.

        Args:
            state: what `needs` reads, as the metric takes it.
            squares: what `squares` reads; None without.
        """

    def interval(self, *parts: Floats) -> Interval:
        """The formula: the interval of each value, all fields of the value's shape; NaN where there is none."""

    def paired(self, needs: Computation, *, weighted: bool) -> PairedSpread | str:
        """The interval of candidate minus baseline on the same rows; or why there is none.

        Args:
            needs: the state of the metric.
            weighted: as in `squares`.
        """


class PairedSpread(Protocol):
    """An interval of a difference by formula, from sums over rows that both models have; a frozen dataclass."""

    def tables(self) -> tuple[Table, ...]:
        """The tables that it reads, of entries with both models' predictions."""

    def read(self, states: States) -> tuple[Floats, ...]:
        """What the formula is of, each with a leading slice axis."""

    def interval(self, *parts: Floats) -> Interval:
        """The formula, as that of `Spread`."""
