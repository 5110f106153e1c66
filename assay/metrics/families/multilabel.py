"""Several classes, of which a row may have any number.

Predictions have a score for each class; labels are 0 or 1 for each class, or class ids. A class is predicted where its
score is above the threshold. Thresholds that a config chooses may be for scores of any kind, others are for
probabilities.
"""

from __future__ import annotations

from functools import partial

from assay.metrics import declare
from assay.metrics.arithmetic import ratio
from assay.metrics.computations.multilabel import LabelMatrices
from assay.metrics.computations.row_means import PredictedClasses, RowMean
from assay.metrics.computations.terms import ErrorTerms
from assay.metrics.declare import plot
from assay.metrics.values import Floats, MultiLabelMatrices

metric = partial(declare.metric, range="[0, 1]", undefined="weights sum to 0")
predicted = partial(metric, fixed=("term",))
ranked = partial(metric, fixed=("term", "one_class"))


@predicted("SubsetAccuracy", needs=PredictedClasses("all_right"), better="higher")
def subset_accuracy(e: ErrorTerms) -> Floats:
    """Share of rows of which all classes are predicted right."""
    return ratio(e.error, e.weight)


@predicted("HammingLoss", needs=PredictedClasses("wrong_share"), better="lower")
def hamming_loss(e: ErrorTerms) -> Floats:
    """Share of the classes that are predicted wrong."""
    return ratio(e.error, e.weight)


@ranked("LabelRankingAveragePrecision", needs=RowMean("ranking_precision", False), better="higher")
def label_ranking_average_precision(e: ErrorTerms) -> Floats:
    """Mean over rows, and over their classes: of the classes scored as high or higher, the share that the row has.

    A row without classes counts as 1, as in scikit-learn. Source: Schapire and Singer (2000).
    """
    return ratio(e.error, e.weight)


@ranked("LabelRankingLoss", needs=RowMean("ranking_loss", False), better="lower")
def label_ranking_loss(e: ErrorTerms) -> Floats:
    """Mean over rows: of the pairs of a class that the row has and one that it has not, the share in the wrong order.

    Equal scores are in the wrong order. A row without such pairs counts as 0, as in scikit-learn. Source: Tsoumakas,
    Katakis and Vlahavas (2010).
    """
    return ratio(e.error, e.weight)


@ranked("CoverageError", needs=RowMean("coverage", False), better="lower", range="[0, number of classes]")
def coverage_error(e: ErrorTerms) -> Floats:
    """Mean over rows: how many of the highest scores it takes to have all classes of the row.

    A row without classes counts as 0, as in scikit-learn. Source: Tsoumakas, Katakis and Vlahavas (2010).
    """
    return ratio(e.error, e.weight)


@plot("MultiLabelConfusionMatrixPlot", needs=LabelMatrices(), adds_up=True)
def multi_label_confusion_matrix_plot(matrices: MultiLabelMatrices) -> MultiLabelMatrices:
    """For each pair of classes a and b, true and false positives and negatives of b in the rows that have the class a.

    Pairs of which a occurs in no row are left out.
    """
    return matrices
