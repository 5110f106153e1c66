"""Slices of three features against brute force, and the bounds that rule triples out."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from assay.discovery import triples
from assay.discovery.amounts import amounts_of
from assay.discovery.cells import Cells, coded
from assay.discovery.search import Found, candidates_of, found_slices, scores_of
from assay.discovery.tables import Tables
from assay.discovery.triples import Triple, TripleTables, Wanted, add_rows, candidates_in, wanted
from assay.metrics.values import Ints
from tests.discovery.tables import groups_in, readable, tables_of, texts

Key = tuple[tuple[str, str | None], ...]
Mask = npt.NDArray[np.bool_]


def scanned_again(
    features: Mapping[str, Any], losses: Any, halves: Any, want: Wanted, *, bounded: bool
) -> TripleTables:
    """The second scan, in two parts of which each has batches of its own."""
    parts = []
    for rows in np.array_split(np.arange(len(losses)), 2):
        held: dict[Triple, Ints] = {}
        for batch in np.array_split(rows, 2):
            codes, cells = {}, {}
            for name in want.cells:
                codes[name], cells[name] = coded(features[name].take(batch), name, Cells())
            add_rows(held, codes, cells, halves[batch], amounts_of(losses[batch], bounded=bounded), want)
        parts.append(TripleTables(held))
    return parts[1].joined_on_arrival(parts[0])


def searched(
    features: Mapping[str, Any],
    losses: Any,
    halves: Any,
    *,
    alpha: float,
    top_k: int,
    min_rows: int = 2,
    bounded: bool = True,
    baseline: Any = None,
) -> tuple[list[Found], Wanted]:
    """The first slices of at most three features, and what the second scan has counted."""
    tables = tables_of(features, losses, halves, bounded=bounded, level=3)
    if baseline is not None:
        reference = tables_of({}, baseline, halves, bounded=bounded, level=3)
        tables = Tables(**{**vars(tables), "reference": reference})
    groups, scores = groups_in(tables, min_rows=min_rows), scores_of(tables, alpha=alpha, min_rows=min_rows)
    assert scores is not None
    candidates = candidates_of(tables, groups)
    to_reach = scores.reached_by(candidates, top_k)
    want = wanted(tables, groups, to_reach, 16.2 if bounded else np.inf)
    counted = scanned_again(features, losses, halves, want, bounded=bounded)
    candidates = candidates.with_more(candidates_in(counted, tables, groups, to_reach))
    return found_slices(tables, candidates, scores, top_k), want


def slices_in(features: Mapping[str, Any]) -> dict[Key, Mask]:
    """Every slice of at most three features -> its rows; one that is one of its parts is left out."""
    values = {
        name: {value: np.array([one == value for one in column.to_pylist()]) for value in column.to_pylist()}
        for name, column in features.items()
    }
    everything: dict[Key, Mask] = {}
    for size in (1, 2, 3):
        for names in combinations(features, size):
            for key in product(*(values[name] for name in names)):
                parts = [values[name][value] for name, value in zip(names, key, strict=True)]
                mask = np.logical_and.reduce(parts)
                smaller = [np.logical_and.reduce(some) for some in combinations(parts, size - 1)] if size > 1 else []
                if mask.any() and all(mask.sum() < one.sum() for one in smaller):
                    everything[tuple(zip(names, key, strict=True))] = mask
    return everything


def brute_force(
    features: Mapping[str, Any],
    losses: Any,
    halves: Any,
    *,
    alpha: float,
    top_k: int,
    min_rows: int = 2,
    baseline: Any = None,
) -> list[tuple[float, int, Key]]:
    """The slices with the highest scores on the first half."""
    first = halves == 0
    mean = losses[first].mean()
    unit, base = (mean, mean) if baseline is None else (baseline[first].mean(), max(mean, 0))
    found = []
    for key, mask in slices_in(features).items():
        mine = mask & first
        if mask.sum() < min_rows or not mine.any() or (mask & ~first).sum() < 2:
            continue
        score = alpha * ((losses[mine].mean() - base) / unit) - (1 - alpha) * (first.sum() / mine.sum() - 1)
        if score > 0:
            found.append((score, int(mask.sum()), key))
    return sorted(found, key=lambda one: (-round(one[0], 9), -one[1], str(one[2])))[:top_k]


def some_rows(rng: np.random.Generator) -> tuple[dict[str, Any], Ints]:
    """A random table of three to five features, and the halves of its rows."""
    rows = int(rng.integers(60, 400))
    features = {
        name: texts(rng.integers(0, rng.integers(2, 5), rows), missing=rng.choice([0.0, 0.2]), rng=rng)
        for name in "abcde"[: rng.integers(3, 6)]
    }
    return features, rng.integers(0, 2, rows)


def check(found: list[Found], expected: list[tuple[float, int, Key]], precision: float = 1e-6) -> None:
    assert [one.score for one in found] == pytest.approx([score for score, _, _ in expected], rel=precision, abs=1e-6)
    assert {(readable(one), one.rows) for one in found} == {(key, rows) for _, rows, key in expected}


@pytest.mark.parametrize("seed", range(100))
def test_the_first_k_slices_are_those_of_brute_force(seed):
    rng = np.random.default_rng(seed)
    features, halves = some_rows(rng)
    losses = rng.exponential(size=len(halves)).clip(0, 16)
    alpha, top_k = float(rng.uniform(0.8, 1)), int(rng.integers(1, 30))
    found, _ = searched(features, losses, halves, alpha=alpha, top_k=top_k)
    check(found, brute_force(features, losses, halves, alpha=alpha, top_k=top_k))


@pytest.mark.parametrize("seed", range(40))
def test_neither_losses_without_a_bound_nor_differences_of_two_models_are_ruled_out_wrongly(seed):
    rng = np.random.default_rng(1000 + seed)
    features, halves = some_rows(rng)
    alpha, top_k = float(rng.uniform(0.8, 0.99)), int(rng.integers(1, 10))
    squares = rng.lognormal(3, 2, len(halves))
    found, _ = searched(features, squares, halves, bounded=False, alpha=alpha, top_k=top_k)
    check(found, brute_force(features, squares, halves, alpha=alpha, top_k=top_k), 1e-5)

    baseline = rng.exponential(size=len(halves)).clip(0, 16)
    changes = rng.exponential(size=len(halves)).clip(0, 16) - baseline
    found, _ = searched(features, changes, halves, baseline=baseline, alpha=alpha, top_k=top_k)
    check(found, brute_force(features, changes, halves, baseline=baseline, alpha=alpha, top_k=top_k))


def test_bounds_rule_out_triples_that_cannot_be_among_the_first():
    """Six features of which two make a bad pair: no triple without one of its halves reaches it."""
    rng = np.random.default_rng(4)
    codes = {name: rng.integers(0, 4, 8000) for name in "abcdef"}
    is_bad = (codes["a"] == 0) & (codes["b"] == 0)
    losses = np.where(is_bad, 4.0, rng.uniform(0.2, 0.6, 8000))
    features = {name: texts(code) for name, code in codes.items()}
    halves = rng.integers(0, 2, 8000)
    found, want = searched(features, losses, halves, alpha=0.99, top_k=1, min_rows=50)
    assert readable(found[0]) == (("a", "v0"), ("b", "v0"))
    assert want.ruled_out > 0
    assert len(want.triples) + want.ruled_out == 20


def test_a_planted_triple_is_first():
    rng = np.random.default_rng(5)
    codes = {name: rng.integers(0, 4, 20_000) for name in "abcd"}
    is_bad = (codes["a"] == 1) & (codes["c"] == 2) & (codes["d"] == 3)
    losses = rng.exponential(size=20_000) * np.where(is_bad, 3, 1)
    features = {name: texts(code) for name, code in codes.items()}
    found, _ = searched(features, losses.clip(0, 16), rng.integers(0, 2, 20_000), alpha=0.999, top_k=3, min_rows=100)
    assert readable(found[0]) == (("a", "v1"), ("c", "v2"), ("d", "v3"))
    assert found[0].p_value < 1e-6


def test_where_there_are_too_many_cells_the_highest_bounds_come_first_and_the_others_are_counted(monkeypatch):
    rng = np.random.default_rng(6)
    codes = {name: rng.integers(0, 4, 5000) for name in "abcd"}
    losses = rng.exponential(size=5000) * np.where((codes["a"] == 0) & (codes["b"] == 0) & (codes["c"] == 0), 4, 1)
    monkeypatch.setattr(triples, "MOST_CELLS", 2 * 4**3)
    features = {name: texts(code) for name, code in codes.items()}
    _, want = searched(features, losses.clip(0, 16), rng.integers(0, 2, 5000), alpha=0.999, top_k=10)
    assert (len(want.triples), want.left_out + want.ruled_out) == (2, 2)
    assert ("a", "b", "c") in want.triples
