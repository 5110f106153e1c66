"""Values of the whole threshold curve.

A value may not depend on how many thresholds repeat a point: states leave out those at which nothing changes.
"""

from __future__ import annotations

import numpy as np

from assay.metrics.arithmetic import ratio
from assay.metrics.computations.scores import Curve, ScoreCurve
from assay.metrics.registry import metric
from assay.metrics.values import Floats

_CURVE = ScoreCurve()


def area_under_roc(c: Curve) -> Floats:
    """Trapezoidal area under (FPR, TPR); NaN without positives or negatives."""
    x, y = ratio(c.fp, c.fp + c.tn), ratio(c.tp, c.tp + c.fn)
    return ((x[..., :-1] - x[..., 1:]) * (y[..., :-1] + y[..., 1:]) / 2).sum(-1)


def area_under_precision_recall(c: Curve) -> Floats:
    """Area under precision by recall, tp and fp interpolated; NaN without positives.

    Between two thresholds tp is linear in the number predicted positive p: tp = slope * p + intercept, so the area is
    slope * (dtp + intercept * ln(p1 / p2)) / P. Source: Davis and Goadrich (2006), as Keras integrates it.
    """
    p = c.tp + c.fp
    dtp, dp = c.tp[..., :-1] - c.tp[..., 1:], p[..., :-1] - p[..., 1:]
    with np.errstate(all="ignore"):
        slope = np.where(dp > 0, dtp / dp, 0.0)
        intercept = c.tp[..., 1:] - slope * p[..., 1:]
        growth = np.where((p[..., :-1] > 0) & (p[..., 1:] > 0), p[..., :-1] / p[..., 1:], 1.0)
        positives = (c.tp + c.fn)[..., 0]
        area = (slope * (dtp + intercept * np.log(growth))).sum(-1)
    return ratio(area, positives)


@metric("AUC", needs=_CURVE)
def auc(c: Curve) -> Floats:
    """Area under the ROC curve by trapezoids; NaN without positives or negatives."""
    return area_under_roc(c)


@metric("AUCPrecisionRecall", needs=_CURVE)
def auc_precision_recall(c: Curve) -> Floats:
    """Area under the precision-recall curve; NaN without positives."""
    return area_under_precision_recall(c)
