"""Slices that are withheld so that no smaller one can be computed: beside a brute force over all combinations."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, product
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from assay.privacy.suppression import withheld
from assay.types import SliceKey

Row: TypeAlias = tuple[str | None, ...]
"""Values of the features a, b, ...; None where the row has none."""

Slices: TypeAlias = dict[SliceKey, int]


def slices_of(rows: list[Row], slicings: list[tuple[int, ...]]) -> Counter[SliceKey]:
    """The rows of each slice by some features; a row without one of them is in none of these slices."""
    return Counter(
        tuple(("abc"[i], row[i]) for i in slicing)
        for row in rows
        for slicing in slicings
        if all(row[i] is not None for i in slicing)
    )


def shown_of(slices: Counter[SliceKey], least: int) -> set[SliceKey]:
    """The slices that are shown."""
    large = {key for key, rows in slices.items() if rows >= least or key == ()}
    return large - withheld(slices, least)


def computable(slices: Counter[SliceKey], shown: set[SliceKey], rows: list[Row]) -> set[SliceKey]:
    """The slices that are not shown and are a linear combination of those that are, whatever rows there are."""
    values = [sorted({row[i] for row in rows}, key=str) for i in range(len(rows[0]))]
    cells = list(product(*values))

    def indicator(key: SliceKey) -> list[float]:
        return [float(all(cell["abc".index(name)] == value for name, value in key)) for cell in cells]

    known = np.array([indicator(key) for key in sorted(shown, key=str)]).reshape(-1, len(cells))
    rank = np.linalg.matrix_rank(known) if len(known) else 0
    hidden = [key for key in slices if key not in shown]
    return {key for key in hidden if np.linalg.matrix_rank(np.vstack([known, indicator(key)])) == rank}


SLICINGS = [slicing for size in range(4) for slicing in combinations(range(3), size)]


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(
        st.tuples(*(st.sampled_from(["x", "y", "z", *([None] if missing else [])]) for missing in (0, 0, 1))),
        min_size=1,
        max_size=60,
    ),
    slicings=st.sets(st.sampled_from(SLICINGS), min_size=1),
    least=st.integers(2, 8),
)
def test_no_small_slice_can_be_computed_from_those_that_are_shown(rows, slicings, least):
    assume(len(rows) >= least)  # the overall slice is shown even if it is small
    slices = slices_of(rows, sorted(slicings))
    leaks = computable(slices, shown_of(slices, least), rows)
    assert not {key for key in leaks if slices[key] < least and key != ()}


def test_the_next_smallest_slice_is_withheld_where_one_alone_is_hidden():
    slices: Slices = {(): 100, (("sex", "f"),): 60, (("sex", "m"),): 38, (("sex", "x"),): 2}
    assert withheld(slices, 5) == {(("sex", "m"),)}


def test_nothing_is_withheld_if_the_small_slices_are_large_enough_together():
    slices: Slices = {(): 100, (("sex", "f"),): 90, (("sex", "m"),): 4, (("sex", "x"),): 6}
    assert withheld(slices, 5) == {(("sex", "x"),)}
    assert not withheld({(): 100, (("sex", "f"),): 90, (("sex", "m"),): 4, (("sex", "x"),): 4, (("sex", "y"),): 2}, 5)


def test_a_few_rows_in_no_slice_are_a_small_group_too():
    slices: Slices = {(): 100, (("sex", "f"),): 60, (("sex", "m"),): 38}
    assert withheld(slices, 5) == {(("sex", "m"),)}


def test_a_slice_that_leaves_few_rows_of_the_whole_is_withheld():
    assert withheld({(): 100, (("sex", "f"),): 98}, 5) == {(("sex", "f"),)}


def test_a_table_of_two_features_hides_a_rectangle():
    """With one cell hidden in its row and column alone, the next step of subtraction would find it."""
    table = {("f", "fr"): 3, ("f", "de"): 20, ("m", "fr"): 30, ("m", "de"): 40, ("f", "it"): 50, ("m", "it"): 60}
    slices = Counter[SliceKey]()
    for (sex, country), rows in table.items():
        for key in ((), (("country", country), ("sex", sex)), (("sex", sex),), (("country", country),)):
            slices[key] += rows
    assert withheld(slices, 5) == {(("country", c), ("sex", s)) for s, c in (("f", "de"), ("m", "fr"), ("m", "de"))}


def test_slices_meet_in_a_slice_that_nobody_lists():
    """All of France by sex, less France by age but for the young, is the young of France."""
    slices: Slices = {
        (("country", "fr"), ("sex", "f")): 30,
        (("country", "fr"), ("sex", "m")): 40,
        (("age", "old"), ("country", "fr")): 67,
        (("age", "young"), ("country", "fr")): 3,
    }
    assert withheld(slices, 5) == {(("age", "old"), ("country", "fr"))}


def test_the_overall_slice_is_always_shown():
    assert withheld({(): 3, (("sex", "f"),): 3}, 5) == frozenset()


@pytest.mark.parametrize("least", [0, 1])
def test_without_a_least_size_nothing_is_withheld(least):
    assert withheld({(): 3, (("sex", "f"),): 1, (("sex", "m"),): 2}, least) == frozenset()
