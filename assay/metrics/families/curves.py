"""Values of the whole threshold curve: areas, and one rate where another is held.

A value may not depend on how many thresholds repeat a point: states leave out those at which nothing changes. Counts at
`thresholds` are exact. `num_thresholds` are evenly spaced over [0, 1], by TFMA's 10,000 buckets. Without either, there
is a threshold for each cell of the score, whatever its scale: scores need not be probabilities. Where the scores of a
slice are so close together that their order cannot be told, a value that could be off by too much is NaN, and the
verdict says why. An area under the ROC curve, and the threshold at a recall, may be off by 0.01 (evenly spaced: 0.1, or
5 / `num_thresholds` of that area); other values by 0.05 (evenly spaced: 0.25, or as much as that area). Results tell by
how much a value may be off, and a threshold of the gate holds only if it holds however far that is.

With `exact: true` all distinct scores are kept instead, and there is a threshold at each: values are exact to 1e-12,
whatever the scores. It takes 24 bytes of memory for each distinct score of each slice (of each resample, with
confidence intervals), and adding rows up takes some ten times as long. It excludes `num_thresholds` and `thresholds`.

What is asked "at" a rate is the best over all thresholds that reach it, and 0 if none does. It is NaN without the rows
that a rate is a share of: recall needs positives, specificity and the false positive rate negatives.
"""

from __future__ import annotations

from functools import partial
from typing import TypeAlias, Unpack

import numpy as np

from assay.metrics import declare
from assay.metrics.arithmetic import ratio
from assay.metrics.binding.settings import one_of, shares
from assay.metrics.computations.curve import Curve, Mask, closed, following
from assay.metrics.computations.scores import ScoreCurve
from assay.metrics.computations.steps import PRECISION_RECALL, ROC, StepArea
from assay.metrics.declare import Facts
from assay.metrics.families.binary import fall_out as fall_out_of
from assay.metrics.families.binary import precision as precision_of
from assay.metrics.families.binary import recall as recall_of
from assay.metrics.families.binary import specificity as specificity_of
from assay.metrics.spreads.areas import DeLong
from assay.metrics.values import Floats

Wanted: TypeAlias = "float | tuple[float, ...]"
"""One rate, which gives a number a slice; or several, which give an array."""

_METHODS = one_of("interpolation", "minoring", "majoring")

metric = partial(declare.metric, needs=ScoreCurve(), fixed=("even",), better="higher", range="[0, 1]")


def _at(setting: str, rate: float, **facts: Unpack[Facts]) -> Facts:
    """What the declarations of "x at y" have in common."""
    return {"checks": {setting: shares}, "example": f'"{setting}": {rate}', **facts}


def _auc_at_most(c: Curve, loose: Mask, *, curve: str = "ROC", summation_method: str = "") -> Floats:
    """How far `auc` may be off at most, (s,): each piece of a ROC curve lies within its rectangle."""
    if curve == "PR":
        return _precision_recall_at_most(c, loose)
    pieces = loose * (c.tp - following(c.tp)) * (c.fp - following(c.fp))
    return ratio(pieces.sum(-1), ((c.tp + c.fn) * (c.fp + c.tn))[..., 0])


def _precision_recall_at_most(c: Curve, loose: Mask, *, summation_method: str = "") -> Floats:
    """How far `auc_precision_recall` may be off at most, (s,): precision lies between those of both orders."""
    tp, fp = following(c.tp), following(c.fp)
    pieces = loose * (c.tp - tp) * (_share(c.tp, c.tp + fp) - _share(tp, tp + c.fp))
    return ratio(pieces.sum(-1), (c.tp + c.fn)[..., 0])


