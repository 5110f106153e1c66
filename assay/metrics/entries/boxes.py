"""Boxes of images: the objects that are there, the detections of a model, and how each row has any number of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from assay.metrics.entries.row_faults import RowFault
from assay.metrics.values import Floats, Ints

LEFT, TOP, RIGHT, BOTTOM, CLASS, SCORE = range(6)
"""The numbers of a box, in this order; objects have no score."""
OBJECT, DETECTION = ("xmin", "ymin", "xmax", "ymax", "class id"), ("xmin", "ymin", "xmax", "ymax", "class id", "score")
"""What these numbers are called."""
PADDING = -1
"""Class id of what is no box: it fills up lists to one length."""


@dataclass(frozen=True)
class BoxKeys:
    """Where the numbers of boxes are, if not in labels and predictions as lists of boxes.

    Attributes:
        labels: columns, or outputs of `label_keys`, whose numbers side by side are the objects; () for the labels.
        predictions: likewise outputs of the model, or columns; () for the predictions.
        count: how many of a row's detections count, the first ones; "" for all.
        may_be_missing: whether rows have no boxes where one of these is not there at all.
    """

    labels: tuple[str, ...] = ()
    predictions: tuple[str, ...] = ()
    count: str = ""
    may_be_missing: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """All names, of columns or of outputs."""
        return (*self.labels, *self.predictions, *([self.count] if self.count else []))


class Boxes(NamedTuple):
    """The boxes of n rows, each row an image.

    Attributes:
        objects: (g, 5) of `OBJECT`.
        object_rows: (g,) ascending: the row of each.
        detections: (d, 6) of `DETECTION`.
        detection_rows: (d,) ascending: the row of each.
        faults: reason -> rows whose boxes cannot be taken; these have none here.
    """

    objects: Floats
    object_rows: Ints
    detections: Floats
    detection_rows: Ints
    faults: Mapping[str, RowFault] = {}
