"""Semantic segmentation: pixels by true and predicted class, a value for each of `class_ids`.

Labels and predictions are masks, images whose pixels are class ids: encoded images, such as PNG, in columns of bytes,
or lists of ids, one list for each line. `ground_truth_key` and `prediction_key` name them. Pixels whose true class is
`ignore_ground_truth_id` are neither false positives nor true negatives. Pixels count with the weight of their row.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from assay.metrics import declare
from assay.metrics.computations.pixels import PixelCounts, PixelTerms
from assay.metrics.values import Floats, Matrices

metric = partial(
    declare.metric,
    needs=PixelCounts(),
    required=("class_ids", "ground_truth_key", "prediction_key"),
    example='"class_ids": [1, 2], "ground_truth_key": "mask", "prediction_key": "found"',
    range="[0, ∞)",
    adds_up=True,
)


@metric("SemanticSegmentationConfusionMatrix", better=None)
def semantic_segmentation_confusion_matrix(p: PixelTerms) -> Matrices:
    """Numbers of pixels of the class and of others, predicted as that class or another.

    They stand at threshold 0, as pixels have no score.
    """
    return Matrices(np.zeros(1), *(counts[:, None] for counts in p))


@metric("SemanticSegmentationTruePositive", name="semantic_segmentation_true_positives", better="higher")
def semantic_segmentation_true_positives(p: PixelTerms) -> Floats:
    """Number of pixels of the class that are predicted as that class."""
    return p.tp


@metric("SemanticSegmentationFalsePositive", name="semantic_segmentation_false_positives", better="lower")
def semantic_segmentation_false_positives(p: PixelTerms) -> Floats:
    """Number of pixels of other classes that are predicted as that class."""
    return p.fp
