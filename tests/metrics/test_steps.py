"""Areas of samples, added up step by step: against the areas under the curve of each sample by itself."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from assay.metrics.arithmetic import add_up_rows, stable_order
from assay.metrics.computations import steps
from assay.metrics.computations.curve import closed, curve_of
from assay.metrics.computations.steps import PRECISION_RECALL, ROC, areas
from assay.metrics.families.curves import area_under_precision_recall, area_under_roc
from assay.metrics.states.combining import Counted
from assay.metrics.states.sparse import Sparse

PARTS, POINTS, SAMPLES = 12, 300, 7


def table(kind, slices=3):
    """Weights (slices, parts, points, 2) by point and label."""
    rng = np.random.default_rng(len(kind))
    weights = rng.lognormal(0, 1, (slices, PARTS, POINTS, 2))
    share = {"crowded": 0.5, "thin": 0.02, "thinnest": 0.002}.get(kind, 0.05)
    weights *= rng.random(weights.shape) < share
    if kind == "apart":
        weights[:, :, : POINTS // 2, 1] = weights[:, :, POINTS // 2 :, 0] = 0
    if kind == "no positives":
        weights[..., 1] = 0
    if kind == "no negatives":
        weights[..., 0] = 0
    if kind == "rare":
        weights[..., 1] *= rng.random(weights.shape[:-1]) < 0.02
    if kind == "nothing":
        weights[1] = 0
    return weights


KINDS = ["crowded", "thin", "thinnest", "apart", "no positives", "no negatives", "rare", "nothing"]


def entries_of(weights, times):
    by_cell = weights.reshape(-1, 2 * POINTS)
    owner, cells = np.nonzero(by_cell)
    start = np.searchsorted(owner, np.arange(len(by_cell) + 1))
    sums = Sparse(start, cells.astype(np.int32), by_cell[owner, cells]).resampled(Counted(times))
    return sums.read(np.arange(len(weights) * len(times)), 1)


def times_of(seed=0):
    return np.vstack([np.ones(PARTS), np.random.default_rng(seed).poisson(1, (SAMPLES - 1, PARTS))]).astype(np.uint8)


def curves_of(weights, times):
    sums = np.einsum("kp,spcl->lskc", times.astype(float), weights).reshape(2, -1, POINTS)
    sums = np.concatenate([sums, np.zeros_like(sums[..., :1])], axis=-1)
    return closed(curve_of(np.arange(POINTS + 1.0), sums))


@pytest.mark.parametrize("at_once", [512, 3, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_areas_are_those_under_the_curve_of_each_sample(kind, at_once, monkeypatch):
    monkeypatch.setattr(steps, "_STEPS_AT_ONCE", at_once)
    weights, times = table(kind), times_of()
    entries, curves = entries_of(weights, times), curves_of(weights, times)
    roc, precision_recall = areas(entries, entries.cells >> 1, [ROC, PRECISION_RECALL])
    np.testing.assert_allclose(roc, area_under_roc(curves), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(precision_recall, area_under_precision_recall(curves), rtol=1e-12, atol=1e-14)


def test_areas_stay_right_where_sums_are_too_large_to_show_a_weight():
    weights, times = table("thin") ** 20, times_of()
    entries, curves = entries_of(weights, times), curves_of(weights, times)
    (precision_recall,) = areas(entries, entries.cells >> 1, [PRECISION_RECALL])
    np.testing.assert_allclose(precision_recall, area_under_precision_recall(curves), atol=1e-8)


def test_points_may_hold_several_cells():
    weights, times = table("thin"), times_of()
    entries = entries_of(weights, times)
    coarse = weights.reshape(3, PARTS, POINTS // 3, 3, 2).sum(3)
    coarse = np.concatenate([coarse, np.zeros((3, PARTS, POINTS - POINTS // 3, 2))], axis=2)
    curves = curves_of(coarse, times)
    roc, precision_recall = areas(entries, (entries.cells >> 1) // 3, [ROC, PRECISION_RECALL])
    np.testing.assert_allclose(roc, area_under_roc(curves), rtol=1e-12)
    np.testing.assert_allclose(precision_recall, area_under_precision_recall(curves), rtol=1e-12)


def test_the_area_under_the_roc_curve_is_that_of_scikit_learn():
    weights, times = table("crowded", slices=1), times_of()
    entries = entries_of(weights, times)
    (roc,) = areas(entries, entries.cells >> 1, [ROC])
    point, label = np.divmod(np.arange(2 * POINTS), 2)
    for found, own in zip(roc, np.einsum("kp,pcl->kcl", times.astype(float), weights[0]), strict=True):
        assert found == pytest.approx(roc_auc_score(label, point, sample_weight=own.reshape(-1)), rel=1e-12)


def test_the_bits_of_a_slice_do_not_depend_on_the_others():
    weights, times = table("thin"), times_of()
    together = areas(*(lambda e: (e, e.cells >> 1))(entries_of(weights, times)), [ROC, PRECISION_RECALL])
    for i in range(3):
        alone = areas(*(lambda e: (e, e.cells >> 1))(entries_of(weights[i : i + 1], times)), [ROC, PRECISION_RECALL])
        assert np.array_equal(np.array(alone), np.array(together)[:, i * SAMPLES : (i + 1) * SAMPLES])


@pytest.mark.parametrize("count", [*range(12), 100, 257])
def test_rows_are_added_up(count):
    rng = np.random.default_rng(count)
    rows = rng.lognormal(0, 3, (count, 30)) * (rng.random((count, 30)) < 0.5)
    found = add_up_rows(rows.copy())
    np.testing.assert_allclose(found, np.cumsum(rows, axis=0), rtol=1e-14)
    change = np.diff(found, axis=0)
    assert (change >= 0).all()
    assert (change[rows[1:] == 0] == 0).all()


@pytest.mark.parametrize("most", [3, 1 << 20, (1 << 62) - 1])
def test_order_is_stable_whatever_the_numbers(most):
    numbers = np.random.default_rng(0).integers(0, most, 2000)
    assert np.array_equal(stable_order(numbers), np.argsort(numbers, kind="stable"))
    assert len(stable_order(numbers[:0])) == 0
