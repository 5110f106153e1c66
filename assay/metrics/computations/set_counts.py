"""Counts of classes that are labels, predicted, or both, where a row has a set of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.metrics.computations.curve import Curve
from assay.metrics.computations.scores import Confusion
from assay.metrics.computations.table import States, Table
from assay.metrics.entries.domains import Domain
from assay.metrics.entries.sets import SetMatch
from assay.metrics.entries.streams import Reads
from assay.metrics.entries.views import WHOLE_ROWS

_OF_PROBABILITIES, _OF_HIGHEST = (0.5,), (-np.inf,)


@dataclass(frozen=True)
class SetCounts:
    """Counts of classes by whether they are labels, and whether their scores are above thresholds.

    Attributes:
        thresholds: a class with a score above is predicted; () is 0.5, or below every score with `top_k`.
        top_k: how many predicted classes of a row count, the first ones.
        prediction_class_key: the output of the model that holds predicted classes.
        prediction_score_key: the output that holds as many scores; "" if each is 1.
        class_key: column of the data with the classes that have weights of their own; "" for those of the label.
        weight_key: column with as many weights, which multiply those of the row; "" without.
    """

    thresholds: tuple[float, ...] = ()
    top_k: int | None = None
    prediction_class_key: str = "classes"
    prediction_score_key: str = "scores"
    class_key: str = ""
    weight_key: str = ""

    def __post_init__(self) -> None:
        if self.top_k is not None and self.top_k < 1:
            raise ValueError("top_k must be above 0")
        if self.class_key and not self.weight_key:
            raise ValueError("class_key names the classes that have weights; set weight_key, too")

    @property
    def domain(self) -> Domain:
        """Sets of classes, and scores of any kind."""
        return Domain(compares=True, view=WHOLE_ROWS)

    @property
    def reads(self) -> Reads:
        """Labels, two outputs of the model, and the weights of classes."""
        pairing = SetMatch(
            self.prediction_class_key, self.prediction_score_key, self.top_k, self.class_key, self.weight_key
        )
        return Reads(pairing=pairing)

    @property
    def _counts(self) -> Confusion:
        return Confusion(self.thresholds or (_OF_PROBABILITIES if self.top_k is None else _OF_HIGHEST))

    def tables(self) -> tuple[Table, ...]:
        """A histogram of scores, split at the thresholds."""
        return self._counts.tables()

    def read(self, states: States) -> Curve:
        """Counts (s, t), t in the order of `thresholds`."""
        return self._counts.read(states)
