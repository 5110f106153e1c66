"""Detections by score: counts at thresholds, along a curve, and precision at recalls, of boxes matched with objects.

A missed object is an entry with a score of minus infinity, which no threshold is below: it never counts as found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from assay.metrics.computations.curve import Curve
from assay.metrics.computations.distinct import DistinctTable, curve_of_distinct
from assay.metrics.computations.plot_counts import ScoreMatrices
from assay.metrics.computations.scores import Confusion, curve_thresholds
from assay.metrics.computations.table import States, Table
from assay.metrics.computations.terms import TermTable
from assay.metrics.entries.boxes import BoxKeys
from assay.metrics.entries.domains import Domain
from assay.metrics.entries.matched import Matched
from assay.metrics.entries.streams import Reads
from assay.metrics.values import Floats, Ints, Matrices

_END = 1e-12
"""How far the first and last threshold of an average precision are from 0 and 1; TFMA's."""


@dataclass(frozen=True)
class OfBoxes:
    """Which boxes count, and how they are matched; see `Matched` and `BoxKeys`.

    Attributes:
        class_ids: the classes.
        ious: by how much a detection and an object have to overlap.
        class_weights: how much each class counts; () if all count alike.
        area_range: least and largest area of the objects that count, ends included; () for all.
        max_num_detections: how many detections of a class count in a row, those of the highest scores; None for all.
        labels_to_stack: columns whose numbers side by side are the objects; () if labels are lists of boxes.
        predictions_to_stack: likewise of the detections.
        num_detections_key: column or output that says how many of a row's detections count, the first ones.
        allow_missing_key: whether rows have no boxes where one of these columns is not there.
        single: the fields of which there is one value.
    """

    class_ids: tuple[int, ...] = ()
    ious: tuple[float, ...] = (0.5,)
    class_weights: tuple[float, ...] = ()
    area_range: tuple[float, ...] = ()
    max_num_detections: int | None = None
    labels_to_stack: tuple[str, ...] = ()
    predictions_to_stack: tuple[str, ...] = ()
    num_detections_key: str = ""
    allow_missing_key: bool = False
    single: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.single:
            if len(getattr(self, name)) > 1:
                raise ValueError(f"expected one value, not several, for {_WORDS[name]}")
        self._check_classes()
        if any(not 0 <= iou <= 1 for iou in self.ious) or len(set(self.ious)) < len(self.ious):
            raise ValueError("overlaps (intersection over union) must be from 0 to 1, each of them once")
        if self.area_range and (len(self.area_range) != 2 or not 0 <= self.area_range[0] < self.area_range[1]):
            raise ValueError("area_range must be two numbers, the least area and a larger one")
        if self.max_num_detections is not None and self.max_num_detections < 1:
            raise ValueError("max_num_detections must be above 0")

    def _check_classes(self) -> None:
        if any(one < 0 for one in self.class_ids) or len(set(self.class_ids)) < len(self.class_ids):
            raise ValueError("class ids must be 0 or more, each of them once")
        if self.class_weights and len(self.class_weights) != len(self.class_ids):
            raise ValueError("there must be one weight for each class")
        if any(not 0 <= weight < math.inf for weight in self.class_weights):
            raise ValueError("weights of classes must be 0 or more")

    @property
    def reads(self) -> Reads:
        """Boxes in the place of labels and predictions; neither, where columns are named."""
        keys = (self.labels_to_stack, self.predictions_to_stack, self.num_detections_key, self.allow_missing_key)
        return Reads(not self.labels_to_stack, not self.predictions_to_stack, boxes=BoxKeys(*keys))

    def _seen(self, high: float) -> Domain:
        """Scores from 0 to `high`, or any if that is infinite."""
        low = 0.0 if high < math.inf else -math.inf
        area_range = self.area_range or Matched.area_range
        view = Matched(self.class_ids, self.ious, area_range, self.max_num_detections or 0, self.class_weights)
        return Domain(low=low, high=high, compares=True, view=view)


_WORDS = {"class_ids": "class_id", "ious": "iou_threshold", "class_weights": "class_weight"}


