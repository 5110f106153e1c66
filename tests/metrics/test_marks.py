"""Marks tell whether all scores of a cell are equal, however rows are spread over batches and splits."""

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.metrics.states import listed_cells
from assay.metrics.states.cell_sums import CellSums, DenseCells, PagedCells
from assay.metrics.states.contributions import Cells
from assay.metrics.states.listed_cells import ListedCells
from assay.metrics.states.marks import NO_MARK, SEVERAL, MarkTable, joined, marks_of
from assay.metrics.states.sparse import Sparse

SCORES = st.lists(st.sampled_from([0.3, np.nextafter(0.3, 1), 1e-9, 2e-9, -5.0, 1e6]), min_size=1, max_size=12)


def marks(scores, weights=None):
    scores = np.asarray(scores, float)
    return marks_of(scores, np.ones(len(scores)) if weights is None else np.asarray(weights, float))


def mark_of(*batches):
    """The mark of a cell with the scores of some batches."""
    table = MarkTable(1)
    for scores in batches:
        table.add(np.full(len(scores), 2), marks(scores), 3)
    return table.at(np.array([2]))[0]


@given(st.lists(SCORES, min_size=1, max_size=4))
def test_a_cell_has_a_mark_where_its_scores_are_equal_and_only_there(batches):
    every = {score for scores in batches for score in scores}
    if len(every) == 1:
        assert mark_of(*batches) == marks([*every])[0] > SEVERAL
    else:
        assert mark_of(*batches) == SEVERAL


def test_different_scores_hardly_ever_have_one_mark():
    rng = np.random.default_rng(3)
    scores = rng.random(200_000)
    assert (marks(scores) == marks(np.nextafter(scores, 1))).mean() < 1e-3
    assert (marks(scores) == marks(scores[::-1])).mean() < 1e-3
    rounded = scores.astype(np.float32)
    assert (marks(rounded) == marks(np.nextafter(rounded, np.float32(1)))).mean() < 1e-3


def test_zero_and_minus_zero_are_one_score():
    assert mark_of([0.0, -0.0]) == mark_of([0.0]) > SEVERAL


def test_a_row_without_weight_has_no_mark():
    assert marks([0.3, 0.4], [0.0, 1.0]).tolist() == [NO_MARK, marks([0.4])[0]]
    table = MarkTable(1)
    table.add(np.zeros(3, np.int64), marks([0.3, 0.4, 0.5], [0, 2, 0]), 1)
    assert table.at(np.array([0]))[0] == marks([0.4])[0]


@given(st.lists(SCORES, min_size=1, max_size=5))
def test_cells_that_are_put_together_keep_a_common_mark(parts):
    (mark,) = joined(np.array([mark_of(scores) for scores in parts]), np.array([0]))
    assert mark == mark_of(*parts)


@pytest.mark.parametrize(("slices", "kind"), [(3, DenseCells), (500, PagedCells), (3, ListedCells), (500, ListedCells)])
def test_all_kinds_of_tables_give_the_same_weights_and_marks(slices, kind, monkeypatch):
    monkeypatch.setattr(listed_cells, "_FEW", 1000)
    rng = np.random.default_rng(slices)
    cells, rows = 72_000, 30_000
    of_slice, cell = rng.integers(0, slices, rows), rng.choice(np.r_[30_000:30_500, 65_000:66_000], rows)
    score, weight = rng.choice([0.25, 0.2500001], rows, p=[0.9, 0.1]), rng.random(rows)
    parts, places = [], []
    for chosen in np.array_split(np.arange(rows), 3):
        table: Any = CellSums(cells, has_marks=True)
        table = table.listed() if kind is ListedCells else table
        for batch in np.array_split(chosen, 4):
            known = int(of_slice[chosen].max()) + 1
            table.add(of_slice[batch], known, Cells(cell[batch], weight[batch], None, marks(score[batch])))
        parts.append(pickle.loads(pickle.dumps(table.take(np.arange(slices)))))  # as between workers
        places.append(np.arange(slices))
    assert isinstance(table if kind is ListedCells else table._store, kind)
    total = Sparse.merged(parts, places, slices)

    weights: dict[tuple[int, int], float] = {}
    scores: dict[tuple[int, int], set[float]] = {}
    for s, c, w, x in zip(of_slice.tolist(), cell.tolist(), weight.tolist(), score.tolist(), strict=True):
        weights[s, c] = weights.get((s, c), 0.0) + w
        scores.setdefault((s, c // 2), set()).add(x)
    keys = sorted(weights)
    owner = np.repeat(np.arange(slices), np.diff(total.start))
    assert list(zip(owner.tolist(), total.cells.tolist(), strict=True)) == keys
    np.testing.assert_allclose(total.sums, [weights[key] for key in keys], rtol=1e-12)
    assert total.marks is not None
    pairs = [(s, c // 2) for s, c in keys]
    first = np.array([i for i, pair in enumerate(pairs) if pair not in pairs[max(i - 1, 0) : i]])
    assert (joined(total.marks, first) > SEVERAL).tolist() == [len(scores[pairs[i]]) == 1 for i in first]


@pytest.mark.parametrize("cuts", [1, 7])
def test_a_list_has_the_bits_of_a_table_whatever_the_batches(cuts, monkeypatch):
    """Weights of 0 among them, which leave no cell and no mark behind."""
    monkeypatch.setattr(listed_cells, "_FEW", 40)
    rng = np.random.default_rng(cuts)
    of_slice, cell = rng.integers(0, 9, 2000), rng.integers(0, 20, 2000)
    score = rng.choice([0.2, 0.3], 2000, p=[0.9, 0.1])
    weight = np.where(rng.random(2000) < 0.3, 0.0, rng.lognormal(0, 3, 2000))
    weight[of_slice == 5] = 0
    table, listed = CellSums(20, has_marks=True), CellSums(20, has_marks=True).listed()
    for batch in np.array_split(np.arange(2000), cuts):
        added = Cells(cell[batch], weight[batch], None, marks_of(score[batch], weight[batch]))
        for store in (table, listed):
            store.add(of_slice[batch], 9, added)
    own, other = table.take(np.arange(10)), listed.take(np.arange(10))
    for name in ("start", "cells", "sums", "marks"):
        assert np.array_equal(getattr(own, name), getattr(other, name)), name
    assert own.sizes[5] == own.sizes[9] == 0


def test_slices_are_read_together_by_their_scores_not_by_their_labels():
    start, cells = np.array([0, 3, 3, 5]), np.array([4, 5, 8, 9, 10], np.int32)
    with_marks = Sparse(start, cells, np.ones(5), np.full(5, 7, np.uint16))
    assert with_marks.entry_counts.tolist() == [2, 0, 2]  # 4 and 5 are both labels of one score
    assert with_marks._replace(marks=None).entry_counts.tolist() == [3, 0, 2]
