"""Sums of squared weights, and of products of terms: what intervals by formula need beside the sums of a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from assay.errors import ConfigError
from assay.metrics.computations.curve import Curve
from assay.metrics.computations.score_bins import ScoreBins
from assay.metrics.computations.scores import Confusion, ScoreTable, by_label, counts_at
from assay.metrics.computations.table import Computation, States, Table
from assay.metrics.computations.terms import Term, TermTable
from assay.metrics.entries.domains import BINARY, Domain
from assay.metrics.entries.examples import Examples
from assay.metrics.entries.streams import Reads
from assay.metrics.states.cell_entries import CellEntries
from assay.metrics.states.cell_sums import CellSums
from assay.metrics.states.contributions import Cells
from assay.metrics.values import Floats


@dataclass(frozen=True)
class SquaredWeights:
    """Squared weights by label and by how many thresholds a score is above.

    A fractional label l is a positive of w^2 * l: a share is at most as uncertain as a count.

    Attributes:
        exact: the thresholds, ascending.
    """

    exact: tuple[float, ...] = ()

    def join(self, other: SquaredWeights) -> SquaredWeights:
        """The table with both tables' thresholds."""
        return SquaredWeights(tuple(sorted({*self.exact, *other.exact})))

    def empty(self) -> CellSums:
        """Zeros."""
        return CellSums(2 * (len(self.exact) + 1))

    def contribution(self, examples: Examples, bins: ScoreBins) -> Cells:
        """Squared weight at (thresholds passed, label)."""
        return by_label(ScoreTable(self.exact).passed(examples.predictions), bins, np.square(examples.weights))


@dataclass(frozen=True)
class SquaredCounts:
    """Confusion counts of squared weights.

    Attributes:
        thresholds: in the order given.
        domain: that of the counts.
    """

    thresholds: tuple[float, ...]
    domain: Domain
    reads: ClassVar[Reads] = Reads()

    def tables(self) -> tuple[Table, ...]:
        """The small histogram."""
        return (SquaredWeights(tuple(sorted(set(self.thresholds)))),)

    def read(self, states: States) -> Curve:
        """As `Confusion.read`."""
        table, entries = states(*self.tables())
        return counts_at(self.thresholds, table.exact, entries, entries.cells >> 1)


@dataclass(frozen=True)
class SquaredClasses:
    """Squared weights of the two classes."""

    domain: ClassVar[Domain] = BINARY
    reads: ClassVar[Reads] = Reads()

    def tables(self) -> tuple[Table, ...]:
        """The small histogram."""
        return (SquaredWeights(),)

    def read(self, states: States) -> Floats:
        """(2, s): of negatives and of positives."""
        entries: CellEntries = states(*self.tables())[1]
        return entries.binned(entries.cells & 1, 2).T


@dataclass(frozen=True)
class SquaredTerms:
    """The sums of a state with squared weights.

    Attributes:
        of: the state, which is of sums of terms.
    """

    of: Computation

    @property
    def domain(self) -> Domain:
        """That of the state."""
        return self.of.domain

    @property
    def reads(self) -> Reads:
        """As the state does."""
        return self.of.reads

    def tables(self) -> tuple[Table, ...]:
        """Each term times the weight."""
        return (TermTable(tuple(("product", term, "weight") for term in terms_of(self.of))),)

    def read(self, states: States) -> Any:
        """As that of the state."""
        (table,) = self.of.tables()
        sums = states(*self.tables())[1]
        return self.of.read(lambda _: (table, sums))


@dataclass(frozen=True)
class Products:
    """The sums of some terms.

    Attributes:
        terms: their names.
        domain: that of the state beside which they are read.
        reads: as that state does.
    """

    terms: tuple[Term, ...]
    domain: Domain
    reads: Reads

    def tables(self) -> tuple[Table, ...]:
        """The terms."""
        return (TermTable(self.terms),)

    def read(self, states: States) -> tuple[Floats, ...]:
        """The sum of each, (s,)."""
        return tuple(states(*self.tables())[1].T)


def squares_of(needs: Computation) -> SquaredCounts | SquaredTerms:
    """The same state with squared weights; of counts and of sums of terms."""
    return SquaredCounts(needs.thresholds, needs.domain) if isinstance(needs, Confusion) else SquaredTerms(needs)


def terms_of(needs: Computation) -> tuple[Term, ...]:
    """The terms whose sums a state consists of, in its order.

    Raises:
        ConfigError: it consists of something else.
    """
    table, *others = needs.tables()
    if others or not isinstance(table, TermTable):
        raise ConfigError(
            f"spread: expected needs that are sums over rows, such as Means() or mean_of(function), found {needs}; "
            "leave spread out, or take a formula for these"
        )
    return table.terms
