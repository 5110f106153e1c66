"""Means, variances and the covariance of labels and predictions, from sums that lose nothing.

A variance from plain sums of squares loses all its digits where the mean is large. Centred sums do not, but they do
not add up either, and states have to. So each batch is centred, slice by slice, and its six sums about zero are
written as short expansions of floats (Dekker 1971); these are added in fixed point, 16 limbs of 32 bits from 2^256 to
2^-256. Limbs add without rounding, in any order. Values between 1e-30 and 1e40 in size are exact to the last digit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from assay.metrics.arithmetic import sums_by_bin
from assay.metrics.computations.score_bins import ScoreBins
from assay.metrics.computations.table import States, Table
from assay.metrics.entries.domains import NUMBERS, Domain
from assay.metrics.entries.examples import Examples
from assay.metrics.entries.streams import Reads
from assay.metrics.states.contributions import Terms
from assay.metrics.states.dense import Dense, GrowingSums
from assay.metrics.values import Floats, Ints

_BITS, _LIMBS, _TOP = 32, 16, 224
_GRID = 2.0 ** (_TOP - _BITS * np.arange(_LIMBS))
_UNITS = np.array([1 << (_BITS * (_LIMBS - 1 - i)) for i in range(_LIMBS)], object)
_SUMS = 6
"""Of the weights, x, y, x^2, y^2 and xy; x are labels, y predictions."""


class Moments(NamedTuple):
    """Weighted population moments of each slice, all of shape (s,); NaN without weight."""

    label_variance: Floats
    prediction_variance: Floats
    covariance: Floats


@dataclass(frozen=True)
class CentredMoments:
    """Variances and covariance of labels and predictions."""

    domain: ClassVar[Domain] = NUMBERS
    reads: ClassVar[Reads] = Reads()

    def tables(self) -> tuple[Table, ...]:
        """Sums in fixed point."""
        return (MomentTable(),)

    def read(self, states: States) -> Moments:
        """The moments."""
        _, sums = states(*self.tables())

        # A slice whose limbs outgrew 62 bits has no value. The others become whole numbers of Python, without rounding.
        limbs = sums.reshape(-1, _SUMS, _LIMBS) / _GRID
        beyond = (np.abs(limbs) >= 2.0**62).any((1, 2))
        limbs[beyond] = 0
        w, x, y, xx, yy, xy = (limbs.astype(np.int64).astype(object) @ _UNITS).T

        # The moment of a and b is (w * sum(ab) - sum(a) * sum(b)) / w^2: one rounding, where it is divided.
        square = np.where(w == 0, 1, w * w)
        moments = []
        for products, of_sums in ((xx, x * x), (yy, y * y), (xy, x * y)):
            moments.append(((w * products - of_sums).astype(object) / square).astype(float))
        return Moments(*(np.where((w == 0) | beyond, np.nan, moment) for moment in moments))


@dataclass(frozen=True)
class MomentTable:
    """Sums of weights, values, squares and products, in fixed point."""

    def join(self, other: MomentTable) -> MomentTable:
        """Itself: there are no settings."""
        return self

    def empty(self) -> MomentSums:
        """Zeros."""
        return MomentSums()

    def contribution(self, examples: Examples, bins: ScoreBins) -> Terms:
        """(m, 4): 1, weight, label, prediction; the 1 tells how often a resample counts the entry."""
        values = (np.ones(len(examples.labels)), examples.weights, examples.labels, examples.predictions)
        return Terms(np.stack(values, axis=1), None)


class MomentSums:
    """[slice, limb] sums."""

    def __init__(self) -> None:
        self._sums = GrowingSums(_SUMS * _LIMBS)

    def add(self, slices: Ints | None, count: int, added: Terms) -> None:
        """Adds entries (m, 4), as `MomentTable` has them; see `Store`."""
        self._sums.reserve(count)
        times, weight, x, y = added.values.T
        own = np.zeros(len(added.values), np.int64) if slices is None else slices
        present = np.bincount(own) > 0
        occurring, place = np.flatnonzero(present), np.cumsum(present) - 1
        sums = _expansions(place[own], len(occurring), weight, x / times, y / times)
        self._sums.array[occurring] += _to_limbs(sums)

    def take(self, slices: Ints) -> Dense:
        """The sums of the given slices, which add without rounding."""
        return self._sums.take(slices)


def _expansions(own: Ints, count: int, weight: Floats, x: Floats, y: Floats) -> Iterator[list[Floats]]:
    """Six sums of each slice, each as a list of floats (count,) that add up to it."""

    def total(values: Floats) -> Floats:
        return sums_by_bin(own, values, count)

    w = total(weight)
    (a, dx), (b, dy) = _centred(own, w, weight, x), _centred(own, w, weight, y)
    rx, ry = total(weight * dx), total(weight * dy)
    yield [w]
    yield [*_product(w, a), rx]
    yield [*_product(w, b), ry]
    yield [*_triple(w, a, a), *_product(2 * a, rx), total(weight * dx * dx)]
    yield [*_triple(w, b, b), *_product(2 * b, ry), total(weight * dy * dy)]
    yield [*_triple(w, a, b), *_product(a, ry), *_product(b, rx), total(weight * dx * dy)]


def _centred(own: Ints, w: Floats, weight: Floats, x: Floats) -> tuple[Floats, Floats]:
    """(about the mean of each slice, the distance of each entry from it); exactly 0 where all entries are equal."""
    one = np.zeros(len(w))
    one[own] = x  # any entry of the slice
    shift = sums_by_bin(own, weight * (x - one[own]), len(w))
    mean = one + np.divide(shift, w, out=np.zeros(len(w)), where=w > 0)
    return mean, x - mean[own]


def _product(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """A product and its rounding error (Dekker 1971)."""
    (a1, a2), (b1, b2) = _halves(a), _halves(b)
    p = a * b
    return p, a2 * b2 - (((p - a1 * b1) - a2 * b1) - a1 * b2)


def _triple(a: Floats, b: Floats, c: Floats) -> tuple[Floats, ...]:
    return tuple(term for part in _product(b, c) for term in _product(a, part))


def _halves(a: Floats) -> tuple[Floats, Floats]:
    """Two floats of 26 bits that add up to `a` (Veltkamp 1968)."""
    scaled = 134217729.0 * a
    upper = scaled - (scaled - a)
    return upper, a - upper


def _to_limbs(sums: Iterable[list[Floats]]) -> Floats:
    """Sums of each slice, each as a list of floats (s,), as their limbs (s, sums * 16)."""
    expansions = list(sums)
    rest = np.array([term for expansion in expansions for term in expansion])
    limbs = np.empty((*rest.shape, _LIMBS))
    for i, unit in enumerate(_GRID):
        limbs[..., i] = np.rint(rest / unit) * unit
        rest -= limbs[..., i]
    starts = np.cumsum([0, *map(len, expansions[:-1])])
    return np.add.reduceat(limbs, starts, axis=0).transpose(1, 0, 2).reshape(rest.shape[1], len(expansions) * _LIMBS)
