"""The worst slices: scored on one half of the rows, confirmed on the other.

Score: SliceLine's (Sagadeeva and Boehm, SIGMOD 2021), alpha (e / m - 1) - (1 - alpha) (N / n - 1), where e is the mean
loss of the n rows of a slice and m that of all N rows. Of differences between two models, m may be anything, so the
first part is (e - max(m, 0)) / b there, with b the baseline's mean loss.

All slices of one or two features are scored. Of three features those are that may be among the first K, see `triples`.
So the first K are exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import NamedTuple

import numpy as np

from assay.discovery import amounts
from assay.discovery.groups import Group, Groups
from assay.discovery.tables import HALVES, Tables, recoded
from assay.metrics.values import Floats, Ints
from assay.statistics.corrections import adjusted
from assay.statistics.student import p_above

Key = tuple[tuple[str, Group], ...]
SEARCH, CONFIRM = 0, 1


class Sums(NamedTuple):
    """Of some slices in each half: rows, losses and squares of losses, all (s, 2)."""

    rows: Ints
    losses: Floats
    squares: Floats

    def take(self, at: Ints) -> Sums:
        """Some of the slices."""
        return Sums(self.rows[at], self.losses[at], self.squares[at])


class Candidates(NamedTuple):
    """Slices and their sums."""

    keys: list[Key]
    sums: Sums

    def with_more(self, other: Candidates) -> Candidates:
        """Both."""
        both = (np.concatenate(parts) for parts in zip(self.sums, other.sums, strict=True))
        return Candidates([*self.keys, *other.keys], Sums(*both))


@dataclass(frozen=True)
class Scores:
    """How slices are scored, and which of them may be listed.

    Attributes:
        alpha: weight of the loss against the size, from 0 to 1.
        rows: all that are searched.
        unit: what a loss is measured in.
        base: what it is held against.
        min_rows: the least rows of a slice.
        least: the score that a slice has to reach; above 0 it always has to be.
    """

    alpha: float
    rows: int
    unit: float
    base: float
    min_rows: int
    least: float = 0.0

    def of(self, mean: Floats, rows: Floats) -> Floats:
        """The scores (s,) of slices with such mean losses and so many rows, as far as they are searched."""
        with np.errstate(all="ignore"):
            return self.alpha * ((mean - self.base) / self.unit) - (1 - self.alpha) * (self.rows / rows - 1)

    def of_sums(self, sums: Sums) -> Floats:
        """The scores (s,); -inf of slices that may not be listed."""
        with np.errstate(all="ignore"):
            scores = self.of(sums.losses[:, SEARCH] / sums.rows[:, SEARCH], sums.rows[:, SEARCH].astype(float))
        enough = (sums.rows.sum(axis=1) >= self.min_rows) & (sums.rows >= (1, 2)).all(axis=1)
        return np.where(enough & np.isfinite(scores) & (scores > 0) & (scores >= self.least), scores, -np.inf)

    def reached_by(self, candidates: Candidates, top_k: int) -> Scores:
        """The same for slices that are still to come: they have to reach the K-th best of these."""
        scores = np.sort(self.of_sums(candidates.sums))[::-1]
        return replace(self, least=float(scores[top_k - 1])) if len(scores) >= top_k and scores[top_k - 1] > 0 else self


class Estimates(NamedTuple):
    """Of some slices, all (s,): values, their standard errors, and the degrees of freedom of these."""

    value: Floats
    standard_error: Floats
    degrees_of_freedom: Floats

    def p_above_zero(self) -> Floats:
        """One-sided p-values (s,)."""
        return p_above(*self)


class Found(NamedTuple):
    """A slice that was found. All but `rows` and `score` is of the half that confirms, which had no part in the search.

    Attributes:
        key: its features and their values.
        rows: of both halves.
        score: on the half that was searched.
        loss: mean of the slice.
        loss_error: standard error of `loss`.
        overall: mean loss of all rows.
        difference_error: standard error of `loss` minus `overall`.
        degrees_of_freedom: of `difference_error`, and of `loss_error`.
        p_value: that a slice no worse than others shows as much, corrected for how many were found.
        halves: rows of either half.
    """

    key: Key
    rows: int
    score: float
    loss: float
    loss_error: float
    overall: float
    difference_error: float
    degrees_of_freedom: tuple[float, float]
    p_value: float
    halves: tuple[int, int]


def scores_of(tables: Tables, *, alpha: float, min_rows: int) -> Scores | None:
    """How the slices of some rows are scored; None where one of the halves has no rows.

    Args:
        tables: of all rows.
        alpha: weight of the loss against the size, from 0 to 1.
        min_rows: the least rows of a slice.
    """
    if not tables.rows:
        return None
    whole = sums_of(tables.total[:, None], tables)
    if not whole.rows.all():
        return None
    unit, base = _unit(tables, whole)
    return Scores(alpha, int(whole.rows[0, SEARCH]), unit, base, min_rows)


def found_slices(tables: Tables, candidates: Candidates, scores: Scores | None, top_k: int) -> list[Found]:
    """The slices of the highest scores above 0, at most `top_k`.

    Args:
        tables: of all rows.
        candidates: of `candidates_of`, and those of three features.
        scores: of `scores_of`.
        top_k: how many.
    """
    if scores is None or not candidates.keys:
        return []
    keys, slices = candidates
    whole = sums_of(tables.total[:, None], tables)
    of_slices = scores.of_sums(slices)
    chosen = np.flatnonzero(of_slices > 0).tolist()
    order = sorted(chosen, key=lambda at: (-of_slices[at], -slices.rows[at].sum(), text_of(keys[at])))[:top_k]
    at = np.array(order, np.int64)
    above, own = _confirmed(slices.take(at), whole)
    p_values = above.p_above_zero()
    if tables.reference is not None:  # a slice has to be worse than the baseline, too
        p_values = np.maximum(p_values, own.p_above_zero())
    overall = float(whole.losses[0, CONFIRM] / whole.rows[0, CONFIRM])
    return [
        Found(
            keys[i],
            int(slices.rows[i].sum()),
            float(of_slices[i]),
            float(own.value[j]),
            float(own.standard_error[j]),
            overall,
            float(above.standard_error[j]),
            (float(above.degrees_of_freedom[j]), float(own.degrees_of_freedom[j])),
            float(p_value),
            (int(slices.rows[i, SEARCH]), int(slices.rows[i, CONFIRM])),
        )
        for j, (i, p_value) in enumerate(zip(order, adjusted(p_values, "holm"), strict=True))
    ]


def _unit(tables: Tables, whole: Sums) -> tuple[float, float]:
    """What a loss is measured in, and what it is held against."""
    mean = float(whole.losses[0, SEARCH] / whole.rows[0, SEARCH])
    if tables.reference is None:
        return mean, mean
    reference = sums_of(tables.reference.total[:, None], tables.reference)
    return float(reference.losses[0, SEARCH] / reference.rows[0, SEARCH]), max(mean, 0.0)


def text_of(key: Key) -> str:
    """A slice as a text to order by."""
    return "\n".join(f"{name}\t{group}" for name, group in key)


# Candidates -----------------------------------------------------------------------------------------------------------


def sums_of(table: Ints, tables: Tables) -> Sums:
    """The sums of the cells of a table (1 + parts, s, 2)."""
    losses, squares = amounts.read(table[1:], tables.top, bounded=tables.bounded)
    return Sums(table[0], losses, squares)


def candidates_of(tables: Tables, groups: Mapping[str, Groups]) -> Candidates:
    """All slices of one or two features that have rows, and their sums.

    A pair that has just the rows of one of its parts is that part, and is left out.
    """
    if not tables.rows:
        return Candidates([], Sums(np.zeros((0, HALVES), np.int64), *np.zeros((2, 0, HALVES))))
    keys: list[Key] = []
    held: list[Ints] = []
    of_one: dict[str, Ints] = {}
    for name, one in groups.items():
        table = recoded(tables.singles[name], 1, one.of_cells, len(one.groups))
        of_one[name] = table[0].sum(axis=-1)
        keys += [((name, group),) for group in one.groups]
        held.append(table)
    for left, right in tables.pairs:
        if left not in groups or right not in groups:
            continue
        mine, theirs, table = groups[left], groups[right], pair_table(tables, groups, (left, right))
        rows = table[0].sum(axis=-1)
        new = (rows > 0) & (rows < of_one[left][:, None]) & (rows < of_one[right])
        both = list(product(mine.groups, theirs.groups))
        keys += [((left, both[at][0]), (right, both[at][1])) for at in np.flatnonzero(new)]
        held.append(table[:, new])
    nothing = tables.total[:, None][:, :0]
    return Candidates(keys, sums_of(np.concatenate([nothing, *held], axis=1), tables))


def pair_table(tables: Tables, groups: Mapping[str, Groups], pair: tuple[str, str]) -> Ints:
    """The table of two features by their groups, (1 + parts, g, h, 2)."""
    left, right = (groups[name] for name in pair)
    table = recoded(tables.pairs[pair], 1, left.of_cells, len(left.groups))
    return recoded(table, 2, right.of_cells, len(right.groups))


# Confirmation ---------------------------------------------------------------------------------------------------------


def _confirmed(slices: Sums, whole: Sums) -> tuple[Estimates, Estimates]:
    """By how much the mean losses of slices are above that of all rows; and these means themselves.

    A slice is held against all other rows by Welch's test. It is above all rows by its share of that difference that
    the others have.
    """
    mine = _moments(slices)
    others = _moments(Sums(whole.rows - slices.rows, whole.losses - slices.losses, whole.squares - slices.squares))
    # Where a few rows happen to be alike, they tell no more than others do.
    mine = mine._replace(variance=np.maximum(mine.variance, others.variance))
    share = others.rows / (mine.rows + others.rows)
    with np.errstate(all="ignore"):
        errors = mine.variance / mine.rows, others.variance / others.rows
        error = errors[0] + errors[1]
        freedom = np.square(error) / (np.square(errors[0]) / (mine.rows - 1) + np.square(errors[1]) / (others.rows - 1))
        above = Estimates(share * (mine.mean - others.mean), share * np.sqrt(error), freedom)
        return above, Estimates(mine.mean, np.sqrt(errors[0]), mine.rows - 1)


class _Moments(NamedTuple):
    rows: Floats
    mean: Floats
    variance: Floats


def _moments(sums: Sums) -> _Moments:
    """Of the half that confirms."""
    rows = sums.rows[:, CONFIRM].astype(float)
    with np.errstate(all="ignore"):
        mean = sums.losses[:, CONFIRM] / rows
        variance = np.maximum(sums.squares[:, CONFIRM] - rows * np.square(mean), 0) / (rows - 1)
    return _Moments(rows, mean, variance)


def mean_loss(tables: Tables) -> float:
    """Mean loss of all rows of both halves; NaN without rows."""
    if not tables.rows:
        return math.nan
    whole = sums_of(tables.total[:, None], tables)
    return float(whole.losses.sum() / whole.rows.sum())
