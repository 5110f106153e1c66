"""What a declaration tells of how far its value may lie from that of all rows like these."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Protocol

from assay.metrics.computations.table import Computation, States, Table
from assay.metrics.values import Floats, Interval, Ints


class Spread(Protocol):
    """An interval by formula; a frozen dataclass, so that it travels with its metric."""

    def squares(self, needs: Computation, *, weighted: bool) -> Computation | None:
        """What it reads beside the state of the metric; None if that is enough.

        Args:
            needs: the state of the metric.
            weighted: whether rows have weights; without, sums of squared weights are sums of weights.
        """

    def parts(self, state: Any) -> tuple[Floats, ...]:
        """What the formula is of, each with a leading slice axis; elementwise, reducing over the last axis only.

        Args:
            state: what `needs` reads, as the metric takes it.
        """

    def squared_parts(self, squares: Any) -> tuple[Floats, ...]:
        """The same of what `squares` reads."""

    def interval(self, *parts: Floats) -> Interval:
        """The formula: the interval of each value, all fields of the value's shape; NaN where there is none.

        Args:
            parts: what `parts` gives, then what `squared_parts` does, if there are squares.
        """

    def paired(self, needs: Computation, *, weighted: bool) -> PairedSpread | str:
        """The interval of candidate minus baseline on the same rows; or why there is none.

        Args:
            needs: the state of the metric, which is the same of both models.
            weighted: as in `squares`.
        """


class PairStates(Protocol):
    """What a formula of a difference reads."""

    def __call__(self, table: Table) -> tuple[Any, Any]:
        """As `States`, of the tables of entries with both models' predictions."""

    def of_model(self, number: int) -> Iterator[tuple[Ints, States]]:
        """Yields lanes, and what the candidate's tables (0) say of them, or those of the baseline (1)."""


class PairedSpread(Protocol):
    """An interval of a difference by formula, from sums over rows that both models have; a frozen dataclass."""

    origins: ClassVar[bool]
    """Whether its tables need a number for each row that follows from where it comes from."""

    def tables(self) -> tuple[Table, ...]:
        """The tables that it reads, of entries with both models' predictions."""

    def read(self, states: PairStates) -> tuple[Floats, ...]:
        """What the formula is of, each with a leading slice axis."""

    def interval(self, *parts: Floats) -> Interval:
        """The formula, as that of `Spread`."""
