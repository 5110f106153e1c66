"""Areas under curves of many samples, added up step by step, highest scores first, so that no curve is ever whole.

Where a curve is of few slices, its values are read off it. Samples are hundreds for each slice: what they cost is what
is done for each point. An area grows only where there are positives, and some points at once fit the caches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from assay.metrics.arithmetic import add_up_rows, ratio
from assay.metrics.computations.curve import Mask
from assay.metrics.states.cell_entries import ByPart, SampledEntries
from assay.metrics.states.combining import Counted
from assay.metrics.values import Floats, Ints

_STEPS_AT_ONCE = 512
_NOTHING = 1e-200
"""Weight that no sum of weights shows, in place of 0 where it divides something that is 0 then."""


class Steps(NamedTuple):
    """What k samples hold above a point with positives, and above the next point below it; all (n, k)."""

    tp_above: Floats
    fp_above: Floats
    tp: Floats
    fp: Floats


@dataclass(frozen=True)
class StepArea:
    """An area that grows by a term at each step.

    Attributes:
        terms: steps -> (n, k).
        of: the sum of all terms, positives and negatives, (k,) each -> the area.
    """

    terms: Callable[[Steps], Floats]
    of: Callable[[Floats, Floats, Floats], Floats]


def _pairs_above(steps: Steps) -> Floats:
    """Twice the pairs of a positive and a negative whose score is higher; ties count half."""
    return (steps.tp - steps.tp_above) * (steps.fp + steps.fp_above)


def _under_precision(steps: Steps) -> Floats:
    """See `area_under_precision_recall`, without the positives that it is divided by."""
    change = steps.tp - steps.tp_above
    above, wider = steps.tp_above + steps.fp_above, steps.tp + steps.fp
    above += _NOTHING
    wider += _NOTHING
    growth = wider / above
    wider -= above
    slope = np.divide(change, np.maximum(wider, _NOTHING, out=wider), out=wider)
    np.minimum(slope, 1, out=slope)  # more where the sum of both is too large to show the change
    above *= slope
    intercept = np.subtract(steps.tp_above, above, out=above)
    intercept *= np.log(growth, out=growth)
    change += intercept
    change *= slope
    return change


ROC = StepArea(_pairs_above, lambda total, positives, negatives: 1 - ratio(total, 2 * positives * negatives))
PRECISION_RECALL = StepArea(_under_precision, lambda total, positives, negatives: ratio(total, positives))


def areas(entries: SampledEntries, points: Ints, wanted: Sequence[StepArea]) -> list[Floats]:
    """The areas, (s * k,) each, slice by slice.

    Args:
        entries: weights by score cell and label, which is odd for positives.
        points: (e,) the point of the curve that each entry counts at; ascending in each slice.
        wanted: which.
    """
    found = np.empty((len(wanted), entries.slice_count, entries.samples))
    start = np.searchsorted(entries.slices, np.arange(entries.slice_count + 1))
    for i, (first, last) in enumerate(pairwise(start)):
        by_part = entries.by_part.of_cells(start[i : i + 1], start[i + 1 : i + 2])
        found[:, i] = _of_slice(points[first:last], (entries.cells[first:last] & 1).astype(bool), by_part, wanted)
    return list(found.reshape(len(wanted), -1))


def _of_slice(points: Ints, is_positive: Mask, by_part: ByPart, wanted: Sequence[StepArea]) -> Floats:
    """(areas, k) of a slice, from the points and labels of its cells."""
    order = _order(points, is_positive)
    of_positive = is_positive[by_part.cell]
    positives, negatives = (_rows(by_part, mask, order.row) for mask in (of_positive, ~of_positive))

    totals = np.zeros((len(wanted), by_part.combining.samples))
    tp = fp = np.zeros((1, by_part.combining.samples))
    counted = 0
    for first in range(0, len(order.above), _STEPS_AT_ONCE):
        above, with_own = (number[first : first + _STEPS_AT_ONCE] for number in (order.above, order.with_own))
        tp = positives.running(tp[-1], first, first + len(above))
        fp = negatives.running(fp[-1], counted, with_own[-1])
        steps = Steps(tp[:-1], fp[above - counted], tp[1:], fp[with_own - counted])
        counted = with_own[-1]
        for total, area in zip(totals, wanted, strict=True):
            total += area.terms(steps).sum(0)
    fp = negatives.running(fp[-1], counted, len(negatives.start) - 1)
    return np.array([area.of(total, tp[-1], fp[-1]) for total, area in zip(totals, wanted, strict=True)])


class _Order(NamedTuple):
    """Where the cells of a slice stand, highest scores first.

    Neighbours of one label are one row, which leaves out points and changes no area, unless their point has both.

    Attributes:
        row: (e,) of each cell, its row among those of its label.
        above: of each row of positives, the rows of negatives with higher scores.
        with_own: the same, and that of its own point.
    """

    row: Ints
    above: Ints
    with_own: Ints


def _order(points: Ints, is_positive: Mask) -> _Order:
    descending, place = np.unique(-2 * points - is_positive, return_inverse=True)  # of one point, positives first
    label = (descending & 1).astype(bool)
    is_same_point = (descending[1:] == descending[:-1] + 1) & label[:-1]
    is_tied = np.append(is_same_point, False) | np.append(False, is_same_point)[: len(descending)]
    begins = np.append(True, (label[1:] != label[:-1]) | is_tied[1:] | is_tied[:-1])[: len(descending)]

    merged, of_rows = np.cumsum(begins) - 1, label[begins]
    within = np.where(of_rows, np.cumsum(of_rows), np.cumsum(~of_rows)) - 1
    of_positives = np.flatnonzero(of_rows)
    above = of_positives - np.arange(len(of_positives))
    return _Order(within[merged[place]], above, above + is_tied[begins][of_positives])


@dataclass(frozen=True)
class _Rows:
    """Parts and values (m,) of rows, row i from start[i] on, and how samples are made of them."""

    part: Ints
    values: Floats
    start: Ints
    combining: Counted

    def running(self, before: Floats, first: int, last: int) -> Floats:
        """(n + 1, k): what there was `before`, and then with one of the rows first to last - 1 after the other."""
        start = self.start[first : last + 1]
        own = slice(start[0], start[-1])
        running = np.empty((len(start), self.combining.samples))
        running[0] = before
        self.combining.add_up(self.part[own], self.values[own], start - start[0], running[1:])
        return add_up_rows(running)


def _rows(by_part: ByPart, mask: Mask, row: Ints) -> _Rows:
    """The rows of one label."""
    at = np.flatnonzero(mask)[::-1]
    ascending = row[by_part.cell[at]]
    start = np.searchsorted(ascending, np.arange(int(ascending.max(initial=-1)) + 2))
    return _Rows(by_part.part[at], by_part.values[at], start, by_part.combining.counted)
