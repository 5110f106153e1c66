"""Several classes, of which a row has one.

Predictions have a score for each class; labels are class ids, or a number for each class, of which the highest counts.
Predicted is the class of the highest score, of equal ones the first. Rows whose labels are all 0 (or -1) have no class:
no prediction of them is right. Rows whose highest label is that of several classes are refused. Thresholds that a
config chooses may be for scores of any kind, others are for probabilities, and they may stand in any order.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from assay.metrics import declare
from assay.metrics.arithmetic import ratio
from assay.metrics.computations.agreement import ClassCorrelation, ClassDisagreement, Correlation, Disagreement
from assay.metrics.computations.multiclass import ClassMatrices
from assay.metrics.computations.row_means import RowMean, TopHits
from assay.metrics.computations.terms import ErrorTerms
from assay.metrics.declare import plot
from assay.metrics.spreads.rates import Rate
from assay.metrics.values import Floats, MultiClassMatrices

metric = partial(declare.metric, better="higher", range="[0, 1]")
accuracy = partial(
    metric,
    needs=RowMean("hit", True),
    fixed=("term", "one_class"),
    undefined="weights sum to 0",
    spread=Rate(("error",), whole="weight"),
)
top_k_accuracy = partial(metric, needs=TopHits(), undefined="weights sum to 0", spread=Rate(("error",), whole="weight"))


@accuracy("CategoricalAccuracy")
@accuracy("SparseCategoricalAccuracy")
def categorical_accuracy(e: ErrorTerms) -> Floats:
    """Share of rows whose class is that of the highest score."""
    return ratio(e.error, e.weight)


@top_k_accuracy("TopKCategoricalAccuracy")
@top_k_accuracy("SparseTopKCategoricalAccuracy")
def top_k_categorical_accuracy(e: ErrorTerms) -> Floats:
    """Share of rows whose class is among the `k` highest scores.

    Of equal scores the first are the highest, so that k = 1 gives the accuracy; Keras counts all that are as high as
    the k-th.
    """
    return ratio(e.error, e.weight)


@metric("CohenKappa", needs=ClassDisagreement(), range="[-1, 1]")
def cohen_kappa(d: Disagreement) -> Floats:
    """Agreement of actual and predicted classes beyond chance, 1 - disagreement / disagreement by chance.

    Different classes disagree by 1 (`weights` "none"), by the difference of their ids ("linear"), or by its square
    ("quadratic"). Rows without a class are left out. NaN where all rows have and are given one class. Source: Cohen
    (1968).
    """
    return 1 - ratio(d.observed * d.weight, d.by_chance)


@metric("MultiClassMatthewsCorrelationCoefficient", needs=ClassCorrelation(), range="[-1, 1]")
def multi_class_matthews_correlation_coefficient(c: Correlation) -> Floats:
    """Correlation of actual and predicted classes, each as a vector of zeros and a one.

    Rows without a class are left out. NaN where all rows have one class, or are given one. Source: Gorodkin (2004).
    """
    return ratio(c.covariance, np.sqrt(c.actual) * np.sqrt(c.predicted))


@metric(
    "MultiClassConfusionMatrixAtThresholds",
    needs=ClassMatrices(),
    fixed=("num_thresholds",),
    better=None,
    range="[0, ∞)",
    adds_up=True,
)
@plot("MultiClassConfusionMatrixPlot", needs=ClassMatrices((0.0,)), adds_up=True)
def multi_class_confusion_matrices(matrices: MultiClassMatrices) -> MultiClassMatrices:
    """Weight by actual and predicted class.

    Predicted is -1 where the highest score is not above the threshold; actual is -1 in rows without a class.
    """
    return matrices
