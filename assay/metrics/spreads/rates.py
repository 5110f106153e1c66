"""Shares of rows: Wilson's score interval, which holds near 0 and 1, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.errors import ConfigError
from assay.metrics.arithmetic import ratio
from assay.metrics.computations.joint_counts import JointCounts
from assay.metrics.computations.scores import Confusion
from assay.metrics.computations.squares import squares_of
from assay.metrics.computations.table import Computation
from assay.metrics.spreads.paired_rates import PairedCounts
from assay.metrics.spreads.quantiles import Z, between
from assay.metrics.spreads.ratios import SAME_FOR_BOTH, Ratio
from assay.metrics.spreads.spread import PairedSpread
from assay.metrics.spreads.worth import rows_worth
from assay.metrics.values import Floats, Interval


@dataclass(frozen=True)
class Rate:
    """The share of some counts in the counts of all.

    Attributes:
        of: fields of the state that count.
        others: fields that are in the whole beside them.
        whole: instead of `others`, the field that is the whole.
        odds: what the odds of the share are multiplied by: F1 has twice those of the threat score.
    """

    of: tuple[str, ...]
    others: tuple[str, ...] = ()
    whole: str = ""
    odds: float = 1.0

    def __post_init__(self) -> None:
        odd = sorted({*self.of, *self.others} - {"tp", "fp", "tn", "fn"})
        if odd and not self.whole:
            raise ConfigError(
                f"spread: Rate({self.of}, {self.others}): expected some of tp, fp, tn and fn, found {', '.join(odd)}; "
                "or set whole to the field of the state that is the whole"
            )

    def squares(self, needs: Computation, *, weighted: bool) -> Computation | None:
        """The squared weights of the same counts."""
        return squares_of(needs) if weighted else None

    def parts(self, state: Any) -> tuple[Floats, ...]:
        """What counts and the rest, by weight."""
        return self._split(state)

    def squared_parts(self, squares: Any) -> tuple[Floats, ...]:
        """The same by squared weight."""
        return self._split(squares)

    def interval(self, *parts: Floats) -> Interval:
        """Wilson's interval for as many rows as the weights are worth; see `rows_worth`."""
        counted, rest, *squares = parts
        squared, squared_rest = squares or (counted, rest)
        rows = rows_worth(np.stack([counted, rest], -1), np.stack([squared, squared_rest], -1), np.array([1.0, 0.0]))
        bounds = wilson(ratio(counted, counted + rest), rows)
        return between(*(self.odds * bound / (1 + (self.odds - 1) * bound) for bound in bounds))

    def paired(self, needs: Computation, *, weighted: bool) -> PairedSpread | str:
        """Tango's interval where both models are measured on the same rows, else that of the delta method."""
        if not isinstance(needs, Confusion):
            return Ratio().paired(needs, weighted=weighted)
        if {frozenset(self.of), frozenset(self.others)} == {frozenset({"tp", "fn"}), frozenset({"tn", "fp"})}:
            return SAME_FOR_BOTH
        return PairedCounts(self.of, self.others, self.odds, JointCounts(needs.thresholds, weighted))

    def _split(self, state: Any) -> tuple[Floats, Floats]:
        counted = _total(state, self.of)
        return counted, getattr(state, self.whole) - counted if self.whole else _total(state, self.others)


def _total(state: Any, fields: Sequence[str]) -> Floats:
    total: Floats = getattr(state, fields[0])
    for name in fields[1:]:
        total = total + getattr(state, name)
    return total


def wilson(share: Floats, rows: Floats) -> tuple[Floats, Floats]:
    """Bounds of the central 95 % of shares that a sample of so many rows does not contradict. Source: Wilson (1927)."""
    with np.errstate(all="ignore"):
        middle = (share + Z * Z / (2 * rows)) / (1 + Z * Z / rows)
        distance = Z * np.sqrt(share * (1 - share) / rows + Z * Z / (4 * rows * rows)) / (1 + Z * Z / rows)
    return np.where(share == 0, 0.0, middle - distance), np.where(share == 1, 1.0, middle + distance)
