"""Found slices that are withheld: beside a brute force over the rows of all sums that can be formed."""

from __future__ import annotations

from collections import Counter
from copy import copy
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest

from assay.discovery.groups import Group, groups_of
from assay.discovery.hidden import Listed, hidden
from assay.discovery.search import Found, Key, candidates_of, found_slices, scores_of
from assay.privacy.suppression import tells_small, withheld
from assay.slicing.feature_bins import Bins
from assay.types import SliceKey
from tests.discovery.tables import tables_of, texts

LEAST = 6
SLICINGS = [slicing for size in range(4) for slicing in combinations(("city", "count", "sex"), size)]


class Rows:
    """Rows of three features, and what a search finds in them."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        rows = int(rng.integers(80, 200))
        of_cities = rng.choice(6, rows, p=rng.dirichlet(np.full(6, 0.7)))
        self.columns: dict[str, Any] = {
            "city": texts(of_cities, 0.03, rng),
            "count": rng.binomial(14, 0.3, rows),
            "sex": texts(rng.integers(0, 2, rows)),
        }
        self.halves = rng.integers(0, 2, rows)
        self.values = {name: column.tolist() for name, column in self.columns.items()}
        tables = tables_of(self.columns, rng.exponential(0.3, rows).clip(0, 16), self.halves)
        self.cells = tables.cells
        self.groups = {
            name: groups_of(cells, tables.singles[name][0].sum(axis=-1), bins=4, min_rows=LEAST)
            for name, cells in tables.cells.items()
        }
        self.of_halves: list[int] = tables.total[0].tolist()
        candidates, scores = candidates_of(tables, self.groups), scores_of(tables, alpha=0.99, min_rows=LEAST)
        self.found: list[Found] = found_slices(tables, candidates, scores, 12)

    def listed(self, slicings: Any) -> Counter[Any]:
        """The rows of each slice by some features."""
        return Counter(
            tuple((name, self.values[name][i]) for name in slicing)
            for slicing in slicings
            for i in range(len(self.halves))
            if all(self.values[name][i] is not None for name in slicing)
        )

    def any_rows(self) -> Rows:
        """The same with one row for each combination of values, as rows may be of any."""
        other = copy(self)
        other.halves = np.zeros(0, np.int64)
        every = list(product(*(sorted(set(values), key=str) for values in self.values.values())))
        other.values = dict(zip(self.values, map(list, zip(*every, strict=True)), strict=True))
        return other

    def are_in(self, key: Any) -> Any:
        """Which rows (n,) are in a listed slice."""
        held = [np.array([value == one for one in self.values[name]]) for name, value in key]
        return np.logical_and.reduce([np.ones(len(self.values["sex"]), bool), *held])

    def are_in_found(self, key: Key) -> Any:
        """Which rows (n,) are in a found slice."""
        held = [np.array([self._group(name, one) == group for one in self.values[name]]) for name, group in key]
        return np.logical_and.reduce([np.ones(len(self.values["sex"]), bool), *held])

    def _group(self, name: str, value: Any) -> Group:
        groups = self.groups[name]
        if value is None:
            return Group(None)
        if name == "count":
            return Group(Bins(groups.edges).names[int(np.searchsorted(groups.edges, value, "right"))])
        alone = Group(value)
        return alone if alone in groups.groups else next(group for group in groups.groups if group.rare)

    def hidden(self, listed: Any) -> list[bool]:
        """Which found slices are withheld."""
        return hidden(self.found, self.of_halves, Listed(listed), self.cells, self.groups, LEAST)


def follows(wanted: Any, known: list[Any]) -> bool:
    """Whether a sum over rows is a linear combination of others."""
    rows = np.array([*known, wanted], float)
    kinds = np.unique(rows, axis=1)
    return bool(np.linalg.matrix_rank(kinds) == np.linalg.matrix_rank(kinds[:-1]))


@pytest.mark.parametrize("seed", range(60))
def test_no_small_slice_and_no_small_difference_follows_from_what_is_shown(seed):
    data = Rows(seed)
    rng = np.random.default_rng(seed + 1000)
    slicings = [(), *(slicing for slicing in SLICINGS[1:] if rng.random() < 0.4)]
    listed = data.listed(slicings)
    are_hidden = data.hidden(listed)
    shown = [one for one, is_hidden in zip(data.found, are_hidden, strict=True) if not is_hidden]
    of_listed = {key for key, rows in listed.items() if rows >= LEAST or not key} - withheld(listed, LEAST)

    any_ = data.any_rows()
    known = [any_.are_in(key) for key in of_listed] + [any_.are_in_found(one.key) for one in shown]
    small = [any_.are_in(key) for key, rows in listed.items() if rows < LEAST and key]
    assert not any(follows(wanted, known) for wanted in small)
    known = [data.are_in(key) for key in of_listed] + [data.are_in_found(one.key) for one in shown]
    for whole, part in product(known, known):
        assert not (whole & ~part).any() or (part & ~whole).any() or (whole & ~part).sum() >= LEAST
    for half in (0, 1):
        of_half = [data.halves == half, *(data.are_in_found(one.key) & (data.halves == half) for one in shown)]
        assert min(rows.sum() for rows in of_half) >= LEAST
        for whole, part in product(of_half, of_half):
            assert not (whole & ~part).any() or (part & ~whole).any() or (whole & ~part).sum() >= LEAST


def test_slices_are_withheld_and_shown_in_these_tables():
    """So that the test above compares something."""
    told = [one for seed in range(60) for one in Rows(seed).hidden(Rows(seed).listed(SLICINGS[:4]))]
    assert 50 < sum(told) < len(told) - 50


def test_bins_that_cut_across_those_of_slicing_specs_withhold_what_is_found_by_them():
    data = Rows(3)
    by_count = [any(name == "count" for name, _ in one.key) for one in data.found]
    assert any(by_count)
    assert not all(by_count)
    edge = data.groups["count"].edges[0]
    crossing = {(): len(data.halves), (("count", f"[{edge - 1:g}, {edge + 1:g})"),): 40}
    nested = {(): len(data.halves), (("count", f"(-inf, {edge:g})"),): 40}
    for one, is_by_count, is_hidden in zip(data.found, by_count, data.hidden(crossing), strict=True):
        assert is_hidden or not is_by_count, one
    assert not all(data.hidden(nested))


def test_what_a_query_calls_like_a_searched_feature_withholds_what_is_found_by_it():
    data = Rows(5)
    listed = Listed({(): len(data.halves), (("sex", "v0"),): 30}, frozenset({"sex"}))
    are_hidden = hidden(data.found, data.of_halves, listed, data.cells, data.groups, LEAST)
    by_sex = [any(name == "sex" for name, _ in one.key) for one in data.found]
    assert any(by_sex)
    assert all(is_hidden for is_by_sex, is_hidden in zip(by_sex, are_hidden, strict=True) if is_by_sex)


def test_a_rest_that_is_small_is_told():
    slices: dict[SliceKey, int] = {(): 100, (("a", "x"),): 97}
    assert tells_small(slices, {(), (("a", "x"),)}, 5)
    assert not tells_small(slices, {()}, 5)
    assert not tells_small(slices, {(), (("a", "x"),)}, 3)