@dataclass(frozen=True)
class BoxConfusion(OfBoxes):
    """Counts at fixed thresholds, in the order given.

    Attributes:
        thresholds: a detection whose score is above counts. The default is for probabilities.
        chosen: the fields that a config has set.
    """

    thresholds: tuple[float, ...] = (0.5,)
    chosen: tuple[str, ...] = field(default=(), compare=False)

    @property
    def domain(self) -> Domain:
        """Probabilities, unless somebody has chosen thresholds, who knows what the scores are."""
        is_default = "thresholds" not in self.chosen and self.thresholds == BoxConfusion.thresholds
        return self._seen(1.0 if is_default else math.inf)

    def tables(self) -> tuple[Table, ...]:
        """The histogram, split at the thresholds."""
        return Confusion(self.thresholds).tables()

    def read(self, states: States) -> Curve:
        """Counts (s, t), t in the order of `thresholds`."""
        return Confusion(self.thresholds).read(states)


class ObjectTerms(NamedTuple):
    """Weights of the objects of each slice, and of those that a detection matches, both of shape (s,)."""

    objects: Floats
    found: Floats


@dataclass(frozen=True)
class FoundObjects(OfBoxes):
    """How many objects there are, and how many of them any detection matches, whatever its score."""

    @property
    def domain(self) -> Domain:
        """Only the order of scores counts."""
        return self._seen(math.inf)

    def tables(self) -> tuple[Table, ...]:
        """The two sums."""
        return (_FOUND,)

    def read(self, states: States) -> ObjectTerms:
        """The two sums."""
        table, sums = states(_FOUND)
        return ObjectTerms(*(sums[:, table.terms.index(term)] for term in _FOUND.terms))


_FOUND = TermTable(("label", "found"))


@dataclass(frozen=True)
class BoxCurve(OfBoxes):
    """Counts along a curve, exact.

    Attributes:
        num_thresholds: so many thresholds evenly spaced over [0, 1]; None for one at each distinct score.
        thresholds: or these.
    """

    num_thresholds: int | None = None
    thresholds: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_thresholds is not None and not 1 < self.num_thresholds <= 1_000_000:
            raise ValueError("num_thresholds must be above 1 and at most 1,000,000")
        if self.thresholds and self.num_thresholds is not None:
            raise ValueError("num_thresholds and thresholds exclude each other; set one of them")

    @property
    def domain(self) -> Domain:
        """Probabilities, where evenly spaced thresholds are asked for; else only the order of scores counts."""
        return self._seen(math.inf if self.num_thresholds is None else 1.0)

    @property
    def levels(self) -> Floats | None:
        """The thresholds, ascending; None for one at each distinct score."""
        if self.thresholds:
            return np.unique(self.thresholds)
        return None if self.num_thresholds is None else np.asarray(curve_thresholds(self.num_thresholds))

    def tables(self) -> tuple[Table, ...]:
        """All distinct scores."""
        return (DistinctTable(),)

    def read(self, states: States) -> Curve:
        """Ascending thresholds at which something changes in a slice, and the end."""
        return at_levels(curve_of_distinct(states(DistinctTable())[1]), self.levels)


@dataclass(frozen=True)
class PrecisionAtRecalls(OfBoxes):
    """The best precision at each of some recalls.

    Attributes:
        num_thresholds: evenly spaced thresholds; None for one at each distinct score.
        recalls: the recalls.
        num_recalls: or so many, evenly spaced from 0 to 1; 101 if neither is set.
    """

    num_thresholds: int | None = None
    recalls: tuple[float, ...] = ()
    num_recalls: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        BoxCurve(num_thresholds=self.num_thresholds)  # which checks their number
        if self.recalls and self.num_recalls is not None:
            raise ValueError("recalls and num_recalls exclude each other; set one of them")
        if any(not 0 <= recall <= 1 for recall in self.recalls):
            raise ValueError("recalls must be from 0 to 1")
        if self.num_recalls is not None and self.num_recalls < 1:
            raise ValueError("num_recalls must be above 0")

    @property
    def domain(self) -> Domain:
        """As of a curve."""
        return self._seen(math.inf if self.num_thresholds is None else 1.0)

    def tables(self) -> tuple[Table, ...]:
        """All distinct scores."""
        return (DistinctTable(),)

    def read(self, states: States) -> Floats:
        """Precisions (s, r); 0 where a recall is not reached, NaN without objects."""
        levels = None
        if self.num_thresholds is not None:
            levels = np.clip(curve_thresholds(self.num_thresholds), _END, 1 - _END)
        curve = at_levels(curve_of_distinct(states(DistinctTable())[1]), levels)
        count = 101 if self.num_recalls is None else self.num_recalls
        return best_precisions(curve, np.asarray(self.recalls or np.linspace(0, 1, count)))


