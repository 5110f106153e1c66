"""Plots: the values behind a curve or a diagram, one set a slice."""

from __future__ import annotations

from assay.metrics.computations.scores import Calibration, ScoreMatrices
from assay.metrics.registry import plot
from assay.metrics.values import Buckets, Matrices


@plot("ConfusionMatrixPlot", needs=ScoreMatrices(), kept_name=False)
def confusion_matrix_plot(matrices: Matrices) -> Matrices:
    """Confusion matrices along the thresholds, behind ROC and precision-recall diagrams."""
    return matrices


@plot("CalibrationPlot", needs=Calibration(), kept_name=False)
def calibration_plot(buckets: Buckets) -> Buckets:
    """Weights, labels and predictions by bucket of the prediction."""
    return buckets
