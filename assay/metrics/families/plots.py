"""Plots: the values behind a curve or a diagram, one set a slice."""

from __future__ import annotations

from assay.metrics.computations.buckets import Calibration
from assay.metrics.computations.plot_counts import ScoreLevels, ScoreMatrices
from assay.metrics.declare import plot
from assay.metrics.values import Buckets, Matrices


@plot("ConfusionMatrixPlot", needs=ScoreMatrices(), kept_name=False, adds_up=True)
def confusion_matrix_plot(matrices: Matrices) -> Matrices:
    """Confusion matrices along `num_thresholds` + 2 thresholds, behind ROC and precision-recall diagrams."""
    return matrices


@plot("CalibrationPlot", needs=Calibration(), kept_name=False, adds_up=True)
def calibration_plot(buckets: Buckets) -> Buckets:
    """Weights, labels and predictions by `num_buckets` buckets of the prediction from `left` to `right`, and beyond.

    On [0, 1], which is the default, labels must lie there too.
    """
    return buckets


@plot("ScoreDistributionPlot", needs=ScoreLevels(), adds_up=True)
def score_distribution_plot(matrices: Matrices) -> Matrices:
    """Weight above (tp) and up to (tn) each of `num_thresholds` + 2 thresholds; labels are not read."""
    return matrices
