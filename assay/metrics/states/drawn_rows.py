"""Some rows of each slice and class, drawn at random by their size: a state that merges.

A row of size x has the rank u / x for a number u between 0 and 1 of its own, and those of the lowest ranks are kept.
The lowest rank t that is not kept tells how likely each was: it is kept with probability min(1, x t), so that sums over
all rows are those over the kept ones, each divided by that. Whatever the order of rows, and however they are split,
the same rows are kept. Source: Duffield, Lund and Thorup (2007), "Priority sampling for estimation of arbitrary subset
sums".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from assay.metrics.states.combining import Combining
from assay.metrics.states.lanes import lanes_of
from assay.metrics.states.state import Chosen
from assay.metrics.values import Floats, Ints

CLASSES = 2
_FEW = 1 << 16
"""Rows that wait until they are put to those that are held, however few these are."""


class Ranked(NamedTuple):
    """For a table of drawn rows: class, 0 or 1, rank and values (m, c) of m rows. `entries` as in `Contribution`."""

    classes: Ints
    ranks: Floats
    values: Floats
    entries: Ints | None

    def drawn(self, chosen: Chosen, times: Ints | None) -> Ranked:
        """The chosen ones; a row is drawn once, however often it counts."""
        return Ranked(self.classes[chosen], self.ranks[chosen], self.values[chosen], None)


@dataclass(frozen=True)
class DrawnRows:
    """The rows of the lowest ranks of both classes of s slices.

    Attributes:
        start: (2 s + 1,) class c of slice i owns the rows from start[2 i + c] to start[2 i + c + 1].
        ranks: (e,) in no order within a class of a slice until they are read.
        values: (e, c).
        limit: rows of a class of a slice.
    """

    start: Ints
    ranks: Floats
    values: Floats
    limit: int

    @property
    def entry_counts(self) -> None:
        """It makes no difference how many rows a slice has."""

    @property
    def owner(self) -> Ints:
        """(e,) 2 i + c of each row."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))

    def take(self, slices: Ints) -> DrawnRows:
        """The rows of the given slices, in that order."""
        at, count = self.places(slices), np.diff(self.start)[lanes_of(slices, CLASSES)]
        return DrawnRows(np.append(0, np.cumsum(count)), self.ranks[at], self.values[at], self.limit)

    def places(self, slices: Ints) -> Ints:
        """Where the rows of the given slices are, in that order."""
        first = self.start[CLASSES * slices]
        count = self.start[CLASSES * slices + CLASSES] - first
        return np.arange(count.sum()) + np.repeat(first - (np.cumsum(count) - count), count)

    def read(self, slices: Ints, width: int) -> DrawnRows:
        """As `take`, with ranks that ascend, so that sums over rows have the same bits whatever order they came in."""
        taken = self.take(slices)
        order = np.lexsort((taken.ranks, taken.owner))
        return DrawnRows(taken.start, taken.ranks[order], taken.values[order], self.limit)

    def resampled(self, combining: Combining) -> DrawnRows:
        """See `State`. Only formulas read it, which are of all parts together."""
        slices = (len(self.start) - 1) // (CLASSES * combining.parts)
        together = np.repeat(np.arange(slices) * combining.samples, combining.parts)
        return self.merged([self], [together], slices * combining.samples)

    @classmethod
    def merged(cls, states: Sequence[DrawnRows], slices: Sequence[Ints], count: int) -> DrawnRows:
        """The lowest of all states; see `State`."""
        owner = np.concatenate([lanes_of(at, CLASSES)[state.owner] for state, at in zip(states, slices, strict=True)])
        ranks, values = (np.concatenate([getattr(state, name) for state in states]) for name in ("ranks", "values"))
        return _lowest(owner, ranks, values, count, states[0].limit)


def _lowest(owner: Ints, ranks: Floats, values: Floats, slices: int, limit: int) -> DrawnRows:
    """The rows of the lowest ranks, from the owner (m,) of each. Those of owners that have few are not sorted."""
    count = np.bincount(owner, minlength=CLASSES * slices)
    has_many = count[owner] > limit
    kept = np.flatnonzero(~has_many)
    if has_many.any():
        many = np.flatnonzero(has_many)
        many = many[np.lexsort((ranks[many], owner[many]))]
        sorted_owner = owner[many]
        is_low = np.arange(len(many)) - np.searchsorted(sorted_owner, sorted_owner) < limit
        kept = np.concatenate([kept, many[is_low]])
    kept = kept[np.argsort(owner[kept], kind="stable")]
    return DrawnRows(np.append(0, np.cumsum(np.minimum(count, limit))), ranks[kept], values[kept], limit)


class DrawnRowsStore:
    """The rows of the lowest ranks so far. Batches wait until they are as many as what is held."""

    def __init__(self, columns: int, limit: int) -> None:
        self._held = DrawnRows(np.zeros(1, np.int64), np.zeros(0), np.zeros((0, columns)), limit)
        self._slices = 0
        self._highest = np.zeros(0)  # of the ranks that an owner holds, once these are as many as it may
        self._waiting: list[tuple[Ints, Floats, Floats]] = []

    def add(self, slices: Ints | None, count: int, added: Ranked) -> None:
        """Adds m rows; see `Store`."""
        self._slices = max(self._slices, count)
        owner = added.classes if slices is None else CLASSES * slices + added.classes
        fresh = CLASSES * self._slices - len(self._highest)
        if fresh > 0:
            self._highest = np.append(self._highest, np.full(fresh + len(self._highest), np.inf))
        at = np.flatnonzero(added.ranks < self._highest.take(owner))
        if len(at):
            self._waiting.append((owner[at], added.ranks[at], added.values[at]))
        if sum(len(ranks) for _, ranks, _ in self._waiting) > max(len(self._held.ranks), _FEW):
            self._add_up()

    def _add_up(self) -> None:
        waiting = [(self._held.owner, self._held.ranks, self._held.values), *self._waiting]
        owner, ranks, values = (np.concatenate(parts) for parts in zip(*waiting, strict=True))
        held = self._held = _lowest(owner, ranks, values, self._slices, self._held.limit)
        self._waiting = []
        full, highest = np.diff(held.start) == held.limit, np.zeros(len(held.start) - 1)
        np.maximum.at(highest, held.owner, held.ranks)
        self._highest[: len(full)][full] = highest[full]

    def take(self, slices: Ints) -> DrawnRows:
        """The rows of the given slices; of one that is not known, none."""
        self._slices = max(self._slices, int(slices.max(initial=-1)) + 1)
        self._add_up()
        return self._held.take(slices)
