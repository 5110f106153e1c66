"""Sums of two rates of different rows, such as recall and specificity: from the intervals of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from assay.metrics.arithmetic import ratio
from assay.metrics.computations.joint_counts import JointCounts
from assay.metrics.computations.scores import Confusion
from assay.metrics.computations.squares import squares_of
from assay.metrics.computations.table import Computation, Table
from assay.metrics.spreads.comparisons import estimate, interval_of_sum
from assay.metrics.spreads.paired_rates import PairedCounts
from assay.metrics.spreads.rates import Rate
from assay.metrics.spreads.spread import PairedSpread, PairStates
from assay.metrics.values import Floats, Interval

_RECALL, _SPECIFICITY = Rate(("tp",), ("fn",)), Rate(("tn",), ("fp",))


@dataclass(frozen=True)
class RecallAndSpecificity:
    """Recall plus specificity, as balanced accuracy and informedness have it.

    Attributes:
        times: what the sum is multiplied by, above 0.
        plus: what is added then.
    """

    times: float
    plus: float = 0.0

    def squares(self, needs: Computation, *, weighted: bool) -> Computation | None:
        """The squared weights of the same counts."""
        return squares_of(needs) if weighted else None

    def parts(self, state: Any) -> tuple[Floats, ...]:
        """Those of recall, then those of specificity."""
        return *_RECALL.parts(state), *_SPECIFICITY.parts(state)

    def squared_parts(self, squares: Any) -> tuple[Floats, ...]:
        """Those of recall, then those of specificity."""
        return *_RECALL.squared_parts(squares), *_SPECIFICITY.squared_parts(squares)

    def interval(self, *parts: Floats) -> Interval:
        """From Wilson's intervals of both."""
        sides = parts[:2] + parts[4:6], parts[2:4] + parts[6:]
        recall, specificity = (ratio(counted, counted + rest) for counted, rest, *_ in sides)
        found = interval_of_sum(
            estimate(recall, _RECALL.interval(*sides[0])), estimate(specificity, _SPECIFICITY.interval(*sides[1]))
        )
        return _scaled(found, self.times, self.plus)

    def paired(self, needs: Computation, *, weighted: bool) -> PairedSpread | str:
        """From the intervals of the differences of both."""
        assert isinstance(needs, Confusion)
        return PairedRecallAndSpecificity(JointCounts(needs.thresholds, weighted), self.times)


@dataclass(frozen=True)
class PairedRecallAndSpecificity:
    """The difference of two models' recall plus specificity, on the same rows.

    Attributes:
        counts: the joint counts of both models.
        times: what it is multiplied by.
    """

    counts: JointCounts
    times: float
    origins: ClassVar[bool] = False

    @property
    def _sides(self) -> tuple[PairedCounts, PairedCounts]:
        of = (_RECALL, _SPECIFICITY)
        recall, specificity = (PairedCounts(rate.of, rate.others, 1.0, self.counts) for rate in of)
        return recall, specificity

    def tables(self) -> tuple[Table, ...]:
        """Those of the joint counts."""
        return self.counts.tables()

    def read(self, states: PairStates) -> tuple[Floats, ...]:
        """As `PairedCounts.read`."""
        return self._sides[0].read(states)

    def interval(self, *parts: Floats) -> Interval:
        """From Tango's intervals of both differences."""
        recall, specificity = (estimate(side.difference(parts[0]), side.interval(*parts)) for side in self._sides)
        return _scaled(interval_of_sum(recall, specificity), self.times)


def _scaled(interval: Interval, times: float, plus: float = 0.0) -> Interval:
    lower, upper, error, df = interval
    return Interval(times * lower + plus, times * upper + plus, times * error, df)
