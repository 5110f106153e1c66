"""Object detection: detections matched with the objects of an image, by class and overlap.

Labels are the objects of an image, lists of `[xmin, ymin, xmax, ymax, class id]`; predictions are detections,
`[xmin, ymin, xmax, ymax, class id, score]`. Detections of a class are taken by falling score; each matches the free
object of its class with which it overlaps most, if intersection over union is at least `iou_threshold`. A detection
that matches is a true positive, one that does not a false positive, an object that none matches a false negative,
whatever the threshold of the score.

Only objects of an area in `area_range` count. A detection outside counts only if it matches one of them, and one that
matches an object outside does not. Source: Lin et al. (2014), "Microsoft COCO: common objects in context", and the
evaluation code of that data set, whose values these are.
"""

from __future__ import annotations

from functools import partial

from assay.metrics import declare
from assay.metrics.arithmetic import ratio
from assay.metrics.binding.settings import shares
from assay.metrics.computations.boxes import (
    BoxConfusion,
    BoxCurve,
    BoxMatrices,
    FoundObjects,
    ObjectTerms,
    PrecisionAtRecalls,
)
from assay.metrics.computations.curve import Curve
from assay.metrics.families import binary, curves
from assay.metrics.values import Floats, Matrices

_ONE = {"class_id": "class_ids", "iou_threshold": "ious", "class_weight": "class_weights"}
_IOUS = tuple(i / 20 for i in range(10, 20))
_EXAMPLE = '"class_id": 1'
_NO_OBJECT = "no object of the class"

metric = partial(declare.metric, better="higher", range="[0, 1]")
of_class = partial(
    metric, keyed_by_class=True, renames=_ONE, fixed=("single",), required=("class_ids",), example=_EXAMPLE
)


@of_class("ObjectDetectionPrecision", needs=BoxConfusion(single=tuple(_ONE.values())), undefined="no detection")
def object_detection_precision(c: Curve) -> Floats:
    """Share of the detections with a score above `thresholds` that match an object, tp / (tp + fp)."""
    return binary.precision(c)


@of_class("ObjectDetectionRecall", needs=BoxConfusion(single=tuple(_ONE.values())), undefined=_NO_OBJECT)
def object_detection_recall(c: Curve) -> Floats:
    """Share of the objects that match a detection with a score above `thresholds`, tp / (tp + fn)."""
    return binary.recall(c)


@of_class(
    "ObjectDetectionMaxRecall",
    needs=FoundObjects(single=tuple(_ONE.values())),
    undefined=_NO_OBJECT,
)
def object_detection_max_recall(o: ObjectTerms) -> Floats:
    """Share of the objects that match any detection, whatever its score."""
    return ratio(o.found, o.objects)


@of_class(
    "ObjectDetectionPrecisionAtRecall",
    needs=BoxCurve(single=tuple(_ONE.values())),
    checks={"recall": shares},
    example=f'"recall": 0.5, {_EXAMPLE}',
)
def object_detection_precision_at_recall(c: Curve, *, recall: curves.Wanted) -> Floats:
    """Highest precision among thresholds whose recall is at least `recall`, 0 if there is none. NaN without objects."""
    return curves.precision_at_recall(c, recall=recall)


@of_class(
    "ObjectDetectionThresholdAtRecall",
    needs=BoxCurve(single=tuple(_ONE.values())),
    checks={"recall": shares},
    example=f'"recall": 0.5, {_EXAMPLE}',
    better=None,
    range="that of the scores",
)
def object_detection_threshold_at_recall(c: Curve, *, recall: curves.Wanted) -> Floats:
    """Highest threshold of the score at which recall is at least `recall`, 0 if there is none.

    NaN without objects. Without `thresholds` and `num_thresholds` that is the last number below a score of the data.
    """
    return curves.threshold_at_recall(c, recall=recall)


@metric(
    "COCOAveragePrecision",
    needs=PrecisionAtRecalls(single=tuple(_ONE.values())),
    name="average_precision",
    renames=_ONE,
    fixed=("single",),
    required=("class_ids",),
    example=_EXAMPLE,
    undefined=_NO_OBJECT,
)
def coco_average_precision(precisions: Floats) -> Floats:
    """Mean over recalls from 0 to 1 of the highest precision among thresholds with at least that recall.

    Exact, with a threshold at each distinct score, which takes 24 bytes for each; `num_thresholds` asks for evenly
    spaced ones, as TFMA has them (10,000).
    """
    return precisions.mean(-1)


@metric(
    "COCOMeanAveragePrecision",
    needs=PrecisionAtRecalls(ious=_IOUS),
    name="mean_average_precision",
    renames={"iou_thresholds": "ious"},
    fixed=("single",),
    required=("class_ids",),
    example='"class_ids": [1, 2]',
    undefined="no object of these classes",
)
def coco_mean_average_precision(precisions: Floats) -> Floats:
    """Mean of the average precision over classes and overlaps, by `class_weights`; classes without objects aside."""
    return precisions.mean(-1)


@metric(
    "COCOAverageRecall",
    needs=FoundObjects(ious=_IOUS, single=("class_ids", "class_weights")),
    name="average_recall",
    renames={"class_id": "class_ids", "iou_thresholds": "ious", "class_weight": "class_weights"},
    fixed=("single",),
    required=("class_ids",),
    example=_EXAMPLE,
    undefined=_NO_OBJECT,
)
def coco_average_recall(o: ObjectTerms) -> Floats:
    """Mean over overlaps of the share of objects that match any of the first `max_num_detections` detections."""
    return ratio(o.found, o.objects)


@metric(
    "COCOMeanAverageRecall",
    needs=FoundObjects(ious=_IOUS),
    name="mean_average_recall",
    renames={"iou_thresholds": "ious"},
    fixed=("single",),
    required=("class_ids",),
    example='"class_ids": [1, 2]',
    undefined="no object of these classes",
)
def coco_mean_average_recall(o: ObjectTerms) -> Floats:
    """Mean of the average recall over classes and overlaps, by `class_weights`; classes without objects aside."""
    return ratio(o.found, o.objects)


@declare.plot(
    "ObjectDetectionConfusionMatrixPlot",
    needs=BoxMatrices(single=tuple(_ONE.values())),
    kept_name=False,
    keyed_by_class=True,
    renames=_ONE,
    fixed=("single",),
    required=("class_ids",),
    example=_EXAMPLE,
    adds_up=True,
)
def object_detection_confusion_matrix_plot(matrices: Matrices) -> Matrices:
    """Confusion matrices along `num_thresholds` + 2 thresholds, behind the precision-recall diagram. tn is 0."""
    return matrices
