"""Confusion counts along thresholds, which most metrics of two classes are functions of."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from assay.metrics.arithmetic import suffix_sums
from assay.metrics.states.cell_entries import CellEntries
from assay.metrics.values import Floats, Ints

Mask: TypeAlias = npt.NDArray[np.bool_]


class Curve(NamedTuple):
    """Sums of weights above each threshold (tp, fp) and up to it (tn, fn); all of shape (s, t).

    Thresholds ascend. A curve may leave out thresholds at which nothing changes and repeat its last point, so no value
    may depend on the number of points.
    """

    thresholds: Floats
    tp: Floats
    fp: Floats
    tn: Floats
    fn: Floats


def weights_by_label(entries: CellEntries, bins: Ints, count: int) -> Floats:
    """Adds entries up into bins: (2, s, count) weights of negatives and of positives, whose cells are odd.

    Args:
        entries: weights by score cell and label.
        bins: the bin of each entry.
        count: bins of a slice.
    """
    by_slice = entries.binned((entries.cells & 1) * count + bins, 2 * count)
    return by_slice.reshape(-1, 2, count).swapaxes(0, 1)


def curve_of(thresholds: Floats, by_label: Floats) -> Curve:
    """From weights (2, s, t) by label and by interval: the scores above threshold i and not above i + 1.

    Both sides are added up, rather than one subtracted from a total: a sum of nothing is exactly 0.
    """
    fp, tp = suffix_sums(by_label)
    tn, fn = np.cumsum(by_label, -1) - by_label
    tn[..., 0] = fn[..., 0] = 0
    return Curve(np.broadcast_to(thresholds, tp.shape), tp, fp, tn, fn)


def closed(c: Curve) -> Curve:
    """The curve with both its ends: a threshold below every score, and one that no score is above."""
    if not any(counts.any() for counts in (c.tn[..., 0], c.fn[..., 0], c.tp[..., -1], c.fp[..., -1])):
        return c
    positives, negatives = (c.tp + c.fn)[..., :1], (c.fp + c.tn)[..., :1]
    tp, fp = (np.concatenate([p, q, np.zeros_like(p)], -1) for p, q in ((positives, c.tp), (negatives, c.fp)))
    return Curve(c.thresholds, tp, fp, negatives - fp, positives - tp)


def following(counts: Floats) -> Floats:
    """Of some counts along a curve, those at the next threshold; at the last one its own."""
    return np.concatenate([counts[..., 1:], counts[..., -1:]], -1)


def last_below(thresholds: Floats, slices: Ints, values: Floats) -> Ints:
    """The last of a slice's ascending thresholds (s, t) below each value (m,), or -1; `slices` (m,) says which slice.

    All are looked for at once, in steps that halve.
    """
    count = thresholds.shape[1]
    found = np.full(len(values), -1)
    for power in reversed(range(count.bit_length())):
        further = found + (1 << power)
        is_below = thresholds[slices, np.minimum(further, count - 1)] < values
        found = np.where(is_below & (further < count), further, found)
    return found
