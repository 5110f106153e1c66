"""Pixels of masks by class, right and wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from assay.metrics.computations.table import States, Table
from assay.metrics.computations.terms import TermTable
from assay.metrics.entries.domains import Domain
from assay.metrics.entries.masks import MaskKeys
from assay.metrics.entries.pixel_classes import PixelClasses
from assay.metrics.entries.streams import Reads
from assay.metrics.values import Floats


class PixelTerms(NamedTuple):
    """Weights of the pixels of each slice, all of shape (s,): of a class or not, predicted as such or not."""

    tp: Floats
    fp: Floats
    tn: Floats
    fn: Floats


@dataclass(frozen=True)
class PixelCounts:
    """Confusion counts of pixels, of each class against all others.

    Attributes:
        class_ids: the classes.
        ground_truth_key: column, or output of `label_keys`, of the true masks.
        prediction_key: output of the model, or column, of the predicted masks.
        decode_ground_truth: whether the true masks are encoded images, such as PNG; else lists of class ids.
        decode_prediction: whether the predicted ones are.
        ignore_ground_truth_id: the true class of pixels that do not count; None for none.
    """

    class_ids: tuple[int, ...] = ()
    ground_truth_key: str = ""
    prediction_key: str = ""
    decode_ground_truth: bool = True
    decode_prediction: bool = False
    ignore_ground_truth_id: int | None = None

    def __post_init__(self) -> None:
        if any(one < 0 for one in self.class_ids) or len(set(self.class_ids)) < len(self.class_ids):
            raise ValueError("class ids must be 0 or more, each of them once")

    @property
    def reads(self) -> Reads:
        """Masks in the place of labels and predictions."""
        keys = (self.ground_truth_key, self.prediction_key, self.decode_ground_truth, self.decode_prediction)
        return Reads(labels=False, predictions=False, masks=MaskKeys(*keys))

    @property
    def domain(self) -> Domain:
        """Pixels of these classes."""
        return Domain(view=PixelClasses(self.class_ids, self.ignore_ground_truth_id))

    def tables(self) -> tuple[Table, ...]:
        """Weights by true and predicted class."""
        return (_COUNTS,)

    def read(self, states: States) -> PixelTerms:
        """The four sums."""
        table, sums = states(_COUNTS)
        return PixelTerms(*(sums[:, table.terms.index(term)] for term in _COUNTS.terms))


_COUNTS = TermTable(("prediction_of_positives", "prediction_of_negatives", "rest_of_negatives", "rest_of_positives"))
"""Labels and predictions of pixels are 0 and 1."""
