"""The thresholds of matrices of several classes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from assay.metrics.computations.scores import curve_thresholds
from assay.metrics.values import Floats

_MOST = 10_000


@dataclass(frozen=True)
class ClassThresholds:
    """Thresholds that scores are compared with; a class is predicted where its score is above.

    Attributes:
        thresholds: in any order.
        num_thresholds: as many instead, evenly spaced over [0, 1]; the first is below all scores, the last above.
        chosen: the fields that a config has set.
    """

    thresholds: tuple[float, ...] = (0.5,)
    num_thresholds: int | None = None
    chosen: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if self.num_thresholds is not None and "thresholds" in self.chosen:
            raise ValueError("num_thresholds and thresholds exclude each other; set one of them")
        if self.num_thresholds is not None and not 1 < self.num_thresholds <= _MOST:
            raise ValueError(f"num_thresholds must be above 1 and at most {_MOST:,}")

    @property
    def ascending(self) -> tuple[float, ...]:
        """The different ones."""
        chosen = self.thresholds if self.num_thresholds is None else curve_thresholds(self.num_thresholds)
        return tuple(sorted(set(chosen)))

    @property
    def shown(self) -> Floats:
        """(t,) as people see them: the ends of evenly spaced ones are 0 and 1."""
        shown = np.asarray(self.ascending)
        return shown if self.num_thresholds is None else np.clip(shown, 0, 1)

    @property
    def low(self) -> float:
        """The least score that they are for: any, where somebody has chosen thresholds, who knows what scores are."""
        return -math.inf if "thresholds" in self.chosen else 0.0

    @property
    def high(self) -> float:
        """The highest score that they are for; a threshold of 0 is for any that are not negative."""
        is_any = "thresholds" in self.chosen or (self.num_thresholds is None and self.thresholds == (0.0,))
        return math.inf if is_any else 1.0
