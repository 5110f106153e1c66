"""Confusion counts along thresholds, which most metrics of two classes are functions of."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from assay.metrics.values import Floats

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


def following_of(c: Curve) -> Curve:
    """The counts at the next threshold; at the last one its own."""
    return Curve(c.thresholds, *(np.concatenate([counts[..., 1:], counts[..., -1:]], -1) for counts in c[1:]))