@dataclass(frozen=True)
class BoxMatrices(OfBoxes):
    """Counts at the thresholds of a plot; see `ScoreMatrices`."""

    num_thresholds: int = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        ScoreMatrices(self.num_thresholds)  # which checks the number

    @property
    def domain(self) -> Domain:
        """Probabilities."""
        return self._seen(1.0)

    def tables(self) -> tuple[Table, ...]:
        """The histogram, with what was missed apart."""
        return Confusion((-math.inf,)).tables()

    def read(self, states: States) -> Matrices:
        """Counts (s, num_thresholds + 2)."""
        matrices = ScoreMatrices(self.num_thresholds).read(states)
        found = Confusion((-math.inf,)).read(states)
        tp, fn = matrices.tp.copy(), matrices.fn.copy()
        tp[:, 0], fn[:, 0] = found.tp[:, 0], found.fn[:, 0]  # the first threshold takes what is missed, too
        return matrices._replace(tp=tp, fn=fn)


def at_levels(curve: Curve, levels: Floats | None) -> Curve:
    """A curve with a threshold below each score, at some thresholds instead, or at all that something is above.

    A point stands for the highest threshold that has its counts. Others repeat a point beside them.

    Args:
        curve: (s, t); where a threshold is infinitely low, so is the score.
        levels: (l,) ascending; None for those of the curve.
    """
    thresholds = curve.thresholds
    if levels is None:
        with np.errstate(invalid="ignore"):
            passed = np.cumsum(np.diff(thresholds, prepend=-np.inf, axis=-1) > 0, axis=-1)
    else:
        passed = np.where(thresholds == -np.inf, 0, np.searchsorted(levels, thresholds, "right"))
    before = np.concatenate([np.zeros_like(passed[:, :1]), passed[:, :-1]], axis=1)
    at = _nearest(passed > before)
    counts = [np.take_along_axis(counts, at, 1) for counts in curve[1:]]
    own = thresholds if levels is None else levels[np.maximum(passed - 1, 0)]
    return Curve(np.take_along_axis(own, at, 1), *counts)


def _nearest(is_point: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> Ints:
    """For each position (s, t) the last point at or before it; before the first point, that one."""
    positions = np.arange(is_point.shape[1])
    last = np.maximum.accumulate(np.where(is_point, positions, -1), axis=1)
    return np.where(last < 0, np.argmax(is_point, axis=1)[:, None], last)


def best_precisions(curve: Curve, recalls: Floats) -> Floats:
    """The highest precision (s, r) at recalls of at least `recalls` (r,).

    0 where no threshold reaches a recall; NaN without positives.
    """
    with np.errstate(invalid="ignore"):
        precision, recall = curve.tp / (curve.tp + curve.fp), curve.tp / (curve.tp + curve.fn)

    # Recall falls along a curve: what reaches a recall are the first points, and the best of these is a running one.
    best = np.fmax.accumulate(precision, axis=-1)
    points = np.stack([(recall >= wanted).sum(-1) for wanted in recalls], axis=-1)
    at = np.take_along_axis(best, np.maximum(points - 1, 0), axis=-1)
    values = np.where(points > 0, np.nan_to_num(at), 0.0)
    return np.where(np.isnan(recall).all(-1, keepdims=True), np.nan, values)
