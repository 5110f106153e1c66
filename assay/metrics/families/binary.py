"""Scalars of the binary confusion matrix, at one threshold or several.

P = tp + fn positives, N = tn + fp negatives. Every ratio is NaN where its denominator is not above 0.
Sources: Fawcett (2006), "An introduction to ROC analysis"; Powers (2011), "Evaluation: from precision, recall and
F-measure to ROC, informedness, markedness and correlation". Others are named where they stand.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from assay.metrics import declare
from assay.metrics.arithmetic import ratio
from assay.metrics.computations.curve import Curve
from assay.metrics.computations.scores import Confusion
from assay.metrics.spreads.rates import Rate
from assay.metrics.spreads.sums_of_rates import RecallAndSpecificity
from assay.metrics.values import Floats, Matrices

_AT = Confusion()

metric = partial(declare.metric, needs=_AT, better="higher", range="[0, 1]")
_RIGHT, _WRONG = ("tp", "tn"), ("fp", "fn")


@metric("TruePositives", "TP", range="[0, ∞)", adds_up=True)
def true_positives(c: Curve) -> Floats:
    """Weight of positives predicted positive."""
    return c.tp


@metric("TrueNegatives", "TN", range="[0, ∞)", adds_up=True)
def true_negatives(c: Curve) -> Floats:
    """Weight of negatives predicted negative."""
    return c.tn


@metric("FalsePositives", "FP", better="lower", range="[0, ∞)", adds_up=True)
def false_positives(c: Curve) -> Floats:
    """Weight of negatives predicted positive."""
    return c.fp


@metric("FalseNegatives", "FN", better="lower", range="[0, ∞)", adds_up=True)
def false_negatives(c: Curve) -> Floats:
    """Weight of positives predicted negative."""
    return c.fn


@metric(
    "BinaryAccuracy", renames={"threshold": "thresholds"}, undefined="weights sum to 0", spread=Rate(_RIGHT, _WRONG)
)
def binary_accuracy(c: Curve) -> Floats:
    """Share of rows predicted right, (tp + tn) / (P + N)."""
    return ratio(c.tp + c.tn, c.tp + c.tn + c.fp + c.fn)


@metric("Precision", "PPV", undefined="no positive predictions", spread=Rate(("tp",), ("fp",)))
def precision(c: Curve) -> Floats:
    """Share of predicted positives that are positive, tp / (tp + fp)."""
    return ratio(c.tp, c.tp + c.fp)


@metric("Recall", "TPR", undefined="no positive labels", spread=Rate(("tp",), ("fn",)))
def recall(c: Curve) -> Floats:
    """Share of positives predicted positive, tp / P."""
    return ratio(c.tp, c.tp + c.fn)


@metric("MaxRecall", needs=Confusion((1e-12,)), fixed=("thresholds",), spread=Rate(("tp",), ("fn",)))
def max_recall(c: Curve) -> Floats:
    """Recall when every score above 1e-12 is predicted positive, the most that a threshold above 0 reaches."""
    return recall(c)


@metric("Specificity", "TNR", undefined="no negative labels", spread=Rate(("tn",), ("fp",)))
def specificity(c: Curve) -> Floats:
    """Share of negatives predicted negative, tn / N."""
    return ratio(c.tn, c.tn + c.fp)


@metric("FallOut", "FPR", better="lower", undefined="no negative labels", spread=Rate(("fp",), ("tn",)))
def fall_out(c: Curve) -> Floats:
    """Share of negatives predicted positive, fp / N."""
    return ratio(c.fp, c.tn + c.fp)


@metric("MissRate", "FNR", better="lower", undefined="no positive labels", spread=Rate(("fn",), ("tp",)))
def miss_rate(c: Curve) -> Floats:
    """Share of positives predicted negative, fn / P."""
    return ratio(c.fn, c.tp + c.fn)


@metric("NegativePredictiveValue", "NPV", undefined="no negative predictions", spread=Rate(("tn",), ("fn",)))
def negative_predictive_value(c: Curve) -> Floats:
    """Share of predicted negatives that are negative, tn / (tn + fn)."""
    return ratio(c.tn, c.tn + c.fn)


@metric("FalseDiscoveryRate", better="lower", undefined="no positive predictions", spread=Rate(("fp",), ("tp",)))
def false_discovery_rate(c: Curve) -> Floats:
    """Share of predicted positives that are negative, fp / (fp + tp)."""
    return ratio(c.fp, c.fp + c.tp)


@metric("FalseOmissionRate", better="lower", undefined="no negative predictions", spread=Rate(("fn",), ("tn",)))
def false_omission_rate(c: Curve) -> Floats:
    """Share of predicted negatives that are positive, fn / (fn + tn)."""
    return ratio(c.fn, c.fn + c.tn)


@metric("Prevalence", better=None, undefined="weights sum to 0", spread=Rate(("tp", "fn"), ("tn", "fp")))
def prevalence(c: Curve) -> Floats:
    """Share of positives, P / (P + N)."""
    return ratio(c.tp + c.fn, c.tp + c.tn + c.fp + c.fn)


@metric("PrevalenceThreshold", better="lower", undefined="one class, or recall + specificity is 1")
def prevalence_threshold(c: Curve) -> Floats:
    """Prevalence below which precision falls fastest, (sqrt(TPR (1 - TNR)) + TNR - 1) / (TPR + TNR - 1).

    NaN without positives or negatives, and at chance (TPR + TNR = 1). Source: Balayla (2020).
    """
    tpr, tnr = recall(c), specificity(c)
    with np.errstate(all="ignore"):
        return np.where(tpr + tnr != 1, (np.sqrt(tpr * (1 - tnr)) + tnr - 1) / (tpr + tnr - 1), np.nan)


@metric("ThreatScore", spread=Rate(("tp",), _WRONG))
def threat_score(c: Curve) -> Floats:
    """Critical success index, or Jaccard index of the positives, tp / (tp + fn + fp)."""
    return ratio(c.tp, c.tp + c.fn + c.fp)


@metric("BalancedAccuracy", undefined="one class", spread=RecallAndSpecificity(times=0.5))
def balanced_accuracy(c: Curve) -> Floats:
    """Mean of recall and specificity; NaN without positives or negatives."""
    return (recall(c) + specificity(c)) / 2


@metric("F1Score", spread=Rate(("tp",), _WRONG, odds=2))
def f1_score(c: Curve) -> Floats:
    """Harmonic mean of precision and recall, 2 tp / (2 tp + fp + fn)."""
    return ratio(2 * c.tp, 2 * c.tp + c.fp + c.fn)


@metric("MatthewsCorrelationCoefficient", range="[-1, 1]")
def matthews_correlation_coefficient(c: Curve) -> Floats:
    """Correlation of label and prediction; NaN if any margin of the matrix is empty. Source: Matthews (1975)."""
    root = np.sqrt(c.tp + c.fp) * np.sqrt(c.tp + c.fn) * np.sqrt(c.tn + c.fp) * np.sqrt(c.tn + c.fn)
    return ratio(c.tp * c.tn - c.fp * c.fn, root)


@metric("FowlkesMallowsIndex")
def fowlkes_mallows_index(c: Curve) -> Floats:
    """Geometric mean of precision and recall. Source: Fowlkes and Mallows (1983)."""
    return np.sqrt(precision(c) * recall(c))


@metric("Informedness", range="[-1, 1]", undefined="one class", spread=RecallAndSpecificity(times=1, plus=-1))
def informedness(c: Curve) -> Floats:
    """Recall + specificity - 1 (Youden's J)."""
    return recall(c) + specificity(c) - 1


@metric("Markedness", range="[-1, 1]")
def markedness(c: Curve) -> Floats:
    """Precision + negative predictive value - 1."""
    return precision(c) + negative_predictive_value(c) - 1


@metric("PositiveLikelihoodRatio", range="[0, ∞)")
def positive_likelihood_ratio(c: Curve) -> Floats:
    """Recall / fall-out; NaN also if nothing negative is predicted positive."""
    return ratio(recall(c), fall_out(c))


@metric("NegativeLikelihoodRatio", better="lower", range="[0, ∞)")
def negative_likelihood_ratio(c: Curve) -> Floats:
    """Miss rate / specificity; NaN also if nothing negative is predicted negative."""
    return ratio(miss_rate(c), specificity(c))


@metric("DiagnosticOddsRatio", range="[0, ∞)")
def diagnostic_odds_ratio(c: Curve) -> Floats:
    """(tp / fn) / (fp / tn); NaN if fn, fp or tn is 0. Source: Glas et al. (2003)."""
    return ratio(ratio(c.tp, c.fn), ratio(c.fp, c.tn))


@metric("PredictedPositiveRate", better=None, spread=Rate(("tp", "fp"), ("tn", "fn")))
def predicted_positive_rate(c: Curve) -> Floats:
    """Share of rows predicted positive, (tp + fp) / (P + N)."""
    return ratio(c.tp + c.fp, c.tp + c.tn + c.fp + c.fn)


@metric("PredictedNegativeRate", better=None, undefined="weights sum to 0", spread=Rate(("tn", "fn"), ("tp", "fp")))
def predicted_negative_rate(c: Curve) -> Floats:
    """Share of rows predicted negative, (tn + fn) / (P + N)."""
    return ratio(c.tn + c.fn, c.tp + c.tn + c.fp + c.fn)


declare.group(
    "FairnessIndicators",
    declare.Group(
        {
            "FPR": "false_positive_rate",
            "FNR": "false_negative_rate",
            "TPR": "true_positive_rate",
            "TNR": "true_negative_rate",
            "PredictedPositiveRate": "positive_rate",
            "PredictedNegativeRate": "negative_rate",
            "FalseDiscoveryRate": "false_discovery_rate",
            "FalseOmissionRate": "false_omission_rate",
            "Precision": "precision",
            "Recall": "recall",
        },
        thresholds=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
        name="fairness_indicators_metrics",
    ),
)


@metric("ConfusionMatrixAtThresholds", better=None, range="[0, ∞)", adds_up=True)
def confusion_matrix_at_thresholds(c: Curve) -> Matrices:
    """The matrices themselves."""
    return Matrices(np.round(_thresholds(c), 6), c.tp, c.fp, c.tn, c.fn)


def _thresholds(c: Any) -> Floats:
    """Thresholds of a state whose slices share them, (t,)."""
    return np.asarray(c.thresholds[0] if len(c.thresholds) else c.thresholds.reshape(-1))
