"""Confusion counts along thresholds, which most metrics of two classes are functions of."""

from __future__ import annotations

from typing import NamedTuple

from assay.metrics.values import Floats


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
