"""Marks tell whether all scores of a cell are equal, however rows are spread over batches and splits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.metrics.marks import common, joined, marked
from assay.metrics.sums import CellSums, add_sparse

SCORES = st.lists(st.sampled_from([0.3, np.nextafter(0.3, 1), 1e-9, 2e-9, -5.0, 1e6]), min_size=1, max_size=12)


def mark_of(scores, weights=None):
    weights = np.ones(len(scores)) if weights is None else np.asarray(weights)
    return common(np.array([marked(weights, np.asarray(scores, float)).sum()]))[0]


@given(SCORES, st.floats(1e-6, 1e6))
def test_a_cell_has_a_mark_where_its_scores_are_equal_and_only_there(scores, weight):
    mark = mark_of(scores, [weight] * len(scores))
    if len(set(scores)) == 1:
        assert mark == mark_of(scores[:1])
        assert mark > 0


def test_different_scores_of_one_cell_hardly_ever_pass_for_equal():
    rng = np.random.default_rng(3)
    scores, weights = rng.random((20_000, 3)), rng.random((20_000, 3))
    sums = np.array([marked(w, s).sum() for w, s in zip(weights, scores, strict=True)])
    assert (common(sums) > 0).mean() < 0.15  # a mean that is near a mark by chance must meet the other class's as well
    marks = common(marked(np.ones(20_000), scores[:, 0]))
    assert (marks == common(marked(np.ones(20_000), scores[:, 1]))).mean() < 0.01


def test_zero_and_minus_zero_are_one_score():
    assert mark_of([0.0, -0.0]) == mark_of([0.0]) > 0


@given(st.lists(SCORES, min_size=1, max_size=5))
def test_cells_that_are_put_together_keep_a_common_mark(parts):
    marks = np.array([mark_of(scores) for scores in parts])
    (mark,) = joined(marks, np.array([0]))
    every = {score for scores in parts for score in scores}
    assert mark == (marks[0] if len(set(marks)) == 1 else 0)
    if len(every) == 1:
        assert mark == mark_of([*every])


@pytest.mark.parametrize("slices", [3, 400])
def test_dense_and_paged_tables_give_the_same_weights_and_marks(slices):
    rng = np.random.default_rng(slices)
    cells, rows = 72_000, 30_000
    of_slice, cell = rng.integers(0, slices, rows), rng.integers(30_000, 31_000, rows)
    score, weight = rng.choice([0.25, 0.2500001], rows, p=[0.9, 0.1]), rng.random(rows)
    parts, places = [], []
    for chosen in np.array_split(np.arange(rows), 3):
        table = CellSums(cells, np.complex128)
        for batch in np.array_split(chosen, 4):
            table.add(
                of_slice[batch], int(of_slice[chosen].max()) + 1, cell[batch], marked(weight[batch], score[batch])
            )
        parts.append(table.take(np.arange(slices)))
        places.append(np.arange(slices))
    total = add_sparse(parts, places, slices)

    expected: dict[tuple[int, int], tuple[float, set[float]]] = {}
    for s, c, w, x in zip(of_slice.tolist(), cell.tolist(), weight.tolist(), score.tolist(), strict=True):
        known, scores = expected.get((s, c), (0.0, set()))
        expected[s, c] = known + w, scores | {x}
    owner = np.repeat(np.arange(slices), np.diff(total.start))
    assert list(zip(owner.tolist(), total.cells.tolist(), strict=True)) == sorted(expected)
    in_order = [expected[key] for key in sorted(expected)]
    np.testing.assert_allclose(total.sums, [weight for weight, _ in in_order], rtol=1e-12)
    single = np.array([len(each) == 1 for _, each in in_order])
    assert total.marks is not None
    assert (total.marks[single] > 0).all()
    assert (total.marks[~single] > 0).mean() < 0.2
