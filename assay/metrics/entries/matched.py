"""How images become entries: detections matched with objects.

A detection is an entry with its score, labelled 1 if it matches an object. A missed object is one labelled 1, with a
score that no threshold is below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from assay.metrics.entries.boxes import CLASS, SCORE, Boxes
from assay.metrics.entries.columns import Columns
from assay.metrics.entries.examples import Examples
from assay.metrics.entries.matching import Mask, areas, matches_of
from assay.metrics.values import Floats, Ints

MISSED = -math.inf
"""Score of an object that no detection matches."""


class _Grouped(NamedTuple):
    """Boxes (m,) of the classes that are asked for, by group; and the position of each one's class among these."""

    boxes: Floats
    rows: Ints
    class_at: Ints
    group: Ints

    def of(self, kept: Ints) -> _Grouped:
        return _Grouped(self.boxes[kept], self.rows[kept], self.class_at[kept], self.group[kept])


@dataclass(frozen=True)
class Matched:
    """Detections matched with objects: a part for each threshold of the overlap and each class, class by class.

    Attributes:
        ids: the classes.
        ious: by how much a detection and an object of its class have to overlap, intersection over union.
        area_range: least and largest area of the objects that count, ends included. A detection outside counts if it
            matches one; one that matches an object outside does not.
        most: how many detections of a class count in a row, those of the highest scores; 0 for all.
        class_weights: what entries of each class are multiplied by; () for 1.
    """

    ids: tuple[int, ...] = ()
    ious: tuple[float, ...] = (0.5,)
    area_range: tuple[float, ...] = (0.0, math.inf)
    most: int = 0
    class_weights: tuple[float, ...] = ()

    @property
    def parts(self) -> int:
        """Number of thresholds times number of classes."""
        return max(len(self.ids) * len(self.ious), 1)

    @property
    def shares(self) -> tuple[float, ...]:
        """How much each part counts in a mean over all."""
        return (self.class_weights or (1.0,) * len(self.ids)) * len(self.ious)

    def misfit(self, width: int) -> str:
        """Boxes have classes of their own."""
        return ""

    def entries(self, columns: Columns) -> Examples:
        """The detections that count, and the objects that were missed, at each threshold."""
        assert columns.boxes is not None
        boxes: Boxes = columns.boxes
        objects = self._grouped(boxes.objects, boxes.object_rows)
        detections = self._grouped(boxes.detections, boxes.detection_rows)
        if self.most:
            first = np.searchsorted(detections.group, detections.group)
            detections = detections.of(np.flatnonzero(np.arange(len(first)) - first < self.most))

        wanted, is_within = self._is_within(objects.boxes), self._is_within(detections.boxes)
        matches = matches_of(detections.boxes, detections.group, objects.boxes, objects.group, wanted, self.ious)
        is_hit = matches.of_detections >= 0
        counts = np.where(is_hit, np.append(wanted, False)[matches.of_detections], is_within)
        return self._both(detections, counts, is_hit, objects, wanted & ~matches.is_taken, columns)

    def _both(
        self, detections: _Grouped, counts: Mask, is_hit: Mask, objects: _Grouped, is_missed: Mask, columns: Columns
    ) -> Examples:
        """Detections that count (t, d) and missed objects (t, g) as entries, those of a row together."""
        of_detection, of_object = np.nonzero(counts), np.nonzero(is_missed)
        threshold = np.concatenate([of_detection[0], of_object[0]])
        class_at = np.concatenate([detections.class_at[of_detection[1]], objects.class_at[of_object[1]]])
        rows = np.concatenate([detections.rows[of_detection[1]], objects.rows[of_object[1]]])
        missed = len(of_object[0])
        labels = np.concatenate([is_hit[of_detection].astype(np.float64), np.ones(missed)])
        scores = np.concatenate([detections.boxes[of_detection[1], SCORE], np.full(missed, MISSED)])

        order = np.argsort(rows, kind="stable")
        labels, scores, rows, class_at, threshold = (v[order] for v in (labels, scores, rows, class_at, threshold))
        weights = columns.weights[rows]
        if self.class_weights:
            weights = weights * np.asarray(self.class_weights)[class_at]
        part = None if self.parts == 1 else threshold * len(self.ids) + class_at
        return Examples(labels, scores, weights, rows, part)

    def _grouped(self, boxes: Floats, rows: Ints) -> _Grouped:
        """Boxes by row and class; detections of a group by falling score, of equal ones the first first."""
        ids = np.asarray(self.ids)
        by_id = np.argsort(ids)
        at = np.minimum(np.searchsorted(ids[by_id], boxes[:, CLASS]), len(ids) - 1)
        kept = np.flatnonzero(ids[by_id][at] == boxes[:, CLASS])
        class_at = by_id[at[kept]]
        grouped = _Grouped(boxes[kept], rows[kept], class_at, rows[kept] * len(ids) + class_at)
        has_scores = boxes.shape[1] > SCORE
        keys = (-grouped.boxes[:, SCORE], grouped.group) if has_scores else (grouped.group,)
        return grouped.of(np.lexsort(keys))

    def _is_within(self, boxes: Floats) -> Mask:
        low, high = self.area_range
        area = areas(boxes)
        return (area >= low) & (area <= high)
