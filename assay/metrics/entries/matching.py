"""Which detection matches which object: greedily by score, as COCO has it, of all images of a batch at once.

A group is an image and a class. In each group detections are taken by falling score; each gets the free object with
which it overlaps most, if by no less than the threshold. Objects outside the wanted range of areas come last: who gets
one of these is left out, and so is a detection outside the range that gets none.

Only the order of detections within a group counts, so the first detections of all groups are matched together, then
the second ones, and so on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from assay.metrics.entries.boxes import BOTTOM, LEFT, RIGHT, TOP
from assay.metrics.values import Floats, Ints

Mask = npt.NDArray[np.bool_]

_PAIRS_AT_ONCE = 1 << 19
"""Pairs of a detection and an object of its group that are compared together."""
_HIGHEST = 1 - 1e-10
"""A threshold of 1 is taken for this, so that rounding cannot part equal boxes; COCO's rule."""


class Matches(NamedTuple):
    """At t thresholds.

    Attributes:
        of_detections: (t, d) the object that each detection got, -1 without one.
        is_taken: (t, g) whether a detection got the object.
    """

    of_detections: Ints
    is_taken: Mask


class _Pairs(NamedTuple):
    """Detections and objects that overlap enough: those of a detection together, the best object last.

    Attributes:
        detection: (p,) ascending.
        object: (p,)
        overlap: (p,) intersection over union.
    """

    detection: Ints
    object: Ints
    overlap: Floats


def areas(boxes: Floats) -> Floats:
    """Area of each box (m,)."""
    area: Floats = (boxes[:, RIGHT] - boxes[:, LEFT]) * (boxes[:, BOTTOM] - boxes[:, TOP])
    return area


def matches_of(
    detections: Floats,
    detection_groups: Ints,
    objects: Floats,
    object_groups: Ints,
    wanted: Mask,
    ious: tuple[float, ...],
) -> Matches:
    """Matches the detections of each group with its objects.

    Args:
        detections: (d, 4 or more) by group, those of a group by falling score.
        detection_groups: (d,) ascending.
        objects: (g, 4 or more) by group.
        object_groups: (g,) ascending.
        wanted: (g,) whether an object is in the wanted range of areas.
        ious: thresholds of the overlap.
    """
    thresholds = np.minimum(ious, _HIGHEST)
    matches = Matches(np.full((len(ious), len(detections)), -1), np.zeros((len(ious), len(objects)), bool))
    first = np.searchsorted(object_groups, detection_groups, "left")
    count = np.searchsorted(object_groups, detection_groups, "right") - first
    for start, stop in _lots(count, detection_groups):
        some = slice(start, stop)
        pairs = _pairs(detections[some], first[some], count[some], objects, wanted, float(thresholds.min()))
        pairs = pairs._replace(detection=pairs.detection + start)
        for turn in _turns(pairs, detection_groups):
            _match(turn, thresholds, matches)
    return matches


def _lots(count: Ints, groups: Ints) -> Iterator[tuple[int, int]]:
    """Cuts detections between groups, so that each lot has a bounded number of pairs, or is one group."""
    if not len(count):
        return
    ends = np.append(np.flatnonzero(groups[1:] != groups[:-1]) + 1, len(groups))
    lot = np.cumsum(count)[ends - 1] // _PAIRS_AT_ONCE
    last = ends[np.append(lot[1:] != lot[:-1], True)]
    yield from zip([0, *last[:-1].tolist()], last.tolist(), strict=True)


def _pairs(detections: Floats, first: Ints, count: Ints, objects: Floats, wanted: Mask, least: float) -> _Pairs:
    """Each detection with the objects of its group, `count` from `first` on, with which it overlaps by `least`."""
    detection = np.repeat(np.arange(len(count)), count)
    of_group = np.arange(len(detection)) - np.repeat(np.cumsum(count) - count, count)
    with_object = of_group + np.repeat(first, count)
    overlap = _overlaps(detections[detection], objects[with_object])

    # Of equal overlaps the later object is better, and any wanted one is better than the others.
    near = np.flatnonzero(overlap >= least)
    detection, with_object, overlap = detection[near], with_object[near], overlap[near]
    order = np.lexsort((with_object, overlap, wanted[with_object], detection))
    return _Pairs(detection[order], with_object[order], overlap[order])


def _overlaps(a: Floats, b: Floats) -> Floats:
    """Intersection over union of boxes (m, 4 or more) and boxes, one by one; 0 where the union is empty."""
    width = np.minimum(a[:, RIGHT], b[:, RIGHT]) - np.maximum(a[:, LEFT], b[:, LEFT])
    height = np.minimum(a[:, BOTTOM], b[:, BOTTOM]) - np.maximum(a[:, TOP], b[:, TOP])
    intersection = np.maximum(width, 0) * np.maximum(height, 0)
    union = areas(a) + areas(b) - intersection
    return np.divide(intersection, union, out=np.zeros_like(union), where=union > 0)


def _turns(pairs: _Pairs, groups: Ints) -> Iterator[_Pairs]:
    """The pairs of the first detection of each group that has any, then of the second one, and so on."""
    if not len(pairs.detection):
        return
    is_first = np.append(True, pairs.detection[1:] != pairs.detection[:-1])
    group = groups[pairs.detection[is_first]]
    turn = np.arange(len(group)) - np.searchsorted(group, group)
    of_pairs = turn[np.cumsum(is_first) - 1]
    order = np.argsort(of_pairs, kind="stable")
    ends = np.cumsum(np.bincount(of_pairs)).tolist()
    for start, stop in zip([0, *ends[:-1]], ends, strict=True):
        at = order[start:stop]
        yield _Pairs(pairs.detection[at], pairs.object[at], pairs.overlap[at])


def _match(turn: _Pairs, thresholds: Floats, matches: Matches) -> None:
    """Gives each detection of a turn, one of each group, its best object that is free, at each threshold."""
    start = np.flatnonzero(np.append(True, turn.detection[1:] != turn.detection[:-1]))
    is_free = (turn.overlap >= thresholds[:, None]) & ~matches.is_taken[:, turn.object]
    best = np.maximum.reduceat(np.where(is_free, np.arange(len(turn.object)), -1), start, axis=1)
    threshold, number = np.nonzero(best >= 0)
    chosen = turn.object[best[threshold, number]]
    matches.of_detections[threshold, turn.detection[start[number]]] = chosen
    matches.is_taken[threshold, chosen] = True