def _share(part: Floats, whole: Floats) -> Floats:
    """Part of the whole, elementwise; 0 of nothing."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _auc_steps(*, curve: str = "ROC", summation_method: str = "interpolation") -> StepArea | None:
    """How samples get `auc` with less work; None if they cannot."""
    if curve == "PR":
        return _precision_recall_steps(summation_method=summation_method)
    return ROC if summation_method == "interpolation" else None


def _precision_recall_steps(*, summation_method: str = "interpolation") -> StepArea | None:
    return PRECISION_RECALL if summation_method == "interpolation" else None


@metric(
    "AUC",
    follows_roc={"curve": "ROC", "summation_method": "interpolation"},
    at_most=_auc_at_most,
    steps=_auc_steps,
    spread=DeLong(),
    spread_when={"curve": "ROC", "summation_method": "interpolation"},
    checks={"curve": one_of("ROC", "PR"), "summation_method": _METHODS},
    undefined="one class",
)
def auc(c: Curve, *, curve: str = "ROC", summation_method: str = "interpolation") -> Floats:
    """Area under true by false positive rate (ROC), or precision by recall (PR, see AUCPrecisionRecall).

    ROC is NaN without positives or negatives, PR without positives. Heights between two thresholds are their mean
    (interpolation), the lower (minoring) or the higher one (majoring). Source: Fawcett (2006).
    """
    return (area_under_precision_recall if curve == "PR" else area_under_roc)(closed(c), summation_method)


@metric(
    "AUCPrecisionRecall",
    at_most=_precision_recall_at_most,
    steps=_precision_recall_steps,
    checks={"summation_method": _METHODS},
    undefined="no positive labels",
)
def auc_precision_recall(c: Curve, *, summation_method: str = "interpolation") -> Floats:
    """Area under precision by recall; NaN without positives.

    Interpolation makes counts linear between two thresholds, not precision. Minoring and majoring take the lower or
    the higher precision of the two, which counts as 0 where nothing is predicted positive. Source: Davis and Goadrich
    (2006).
    """
    return area_under_precision_recall(closed(c), summation_method)


def area_under_roc(c: Curve, summation_method: str = "interpolation") -> Floats:
    """Area under (FPR, TPR) of a curve with both ends, (...)."""
    return _area(fall_out_of(c), recall_of(c), summation_method)


def area_under_precision_recall(c: Curve, summation_method: str = "interpolation") -> Floats:
    """Area under (TPR, precision) of a curve with both ends, (...).

    Interpolated, tp is linear in the number predicted positive p between two thresholds: tp = slope * p + intercept, so
    the area is slope * (dtp + intercept * ln(p1 / p2)) / P, as Keras integrates it.
    """
    if summation_method != "interpolation":
        return _area(recall_of(c), np.nan_to_num(precision_of(c)), summation_method)
    p = c.tp + c.fp
    dtp, dp = c.tp[..., :-1] - c.tp[..., 1:], p[..., :-1] - p[..., 1:]
    with np.errstate(all="ignore"):
        slope = np.where(dp > 0, dtp / dp, 0.0)
        intercept = c.tp[..., 1:] - slope * p[..., 1:]
        growth = np.where((p[..., :-1] > 0) & (p[..., 1:] > 0), p[..., :-1] / p[..., 1:], 1.0)
        area = (slope * (dtp + intercept * np.log(growth))).sum(-1)
    return ratio(area, (c.tp + c.fn)[..., 0])


def _area(x: Floats, y: Floats, summation_method: str) -> Floats:
    left, right = y[..., :-1], y[..., 1:]
    heights = {"interpolation": (left + right) / 2, "minoring": np.minimum(left, right)}
    return ((x[..., :-1] - x[..., 1:]) * heights.get(summation_method, np.maximum(left, right))).sum(-1)


@metric("SensitivityAtSpecificity", **_at("specificity", 0.9))
def sensitivity_at_specificity(c: Curve, *, specificity: Wanted) -> Floats:
    """Highest recall among thresholds whose specificity is at least `specificity`."""
    return _best(recall_of(c), held=specificity_of(c), at_least=specificity)


@metric("SpecificityAtSensitivity", **_at("sensitivity", 0.9))
def specificity_at_sensitivity(c: Curve, *, sensitivity: Wanted) -> Floats:
    """Highest specificity among thresholds whose recall is at least `sensitivity`."""
    return _best(specificity_of(c), held=recall_of(c), at_least=sensitivity)


@metric("PrecisionAtRecall", **_at("recall", 0.9))
def precision_at_recall(c: Curve, *, recall: Wanted) -> Floats:
    """Highest precision among thresholds whose recall is at least `recall`."""
    return _best(precision_of(c), held=recall_of(c), at_least=recall)


@metric("RecallAtPrecision", **_at("precision", 0.6))
def recall_at_precision(c: Curve, *, precision: Wanted) -> Floats:
    """Highest recall among thresholds whose precision is at least `precision`."""
    return _best(recall_of(c), held=precision_of(c), at_least=precision)


@metric("RecallAtFalsePositiveRate", **_at("false_positive_rate", 0.1))
def recall_at_false_positive_rate(c: Curve, *, false_positive_rate: Wanted) -> Floats:
    """Highest recall among thresholds whose false positive rate is at most `false_positive_rate`."""
    return _best(recall_of(c), held=-fall_out_of(c), at_least=-np.asarray(false_positive_rate))


@metric(
    "ThresholdAtRecall",
    needs=ScoreCurve(even=True),
    **_at("recall", 0.9, better=None, range="[0, 1], or 1e-7 beyond; that of the scores with `exact`", follows_roc={}),
)
def threshold_at_recall(c: Curve, *, recall: Wanted) -> Floats:
    """Highest threshold at which recall is at least `recall`.

    With `exact`, that is the last number below a score of the data: scores above it are predicted positive.
    """
    return _best(c.thresholds, held=recall_of(c), at_least=recall)


def _best(sought: Floats, *, held: Floats, at_least: Floats | Wanted) -> Floats:
    """Highest `sought` (..., t) where `held` (..., t) is at least some rate, or each of k rates: (...) or (..., k).

    0 where no threshold reaches the rate; NaN where either is undefined at every threshold.
    """
    wanted = np.asarray(at_least)
    reached = held[..., None, :] >= wanted.reshape(-1, 1)
    best = np.fmax.reduce(np.where(reached, sought[..., None, :], np.nan), axis=-1)
    best = np.where(reached.any(-1), best, 0.0)
    undefined = np.isnan(held).all(-1, keepdims=True) | np.isnan(sought).all(-1, keepdims=True)
    best = np.where(undefined, np.nan, best)
    return best[..., 0] if wanted.ndim == 0 else best
