"""Labels by distinct score: all scores are kept, so that nothing is in doubt, whatever their scale.

The key of a score is its 64 bits, turned so that keys ascend with scores. A row weighs 24 bytes in memory if its score
is new to its slice, and nothing more if it is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.metrics.computations.curve import Curve, curve_of
from assay.metrics.computations.score_bins import ScoreBins
from assay.metrics.entries.examples import Examples
from assay.metrics.states.contributions import Keyed
from assay.metrics.states.keyed_sums import KeyedEntries, KeyedStore
from assay.metrics.values import Floats, Ints

_LOW_63 = np.int64(2**63 - 1)


def keys_of(scores: Floats) -> Ints:
    """A number for each score that ascends with it; -0.0 is 0.0."""
    return _turned((scores + 0.0).view(np.int64))


def scores_of(keys: Ints) -> Floats:
    """The score of each key."""
    return _turned(keys).view(np.float64)


def _turned(bits: Ints) -> Ints:
    """The bits of a float are its sign and its size. Turned, those of negative numbers fall as the size grows."""
    return bits ^ (bits >> 63 & _LOW_63)


@dataclass(frozen=True)
class DistinctTable:
    """Weights of negatives and of positives by score."""

    def join(self, other: DistinctTable) -> DistinctTable:
        """Itself: there are no settings."""
        return self

    def empty(self) -> KeyedStore:
        """Nothing."""
        return KeyedStore(2)

    def contribution(self, examples: Examples, bins: ScoreBins) -> Keyed:
        """The weight of each entry; a fractional label l is a positive of w * l and a negative of w * (1 - l)."""
        labels, predictions, weights = examples[:3]
        return Keyed(keys_of(predictions), np.stack([weights * (1 - labels), weights * labels], 1), None)


def curve_of_distinct(entries: KeyedEntries) -> Curve:
    """Counts (s, t) with a threshold at each score of a slice, the last one that the score is above, and the end."""
    first = np.searchsorted(entries.slices, np.arange(entries.slice_count))
    at = slice(None), entries.slices, np.arange(len(entries.keys)) - first[entries.slices]

    # Curves of fewer points are padded with the end, at which nothing changes any more.
    shape = entries.slice_count, entries.width + 1
    thresholds, histogram = np.full(shape, np.inf), np.zeros((2, *shape))
    thresholds[at[1:]] = np.nextafter(scores_of(entries.keys), -np.inf)
    histogram[at] = entries.sums.T
    return curve_of(thresholds, histogram)
