"""The labels and predictions that a computation is defined for."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple


class Domain(NamedTuple):
    """What a computation is defined for.

    Attributes:
        shares: labels are 0 and 1, or shares of the positive class between them.
        low: the least prediction.
        high: the largest prediction.
        class_ids: labels may be class ids where predictions are vectors with a number for each class.
        vectors: predictions are such vectors.
    """

    shares: bool = False
    low: float = -math.inf
    high: float = math.inf
    class_ids: bool = False
    vectors: bool = False


NUMBERS = Domain()
"""Labels and predictions of a regression; so are scores whose mean is taken."""
BINARY = Domain(shares=True)
"""Two classes, and scores that only need an order."""
PROBABILITIES = Domain(shares=True, low=0.0, high=1.0)
"""Two classes, and probabilities of the positive one."""


class Asked(NamedTuple):
    """A metric that is asked for, and its domain."""

    metric: str
    domain: Domain


def common(asked: Iterable[Asked]) -> Domain:
    """What all the metrics of a stream are defined for; vectors and class ids are for each metric to say."""
    domains = [one.domain for one in asked]
    return Domain(
        any(domain.shares for domain in domains),
        max((domain.low for domain in domains), default=-math.inf),
        min((domain.high for domain in domains), default=math.inf),
    )
