"""Where the scores of a batch go, computed once for all tables that ask for it."""

from __future__ import annotations

from functools import cache, cached_property

import numpy as np
import numpy.typing as npt

from assay.metrics.entries.examples import Examples
from assay.metrics.values import Floats, Ints

BUCKETS = 10_000

_ROUNDING = 2.0**-48
"""More than the rounding error of a position, or of an edge, relative to the numbers that it comes from."""


def bucket_of(scores: Floats, buckets: int, left: float = 0.0, right: float = 1.0) -> Ints:
    """Bucket of each score, 0 to buckets + 1; finite scores only."""
    with np.errstate(over="ignore"):
        position = (scores - left) / (right - left) * buckets if (left, right) != (0, 1) else scores * buckets
    if not len(scores) or position.min() < 0 or position.max() > buckets:
        position = np.clip(position, 0, buckets)
    bucket = position.astype(np.int64)

    # Rounding may have moved a score across an edge: 0.0163 * 10,000 is less than 163. That is beside whole positions.
    beside = _ROUNDING * buckets * (1 + max(abs(left), abs(right)) / (right - left))
    near = np.flatnonzero(np.abs(position - np.rint(position)) <= beside)
    if len(near):
        edges, own, at = _edges(buckets, left, right), scores[near], bucket[near]
        at += own >= edges[at + 1]
        at -= own < edges[at]
        bucket[near] = at
    return bucket + 1


@cache
def _edges(buckets: int, left: float, right: float) -> Floats:
    """Where each bucket from the first to the open one at the end begins; the latter never ends."""
    return np.append(left + np.arange(buckets + 1) / buckets * (right - left), np.inf)


class ScoreBins:
    """The bins of the scores of a batch in tables of scores, each kind computed when it is first asked for."""

    def __init__(self, examples: Examples) -> None:
        self.examples = examples

    @cached_property
    def bucket(self) -> Ints:
        """Bucket among 10,000 on [0, 1), and the two open ends."""
        return bucket_of(self.examples.predictions, BUCKETS)

    @cached_property
    def positive(self) -> npt.NDArray[np.bool_]:
        """Whether the label is above 0."""
        return self.examples.labels > 0

    @cached_property
    def has_shares(self) -> bool:
        """Whether some label is neither 0 nor 1."""
        return not np.array_equal(self.examples.labels, self.positive)
