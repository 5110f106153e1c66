"""Scores spread in ten ways, and what rank metrics of them are, from scikit-learn's curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from sklearn import metrics as sk

NARROW = "a narrow band"

SPREADS: Mapping[str, Callable[[np.random.Generator, np.ndarray], np.ndarray]] = {
    "even": lambda rng, margin: _rank(margin),
    "rare positives": lambda rng, margin: _logistic(margin - 5),
    "rare positives, a hundredth": lambda rng, margin: _logistic(margin - 5) * 1e-2,
    "rare positives, a millionth": lambda rng, margin: _logistic(margin - 5) * 1e-6,
    "rare positives, a million times": lambda rng, margin: _logistic(margin - 5) * 1e6,
    "logits": lambda rng, margin: margin * 3 - 2,
    "percents": lambda rng, margin: _logistic(margin) * 100,
    "near 1": lambda rng, margin: 1 - 1e-6 * _logistic(-margin),
    "whole numbers": lambda rng, margin: np.clip(np.round(5 + 2 * margin), 0, 10),
    NARROW: lambda rng, margin: 0.5 + 0.001 * _logistic(margin),
}
"""Name -> the scores of random numbers that positives have more of."""

METRICS: Mapping[str, tuple[str, dict[str, object]]] = {
    "auc": ("AUC", {}),
    "auc_minoring": ("AUC", {"summation_method": "minoring"}),
    "auc_majoring": ("AUC", {"summation_method": "majoring"}),
    "auc_pr": ("AUCPrecisionRecall", {}),
    "auc_pr_minoring": ("AUC", {"curve": "PR", "summation_method": "minoring"}),
    "sensitivity_at_specificity": ("SensitivityAtSpecificity", {"specificity": 0.9}),
    "specificity_at_sensitivity": ("SpecificityAtSensitivity", {"sensitivity": 0.8}),
    "precision_at_recall": ("PrecisionAtRecall", {"recall": 0.5}),
    "recall_at_precision": ("RecallAtPrecision", {"precision": 0.7}),
    "recall_at_false_positive_rate": ("RecallAtFalsePositiveRate", {"false_positive_rate": 0.05}),
    "threshold_at_recall": ("ThresholdAtRecall", {"recall": 0.9}),
}
"""Name -> class name and settings."""


def rows_of(spread: str, rows: int, *, weighted: bool, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, scores and weights (rows,)."""
    rng = np.random.default_rng([seed, *spread.encode()])
    labels = (rng.random(rows) < (0.01 if spread.startswith("rare") else 0.3)).astype(float)
    scores = SPREADS[spread](rng, rng.normal(size=rows) + 1.5 * labels)
    return labels, scores, rng.lognormal(size=rows) if weighted else np.ones(rows)


def exact_values(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """The values of `METRICS` along scikit-learn's curve, which has a point at each score."""
    positives, negatives = weights[labels == 1].sum(), weights[labels == 0].sum()
    fpr, tpr, thresholds = sk.roc_curve(labels, scores, sample_weight=weights, drop_intermediate=False)
    tp, fp, specificity = tpr * positives, fpr * negatives, 1 - fpr
    precision = np.divide(tp, tp + fp, out=np.zeros_like(tp), where=tp + fp > 0)
    return {
        "auc": float(sk.roc_auc_score(labels, scores, sample_weight=weights)),
        "auc_minoring": float((np.diff(fpr) * tpr[:-1]).sum()),
        "auc_majoring": float((np.diff(fpr) * tpr[1:]).sum()),
        "auc_pr": _davis_and_goadrich(tp, fp),
        "auc_pr_minoring": float((np.diff(tpr) * np.minimum(precision[:-1], precision[1:])).sum()),
        "sensitivity_at_specificity": tpr[specificity >= 0.9].max(),
        "specificity_at_sensitivity": specificity[tpr >= 0.8].max(),
        "precision_at_recall": precision[tpr >= 0.5].max(),
        "recall_at_precision": tpr[precision >= 0.7].max(initial=0),
        "recall_at_false_positive_rate": tpr[fpr <= 0.05].max(),
        "threshold_at_recall": thresholds[tpr >= 0.9].max(),
    }


def _davis_and_goadrich(tp: np.ndarray, fp: np.ndarray) -> float:
    """Area under precision by recall, false positives being linear in true positives between two points.

    With fp = fp0 + k (t - tp0) the integral of t / (t + fp) is t / (1 + k) - c ln(t + c) / (1 + k), where
    c = (fp0 - k tp0) / (1 + k).
    """
    rising = np.diff(tp) > 0
    t0, t1, f0, f1 = tp[:-1][rising], tp[1:][rising], fp[:-1][rising], fp[1:][rising]
    k = (f1 - f0) / (t1 - t0)
    c = (f0 - k * t0) / (1 + k)
    with np.errstate(divide="ignore", invalid="ignore"):
        bent = np.where(t0 + f0 > 0, c * np.log((t1 + c) / (t0 + c)), 0.0)  # from nothing on, precision does not change
    return float((((t1 - t0) - bent) / (1 + k)).sum() / tp[-1])


def _logistic(margin: np.ndarray) -> np.ndarray:
    share: np.ndarray = 1 / (1 + np.exp(-margin))
    return share


def _rank(margin: np.ndarray) -> np.ndarray:
    """The numbers' ranks, spread over [0, 1)."""
    ranks = np.empty(len(margin))
    ranks[np.argsort(margin)] = np.arange(len(margin))
    return ranks / len(margin)
