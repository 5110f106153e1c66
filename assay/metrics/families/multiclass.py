"""Confusion matrices of several classes.

Predictions have a score for each class; labels are class ids, or a number for each class. The values are counts by
class, so there are no averages over classes and no intervals. Thresholds may stand in any order. Scores are compared
as they are: chosen `thresholds` may be for scores of any kind, others are for probabilities.
"""

from __future__ import annotations

from assay.metrics.computations.multiclass import ClassMatrices
from assay.metrics.computations.multilabel import LabelMatrices
from assay.metrics.declare import metric, plot
from assay.metrics.values import MultiClassMatrices, MultiLabelMatrices


@metric(
    "MultiClassConfusionMatrixAtThresholds",
    needs=ClassMatrices(),
    fixed=("num_thresholds",),
    range="[0, ∞)",
    adds_up=True,
)
@plot("MultiClassConfusionMatrixPlot", needs=ClassMatrices((0.0,)), adds_up=True)
def multi_class_confusion_matrices(matrices: MultiClassMatrices) -> MultiClassMatrices:
    """Weight by actual class and class of the highest score.

    Of equal scores the first counts. Predicted is -1 where the highest score is not above the threshold, actual is -1
    where all labels of a row are 0. Rows whose highest label is that of several classes are refused.
    """
    return matrices


@plot("MultiLabelConfusionMatrixPlot", needs=LabelMatrices(), adds_up=True)
def multi_label_confusion_matrix_plot(matrices: MultiLabelMatrices) -> MultiLabelMatrices:
    """For each pair of classes a and b, true and false positives and negatives of b in the rows that have the class a.

    Labels are 0 or 1. Pairs of which a occurs in no row are left out.
    """
    return matrices
