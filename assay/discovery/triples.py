"""Slices of three features, by a second scan: which of them may be among the worst, and their sums.

The pairs of the first scan bound what a triple can be (Sagadeeva and Boehm, SIGMOD 2021): it has no more rows than each
of its three pairs, no higher sum of losses, where none is negative, and no higher sum of their squares. Three features
are scanned again where one of their triples, as far as these bounds tell, may have a score above 0 and above that of
the K-th best slice so far.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple, TypeAlias

import numpy as np

from assay.discovery import amounts
from assay.discovery.amounts import Amounts
from assay.discovery.cells import Cells, places
from assay.discovery.groups import Groups
from assay.discovery.search import CONFIRM, SEARCH, Candidates, Key, Scores, pair_table, sums_of
from assay.discovery.tables import HALVES, ROWS_AT_ONCE, Tables, count_cells
from assay.metrics.values import Floats, Ints

Triple: TypeAlias = tuple[str, str, str]

MOST_CELLS = 4_000_000
"""Triples of values that are counted, with some 200 MB; features with the highest bounds come first."""
_SLACK, _SLACK_OF_SQUARES = 2.0**-18, 1.01
"""By how much sums of rounded losses and squares may be too low for a bound: for each row, and a share."""


@dataclass(frozen=True)
class Wanted:
    """What a second scan counts.

    Attributes:
        cells: feature -> its cells, of all rows.
        groups: feature -> its groups.
        triples: the features to count by.
        ruled_out: how many others have no triple that may be among the worst.
        left_out: how many others would have taken too many cells.
        top: see `Amounts`.
        depth: numbers of a cell: rows and amounts.
    """

    cells: Mapping[str, Cells]
    groups: Mapping[str, Groups]
    triples: tuple[Triple, ...]
    ruled_out: int = 0
    left_out: int = 0
    top: int | None = None
    depth: int = 0

    def shape(self, triple: Triple) -> tuple[int, int, int]:
        """How many groups each feature of a triple has."""
        one, two, three = (len(self.groups[name].groups) for name in triple)
        return one, two, three


@dataclass(frozen=True)
class TripleTables:
    """The second scan of some rows: triple -> its table (1 + parts, groups, groups, groups, 2)."""

    tables: Mapping[Triple, Ints] = field(default_factory=dict)

    def joined_on_arrival(self, other: TripleTables) -> TripleTables:
        """Both as one; see `Joining` of worker processes."""
        both = dict(self.tables)
        for triple, table in other.tables.items():
            both[triple] = both[triple] + table if triple in both else table
        return TripleTables(both)


def wanted(tables: Tables, groups: Mapping[str, Groups], scores: Scores, most_loss: float) -> Wanted:
    """The triples of features that a second scan has to count.

    Args:
        tables: of the first scan.
        groups: feature -> its groups, of those that are searched.
        scores: how slices are scored, and what the score of a triple has to reach.
        most_loss: of a row.
    """
    in_pairs = sorted(name for name in groups if tables.cells[name].in_pairs)
    pairs = {pair: _pair_sums(tables, groups, pair) for pair in combinations(in_pairs, 2)}
    every = list(combinations(in_pairs, 3))
    bounds = {triple: _highest_bound(triple, pairs, scores, most_loss, tables) for triple in every}
    possible = [triple for triple in every if bounds[triple] >= scores.least]
    kept, cells = list[Triple](), 0
    for triple in sorted(possible, key=lambda one: (-bounds[one], one)):
        size = int(np.prod([len(groups[name].groups) for name in triple]))
        if cells + size <= MOST_CELLS:
            kept.append(triple)
            cells += size
    named = sorted({name for triple in kept for name in triple})
    return Wanted(
        {name: tables.cells[name] for name in named},
        {name: groups[name] for name in named},
        tuple(sorted(kept)),
        ruled_out=len(every) - len(possible),
        left_out=len(possible) - len(kept),
        top=tables.top,
        depth=len(tables.total),
    )


# Bounds ---------------------------------------------------------------------------------------------------------------


class _PairSums(NamedTuple):
    """Of the groups of two features, all (g, h): rows in each half, losses and squares in the half that is searched."""

    searched: Floats
    confirming: Floats
    losses: Floats
    squares: Floats


def _pair_sums(tables: Tables, groups: Mapping[str, Groups], pair: tuple[str, str]) -> _PairSums:
    table = pair_table(tables, groups, pair)
    shape = table.shape[1:3]
    sums = sums_of(table.reshape(len(table), -1, HALVES), tables)
    rows, confirming = sums.rows[:, SEARCH], sums.rows[:, CONFIRM]
    losses, squares = sums.losses[:, SEARCH], sums.squares[:, SEARCH] * _SLACK_OF_SQUARES
    parts = rows, confirming, losses + rows * _SLACK, squares + rows * _SLACK
    return _PairSums(*(part.astype(float).reshape(shape) for part in parts))


def _highest_bound(
    triple: Triple, pairs: Mapping[tuple[str, str], _PairSums], scores: Scores, most_loss: float, tables: Tables
) -> float:
    """What no score of a triple of values of these features exceeds; -inf where none may be a slice."""
    of_pairs = [[np.expand_dims(part, axis) for part in pairs[pair]] for pair, axis in _pairs_of(triple)]
    rows, confirming, losses, squares = (
        np.minimum(np.minimum(one, two), three).ravel() for one, two, three in zip(*of_pairs, strict=True)
    )
    fewest = np.maximum(scores.min_rows - confirming, 1.0)
    possible = (rows >= fewest) & (confirming >= 2)
    if not possible.any():
        return -np.inf
    rows, fewest, losses, squares = rows[possible], fewest[possible], losses[possible], squares[possible]
    bounds = _by_squares(rows, fewest, squares, scores)
    if tables.reference is None:
        bounds = np.minimum(bounds, _by_losses(rows, fewest, losses, scores, most_loss))
    highest = float(bounds.max())
    return highest + 1e-9 * abs(highest)


def _by_losses(most: Floats, fewest: Floats, losses: Floats, scores: Scores, most_loss: float) -> Floats:
    """Of slices of `fewest` to `most` rows whose losses sum up to at most `losses`, none above `most_loss`.

    As long as each row may have the highest loss, more rows score higher; from there on the score is monotone.
    """
    turn = np.clip(losses / most_loss, fewest, most)
    return np.maximum(*(scores.of(np.minimum(losses / rows, most_loss), rows) for rows in (turn, most)))


def _by_squares(most: Floats, fewest: Floats, squares: Floats, scores: Scores) -> Floats:
    """Of slices of `fewest` to `most` rows whose squared losses sum up to at most `squares`.

    By Cauchy and Schwarz their mean is at most the root of squares / rows, so the score is concave in 1 / sqrt(rows).
    """
    with np.errstate(divide="ignore"):
        best = scores.alpha * np.sqrt(squares) / (2 * (1 - scores.alpha) * scores.rows * scores.unit)
        rows = np.clip(1 / np.square(best), fewest, most)
    return scores.of(np.sqrt(squares / rows), rows)


# The second scan ------------------------------------------------------------------------------------------------------


def add_rows(
    held: dict[Triple, Ints],
    codes: Mapping[str, Ints],
    cells: Mapping[str, Cells],
    halves: Ints,
    added: Amounts,
    want: Wanted,
) -> None:
    """Adds a batch to tables of triples.

    Args:
        held: triple -> its table, as in `TripleTables`; changed.
        codes: feature -> code (n,) of each row.
        cells: feature -> the cells that the codes are of.
        halves: (n,) 0 or 1, the half that each row belongs to.
        added: what each row adds.
        want: what is counted.
    """
    parts: Sequence[Floats] = added.parts
    if added.top is not None and want.top is not None:
        parts = amounts.lowered_parts(added, want.top)
    nothing = np.zeros(len(halves), np.int64)
    of_rows = {
        name: want.groups[name].of_cells[places(cells.get(name, Cells()), of_all)][codes.get(name, nothing)]
        for name, of_all in want.cells.items()
    }
    for triple in want.triples:
        if triple not in held:
            held[triple] = np.zeros((want.depth, *want.shape(triple), HALVES), np.int64)
    for start in range(0, len(halves), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        of_some = {name: group[rows] for name, group in of_rows.items()}
        _count_into(held, of_some, halves[rows], [part[rows] for part in parts])


def _count_into(tables: Mapping[Triple, Ints], groups: Mapping[str, Ints], half: Ints, parts: Sequence[Floats]) -> None:
    low = {name: group * HALVES + half for name, group in groups.items()}
    pair, of_pair = ("", ""), half
    for (one, two, three), table in tables.items():
        _, _, count_two, count_three, _ = table.shape
        if pair != (one, two):  # triples are in order, so that many have their first two features in common
            pair, of_pair = (one, two), groups[one] * count_two + groups[two]
        count_cells(of_pair * (count_three * HALVES) + low[three], parts, table.reshape(len(table), -1))


def candidates_in(counted: TripleTables, tables: Tables, groups: Mapping[str, Groups], scores: Scores) -> Candidates:
    """The slices of three features that may be listed.

    One that has just the rows of one of its pairs is that pair, and is left out.
    """
    keys: list[Key] = []
    held = [tables.total[:, None][:, :0]]
    for triple, table in counted.tables.items():
        rows = table[0].sum(axis=-1)
        new = rows > 0
        for pair, axis in _pairs_of(triple):
            new &= rows < np.expand_dims(pair_table(tables, groups, pair)[0].sum(axis=-1), axis)
        at = np.argwhere(new)
        listed = np.flatnonzero(scores.of_sums(sums_of(table[:, new], tables)) > 0)
        keys += [tuple((n, groups[n].groups[g]) for n, g in zip(triple, at[i], strict=True)) for i in listed]
        held.append(table[:, new][:, listed])
    return Candidates(keys, sums_of(np.concatenate(held, axis=1), tables))


def _pairs_of(triple: Triple) -> tuple[tuple[tuple[str, str], int], ...]:
    """The pairs of a triple, each with the axis that it lacks."""
    one, two, three = triple
    return ((one, two), 2), ((one, three), 1), ((two, three), 0)
