"""The search against brute force, and how often it is right and wrong."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
import scipy.stats

from assay.discovery.search import CONFIRM
from tests.discovery.tables import readable, search, tables_of, texts


def slices_in(features):
    """Every value and pair of values -> its rows; a pair that is one of its parts is left out."""
    masks: dict[tuple[tuple[str, str | None], ...], np.ndarray] = {}
    for name, column in features.items():
        values = column.to_pylist()
        for value in dict.fromkeys(values):
            masks[((name, value),)] = np.array([one == value for one in values])
    for left, right in combinations(features, 2):
        ones, others = ([key for key in masks if len(key) == 1 and key[0][0] == name] for name in (left, right))
        for one, other in product(ones, others):
            both = masks[one] & masks[other]
            if 0 < both.sum() < min(masks[one].sum(), masks[other].sum()):
                masks[one + other] = both
    return masks


def brute_force(features, losses, halves, *, alpha, min_rows, top_k):
    """The slices with the highest of SliceLine's scores on the first half."""
    found = []
    searched = halves == 0
    mean = losses[searched].mean()
    for key, mask in slices_in(features).items():
        mine = mask & searched
        if mask.sum() < min_rows or not mine.any() or (mask & ~searched).sum() < 2:
            continue
        score = alpha * (losses[mine].mean() / mean - 1) - (1 - alpha) * (searched.sum() / mine.sum() - 1)
        if score > 0:
            found.append((score, int(mask.sum()), key))
    return sorted(found, key=lambda one: (-round(one[0], 9), -one[1], str(one[2])))[:top_k]


@pytest.mark.parametrize("seed", range(200))
def test_the_first_k_slices_are_those_of_brute_force(seed):
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(60, 400))
    features = {
        name: texts(rng.integers(0, rng.integers(2, 7), rows), missing=rng.choice([0.0, 0.2]), rng=rng)
        for name in "abcd"[: rng.integers(1, 5)]
    }
    losses, halves = rng.exponential(size=rows).clip(0, 16), rng.integers(0, 2, rows)
    alpha, top_k = float(rng.uniform(0.8, 1)), int(rng.integers(1, 30))
    expected = brute_force(features, losses, halves, alpha=alpha, min_rows=2, top_k=top_k)
    found = search(tables_of(features, losses, halves), alpha=alpha, min_rows=2, top_k=top_k)
    assert [one.score for one in found] == pytest.approx([score for score, _, _ in expected], abs=1e-6)
    assert [(readable(one), one.rows) for one in found] == [(key, rows) for _, rows, key in expected]


def test_loss_and_p_value_are_those_of_the_rows_that_confirm():
    rng = np.random.default_rng(1)
    feature, halves = rng.integers(0, 3, 3000), rng.integers(0, 2, 3000)
    losses = rng.exponential(size=3000).clip(0, 16) * np.where(feature == 1, 1.3, 1)
    (found,) = search(tables_of({"a": texts(feature)}, losses, halves), top_k=1)
    mine, others = (losses[(halves == CONFIRM) & mask] for mask in (feature == 1, feature != 1))
    assert readable(found) == (("a", "v1"),)
    assert found.loss == pytest.approx(mine.mean(), rel=1e-6)
    assert found.overall == pytest.approx(losses[halves == CONFIRM].mean(), rel=1e-6)
    welch = scipy.stats.ttest_ind(mine, others, equal_var=False, alternative="greater")
    assert mine.var() > others.var()
    assert found.p_value == pytest.approx(welch.pvalue, rel=1e-3)


# How often it is right ------------------------------------------------------------------------------------------------


def simulated(seed, rows, planted):
    """Six features of few values and exponential losses; a pair of 1 % of the rows has 1.5 times the loss."""
    rng = np.random.default_rng(seed)
    codes = {name: rng.integers(0, 5, rows) for name in "abcd"}
    codes |= {name: rng.choice(4, rows, p=[0.1, 0.3, 0.3, 0.3]) for name in "ef"}
    losses = rng.exponential(size=rows)
    losses[(codes["e"] == 0) & (codes["f"] == 0)] *= 1.5 if planted else 1
    # Codes as numbers, which is quicker than texts.
    return tables_of(codes, losses.clip(0, 16), rng.integers(0, 2, rows))


def share_found(runs):
    hits = 0
    for seed in range(runs):
        found = search(simulated(seed, 50_000, planted=True), alpha=0.999, min_rows=100)
        hits += any(readable(one) == (("e", "0"), ("f", "0")) and one.p_value <= 0.05 for one in found)
    return hits / runs


def share_false(runs):
    false = 0
    for seed in range(runs):
        found = search(simulated(seed, 5_000, planted=False), alpha=0.999, min_rows=100)
        false += any(one.p_value <= 0.05 for one in found)
    return false / runs


def test_a_planted_slice_of_one_percent_of_the_rows_is_found():
    assert share_found(40) >= 0.95


def test_nothing_is_found_where_all_slices_are_alike():
    # 5 % are allowed; 300 runs at that rate have more than 25 once in a hundred times.
    assert share_false(300) <= 25 / 300


@pytest.mark.slow
def test_planted_slices_are_found_and_no_others_in_a_thousand_runs():
    assert share_found(300) >= 0.95
    assert share_false(1000) <= 0.05
