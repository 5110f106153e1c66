"""The labels and predictions that a computation is defined for."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from assay.metrics.entries.views import FLAT, RowLists, Vectors, View


class Domain(NamedTuple):
    """What a computation is defined for.

    Attributes:
        shares: labels are 0 and 1, or shares of the positive class between them.
        low: the least prediction.
        high: the largest prediction.
        compares: only the order of predictions counts, and where they are among thresholds; they may be infinite.
        class_ids: labels may be class ids where predictions are vectors with a number for each class.
        view: how it sees rows, where that is not for the config to say.
        one_class: a row has one class, that of its highest label, or none, where all labels are 0.
        whole_classes: a row may have any number of classes; their labels are 1, and all others 0.
    """

    shares: bool = False
    low: float = -math.inf
    high: float = math.inf
    compares: bool = False
    class_ids: bool = False
    view: View | None = None
    one_class: bool = False
    whole_classes: bool = False

    @property
    def of_classes(self) -> bool:
        """Whether labels say which classes a row has, rather than how much of each."""
        return self.one_class or self.whole_classes


NUMBERS = Domain()
"""Labels and predictions of a regression; so are scores whose mean is taken."""
BINARY = Domain(shares=True)
"""Two classes, and any scores."""
PROBABILITIES = Domain(shares=True, low=0.0, high=1.0)
"""Two classes, and probabilities of the positive one."""
ONE_CLASS = Domain(shares=True, class_ids=True, view=Vectors(), one_class=True)
"""Rows of one class, and a score of any kind for each class."""
ANY_CLASSES = Domain(shares=True, class_ids=True, view=Vectors(), whole_classes=True)
"""Rows of any number of classes, and a score of any kind for each class."""


class Asked(NamedTuple):
    """A metric that is asked for, its domain, and how it sees rows."""

    metric: str
    domain: Domain
    view: View = FLAT

    @property
    def needs_one_length(self) -> bool:
        """Whether the value depends on how many classes there are, so that all rows must have as many."""
        return isinstance(self.view, Vectors) and not self.domain.one_class

    @property
    def knows_no_label(self) -> bool:
        """Whether a label that is filled up with a negative number is none for it: no class, or no document."""
        return self.domain.of_classes or isinstance(self.view, RowLists)


def common(asked: Iterable[Asked]) -> Domain:
    """What all the metrics of some columns are defined for; shapes are for each metric to say."""
    domains = [one.domain for one in asked]
    return Domain(
        any(domain.shares for domain in domains),
        max((domain.low for domain in domains), default=-math.inf),
        min((domain.high for domain in domains), default=math.inf),
        one_class=any(domain.one_class for domain in domains),
        whole_classes=any(domain.whole_classes for domain in domains),
    )
