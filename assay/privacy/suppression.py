"""Secondary suppression: slices that are withheld so that no smaller one can be computed from those that are shown.

The values of slices are taken as sums over their rows. Who reads the results knows the values of the slices that are
shown, and every sum that ties slices together (`sums`). The value of a slice that is not shown can be computed if these
linear equations determine it: Cox, L. H. (1980), "Suppression methodology and statistical disclosure control".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

import numpy as np

from assay.metrics.values import Floats, Ints
from assay.privacy.sums import Sums, sums_of
from assay.types import SliceKey

_MOST_STEPS = 5_000
_CONVERGED, _IS_ZERO = 1e-17, 1e-6


def withheld(slices: Mapping[SliceKey, int], least: int) -> frozenset[SliceKey]:
    """The slices to withhold beside those that are too small themselves.

    Of the slices that help, the one with the fewest rows is withheld. The overall slice always is shown.

    Args:
        slices: the rows of each slice, large or small.
        least: rows that a slice must have to be shown.
    """
    sums = sums_of(slices)
    table = _Table(sums, least)
    while table.is_small.any() and table.withhold():
        pass
    hidden = [key for key, is_shown in zip(sums.keys, table.is_shown, strict=False) if not is_shown]
    return frozenset(key for key in hidden if slices[key] >= least)


def tells_small(slices: Mapping[SliceKey, int], shown: Collection[SliceKey], least: int) -> bool:
    """Whether a group of fewer rows could be computed from the slices that are shown.

    Args:
        slices: the rows of each slice, shown or not.
        shown: some of them.
        least: rows that a slice must have to be shown.
    """
    sums = sums_of(slices)
    table = _Table(sums, least)
    table.is_shown[: len(sums.keys)] = [key in shown for key in sums.keys]
    return table.tells_small()


class _Table:
    """The groups, which of them are shown, and the sums that they are part of."""

    def __init__(self, sums: Sums, least: int) -> None:
        self._sums, self._least = sums, least
        is_slice = np.arange(len(sums.rows)) < len(sums.keys)
        self._is_overall = np.array([key == () for key in sums.keys] + [False] * (~is_slice).sum(), bool)
        self.is_small = (sums.rows > 0) & (sums.rows < least) & ~self._is_overall
        self.is_shown = is_slice & ((sums.rows >= least) | self._is_overall)
        self._number = int(sums.sum_of.max(initial=-1)) + 1
        order = np.argsort(sums.group, kind="stable")
        self._entries_of = np.split(order, np.searchsorted(sums.group[order], np.arange(1, len(sums.rows))))
        self._entries_in = np.split(
            np.arange(len(sums.group)), np.searchsorted(sums.sum_of, np.arange(1, self._number))
        )

    def withhold(self) -> bool:
        """Withholds slices to protect the small groups that can be computed; False if there are none."""
        sums, known = self._sums, self.is_shown | self._computable()
        before = self.is_shown.copy()
        has_gap = np.bincount(sums.sum_of, ~before[sums.group], self._number) > 0
        self._gaps = np.bincount(sums.group, has_gap[sums.sum_of], len(sums.rows))
        for number in self._small_remainders(known):
            self._hide_near({int(number)}, before)
        for group in np.flatnonzero(known & ~before & self.is_small):
            self._hide_near(self._sums_with([int(group)]), before)
        return bool((self.is_shown != before).any())

    def tells_small(self) -> bool:
        """Whether small groups can be computed, alone or as what remains of a sum."""
        if not self.is_small.any():
            return False
        known = self.is_shown | self._computable()
        return bool((known & ~self.is_shown & self.is_small).any() or len(self._small_remainders(known)))

    def _hide_near(self, sums: set[int], before: np.ndarray) -> None:
        """Withholds a part of one of the sums, or else of those nearest to them; if all are withheld, a whole."""
        wholes, seen = set[int](), set[int]()
        while sums:
            entries = np.concatenate([self._entries_in[number] for number in sorted(sums)])
            is_parent = self._sums.is_parent[entries]
            groups = self._sums.group[entries]
            if self._is_settled(sums, before) or self._hide_best(np.unique(groups[~is_parent])):
                return
            wholes |= {*groups[is_parent].tolist()}
            seen |= sums
            sums = self._sums_with(np.unique(groups[~self.is_shown[groups]])) - seen
        self._hide_best(np.array(sorted(wholes), np.int64))

    def _is_settled(self, sums: Iterable[int], before: np.ndarray) -> bool:
        """Whether something was withheld already in the sum that has the fewest parts; more may not be needed."""
        fewest = min(sums, key=lambda number: (len(self._entries_in[number]), number))
        groups = self._sums.group[self._entries_in[fewest]]
        return bool((before[groups] & ~self.is_shown[groups]).any())

    def _hide_best(self, groups: Ints) -> bool:
        """Withholds the group that closes most gaps, and of these the smallest; never the overall slice.

        A group helps most where its sums have others that are not shown: then none of them can be told from the rest.
        """
        able = groups[self.is_shown[groups] & ~self._is_overall[groups]]
        if not len(able):
            return False
        self.is_shown[able[np.lexsort((able, self._sums.rows[able], -self._gaps[able]))[0]]] = False
        return True

    def _sums_with(self, groups: Iterable[int]) -> set[int]:
        return {int(number) for group in groups for number in self._sums.sum_of[self._entries_of[group]]}

    def _small_remainders(self, known: np.ndarray) -> Ints:
        """Sums of which all that is not known has too few rows, together."""
        sums = self._sums
        is_open = ~known[sums.group] & ~sums.is_parent
        rows = np.bincount(sums.sum_of, np.where(is_open, sums.rows[sums.group], 0), self._number)
        has_whole = np.bincount(sums.sum_of, sums.is_parent & known[sums.group], self._number) > 0
        return np.flatnonzero(has_whole & (rows > 0) & (rows < self._least))

    def _computable(self) -> np.ndarray:
        """(v,) The groups that are not shown, and that the sums determine.

        A group is determined if it is 0 in every solution of the sums with nothing on their right side; a solution that
        is drawn at random has a 0 nowhere else.
        """
        sums = self._sums
        is_open = ~self.is_shown[sums.group]
        of, group = sums.sum_of[is_open], sums.group[is_open]
        sign = np.where(sums.is_parent[is_open], -1.0, 1.0)
        drawn = np.random.default_rng(0).uniform(1.0, 2.0, len(sums.rows)) * np.where(self.is_shown, 0.0, 1.0)

        def added(values: Floats) -> Floats:
            return np.bincount(of, sign * values[group], self._number).astype(np.float64)

        def spread(values: Floats) -> Floats:
            return np.bincount(group, sign * values[of], len(sums.rows)).astype(np.float64)

        solution, is_done = _projected(drawn, added, spread)
        return ~self.is_shown & ((np.abs(solution) < _IS_ZERO) | (not is_done))


def _projected(
    drawn: Floats, added: Callable[[Floats], Floats], spread: Callable[[Floats], Floats]
) -> tuple[Floats, bool]:
    """The part of a vector that a matrix maps to 0, by conjugate gradients; and whether these have converged.

    Args:
        drawn: the vector.
        added: the matrix, as a function.
        spread: its transpose.
    """
    residual = added(drawn)
    target = _CONVERGED * max(float(residual @ residual), 1.0)
    weights, direction, square = np.zeros(len(residual)), residual.copy(), float(residual @ residual)
    for _ in range(_MOST_STEPS):
        if square <= target:
            return drawn - spread(weights), True
        mapped = added(spread(direction))
        step = square / float(direction @ mapped)
        weights, residual = weights + step * direction, residual - step * mapped
        previous, square = square, float(residual @ residual)
        direction = residual + square / previous * direction
    return drawn - spread(weights), False
