"""The interval of a difference of areas under the ROC curve: against DeLong's definition, and how often it holds."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from assay.extracts.columns import take
from assay.metrics.computations.drawn_pairs import ROWS
from assay.metrics.row_hashes import mixed
from assay.metrics.states.drawn_rows import DrawnRows, DrawnRowsStore, Ranked
from tests.evaluators.test_metrics_and_plots import placed

from .engine import EVERY_SLICE
from .hard_data import hard_batch
from .paired_areas import interval_of
from .test_paired_spreads import differences

SMALL = hard_batch(320)


def two_models(batch, scores, others):
    return {**batch, "predictions": {"new": scores, "old": others}}


def noisy(scores, spread=0.1, seed=1):
    return np.clip(scores + np.random.default_rng(seed).normal(0, spread, len(scores)), 0, 1)


def delong(labels, scores, others, weights=None):
    """The difference and its error by the definition, where a class has as many rows as its weights are worth."""
    weights = np.ones(len(labels)) if weights is None else weights
    gaps = {c: below(labels == c, labels != c, scores, weights) for c in (0, 1)}
    gaps = {c: gaps[c] - below(labels == c, labels != c, others, weights) for c in (0, 1)}
    variance = 0
    for c in (0, 1):
        w = weights[labels == c]
        spread = np.average((gaps[c] - np.average(gaps[c], weights=w)) ** 2, weights=w)
        variance += spread / (w.sum() ** 2 / (w**2).sum() - 1)
    return np.average(gaps[1], weights=weights[labels == 1]), np.sqrt(variance)


def below(own, other, scores, weights):
    """Of each row of a class, the share of the other class that is below it, ties half."""
    order = np.argsort(scores[other])
    total = np.append(0, np.cumsum(weights[other][order]))
    ends = [np.searchsorted(scores[other][order], scores[own], side) for side in ("left", "right")]
    return (total[ends[0]] + total[ends[1]]) / 2 / total[-1]


@pytest.mark.parametrize("more", ["", "config: '\"exact\": true'"])
@pytest.mark.parametrize("weighted", [False, True])
def test_where_all_rows_are_known_the_error_is_that_of_delong(weighted, more):
    scores, others = (np.round(of, 2) for of in (SMALL["predictions"], noisy(SMALL["predictions"])))  # with ties
    weights = np.exp(np.random.default_rng(2).normal(0, 0.5, 320))
    batch = {**two_models(SMALL, scores, others), "example_weights": weights}
    value, lower, upper, error = differences([placed(batch)], "AUC", weighted=weighted, more=more)[0][()]["auc"]
    expected = delong(SMALL["labels"], scores, others, weights if weighted else None)
    np.testing.assert_allclose((value, error), expected, rtol=1e-9)
    np.testing.assert_allclose((lower + upper) / 2, value, rtol=1e-9)
    assert 1.96 * error < (upper - lower) / 2 < 2.0 * error


@pytest.mark.parametrize("scale", [1e-2, 1e-6, 50.0])
def test_the_scale_of_scores_makes_no_difference(scale):
    scores, others = SMALL["predictions"], noisy(SMALL["predictions"])
    expected = delong(SMALL["labels"], scores, others)
    batch = two_models(SMALL, scale * scores, scale * others)
    found = differences([placed(batch)], "AUC")[0][()]["auc"]
    np.testing.assert_allclose((found[0], found[3]), expected, rtol=0.02)


def draws_of(rng, positives, negatives, correlation, *, few=False):
    """Labels and the normal scores of two models, of areas 0.85 and 0.8; with `few`, of all but 1 % rows alike."""
    shape = 100, positives + negatives
    shared, own = rng.normal(size=shape), rng.normal(size=shape)
    other = correlation * shared + np.sqrt(1 - correlation**2) * own
    other = np.where(rng.random(shape) < 0.01, own, other) if few else other
    labels = np.arange(shape[1]) < positives
    return labels, *(s + labels * stats.norm.ppf(a) * np.sqrt(2) for s, a in ((shared, 0.85), (other, 0.8)))


def covered(rng, *counts, scale=stats.norm.cdf, weights=None, draws=1000, **more):
    found = []
    for _ in range(draws // 100):
        labels, *models = draws_of(rng, *counts, **more)
        scores, others = map(scale, models)
        lower, upper, *_ = interval_of(labels, scores, others, weights and weights(rng, scores.shape))
        found.append((lower <= 0.05) & (upper >= 0.05))
    return np.mean(found)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9, 0.99])
def test_the_interval_covers_19_times_in_20(correlation):
    assert 0.935 < covered(np.random.default_rng(9), 50, 50, correlation, draws=2000) < 0.975


@pytest.mark.slow
@pytest.mark.parametrize(
    ("counts", "correlation"),
    [((50, 950), 0.0), ((50, 950), 0.9), ((500, 500), 0.5), ((500, 500), 0.99), ((2000, 18_000), 0.9)],
)
def test_the_interval_of_many_rows_covers_19_times_in_20(counts, correlation):
    assert 0.935 < covered(np.random.default_rng(9), *counts, correlation, draws=2000) < 0.965


@pytest.mark.parametrize(
    ("scale", "weights"),
    [
        (lambda s: 1e-2 * stats.norm.cdf(s), None),
        (lambda s: 1 / (1 + np.exp(9 - 2 * s)), None),
        (lambda s: np.round(stats.norm.cdf(s), 1), None),
        (stats.norm.cdf, lambda rng, shape: rng.lognormal(0, 0.5, shape)),
    ],
    ids=["times 0.01", "rare", "ten scores", "weighted"],
)
def test_the_interval_covers_whatever_the_scale_and_the_weights(scale, weights):
    assert 0.93 < covered(np.random.default_rng(10), 100, 400, 0.9, scale=scale, weights=weights) < 0.97


def test_a_few_rows_that_models_score_quite_otherwise_are_drawn():
    """They make most of the variance; of rows drawn evenly, three of 256 would be such."""
    rng = np.random.default_rng(11)
    labels, *models = draws_of(rng, 2000, 2000, 0.9999, few=True)
    scores, others = (stats.norm.cdf(model) for model in models)
    error = interval_of(labels, scores, others).standard_error
    exact = np.array([delong(labels.astype(float), *pair)[1] for pair in zip(scores[:10], others[:10], strict=True)])
    np.testing.assert_allclose(error[:10], exact, rtol=0.25)
    np.testing.assert_allclose((error[:10] ** 2).mean(), (exact**2).mean(), rtol=0.06)


def test_of_more_rows_than_are_drawn_the_variance_is_right_on_average():
    labels, *models = draws_of(np.random.default_rng(12), 1500, 1500, 0.9)
    scores, others = (stats.norm.cdf(model) for model in models)
    found = interval_of(labels, scores, others)
    exact = np.array([delong(labels.astype(float), *pair)[1] for pair in zip(scores[:30], others[:30], strict=True)])
    np.testing.assert_allclose((found.standard_error[:30] ** 2).mean(), (exact**2).mean(), rtol=0.04)
    np.testing.assert_allclose(found.standard_error[:30], exact, rtol=0.2)
    assert (found.degrees_of_freedom > ROWS / 2).all()
    assert (found.degrees_of_freedom < 3000).all()


def test_every_slice_has_the_difference_that_it_has_alone():
    batch = placed(two_models(SMALL, SMALL["predictions"], noisy(SMALL["predictions"])))
    found, _ = differences([batch], "AUC", weighted=True, slices=EVERY_SLICE)
    own = np.flatnonzero(np.array(SMALL["features"]["group"].to_pylist()) == "a")
    alone, _ = differences([take(batch, own)], "AUC", weighted=True)
    np.testing.assert_allclose(found[(("group", "a"),)]["auc"], alone[()]["auc"], rtol=1e-9)
    assert np.isnan(found[(("group", "only positives"),)]["auc"]).all()


def test_the_interval_has_the_same_bits_however_the_rows_are_cut_and_in_whatever_order():
    large = hard_batch(3000)
    batch = placed(two_models(large, large["predictions"], noisy(large["predictions"])))
    whole, _ = differences([batch], "AUC", slices=EVERY_SLICE)
    rows = np.arange(3000)
    pieces = [take(batch, rows[at : at + 170]) for at in range(0, 3000, 170)]
    for cut in (pieces, pieces[::-1]):
        found, _ = differences(cut, "AUC", slices=EVERY_SLICE)
        np.testing.assert_equal(found, whole)


def test_models_that_place_all_rows_alike_differ_by_exactly_nothing():
    same = two_models(SMALL, SMALL["predictions"], SMALL["predictions"] / 2)
    value, *interval = differences([placed(same)], "AUC")[0][()]["auc"]
    assert abs(value) < 1e-15
    assert interval == [0, 0, 0]


def test_areas_of_1_have_a_difference_without_interval():
    labels = SMALL["labels"]
    apart = two_models(SMALL, 0.3 + 0.4 * labels, 0.2 + 0.5 * labels)
    assert np.isnan(differences([placed(apart)], "AUC")[0][()]["auc"][1:]).all()


def test_settings_that_are_not_those_of_the_baseline_are_named():
    batch = placed(two_models(SMALL, SMALL["predictions"], noisy(SMALL["predictions"])))
    config = {"new": "config: '\"exact\": true'", "old": ""}
    found, reasons = differences([batch], "AUC", more=config)
    assert found[()]["auc"] is None
    assert reasons["auc"].startswith("the metric has other settings for the baseline than for the model")


def test_classes_have_differences_of_their_own():
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 3, 300)
    scores = rng.dirichlet(np.ones(3), 300) + 0.5 * (labels[:, None] == np.arange(3))
    others = np.round(scores + rng.normal(0, 0.2, scores.shape), 2)
    scores = np.round(scores, 2)
    batch = two_models({**hard_batch(300), "labels": labels.astype(float)}, scores / 4, others / 4)
    found, _ = differences([placed(batch)], "AUC", parts="binarize { class_ids { values: 1 } }")
    expected = delong((labels == 1).astype(float), scores[:, 1], others[:, 1])
    value, _, _, error = found[()]["auc"]
    np.testing.assert_allclose((value, error), expected, rtol=1e-2)
    truth = roc_auc_score(labels == 1, scores[:, 1]) - roc_auc_score(labels == 1, others[:, 1])
    np.testing.assert_allclose(value, truth, atol=1e-3)


def test_the_lowest_ranks_stay_in_whatever_order_they_come():
    rng = np.random.default_rng(5)
    slices, classes = rng.integers(0, 7, 5000), rng.integers(0, 2, 5000)
    ranks, values = rng.random(5000), rng.random((5000, 1))
    held = []
    for order in (np.arange(5000), rng.permutation(5000)):
        stores = [DrawnRowsStore(1, 20) for _ in range(3)]
        for at in np.array_split(order, 60):
            stores[at[0] % 3].add(slices[at], 7, Ranked(classes[at], ranks[at], values[at], None))
        states = [store.take(np.arange(7)) for store in stores]
        held.append(DrawnRows.merged(states, [np.arange(7)] * 3, 7).read(np.arange(7), 1))
    for number in range(14):
        own = np.flatnonzero(2 * slices + classes == number)
        lowest = own[np.argsort(ranks[own])][:20]
        for state in held:
            first, end = state.start[number : number + 2]
            np.testing.assert_equal(state.ranks[first:end], ranks[lowest])
            np.testing.assert_equal(state.values[first:end], values[lowest])


def test_sums_over_drawn_rows_are_right_on_average():
    """Each row counts as often as 1 / the probability that it was drawn; sizes of some are a thousand times others'."""
    rng = np.random.default_rng(6)
    sizes, values = rng.lognormal(0, 2, 2000), rng.random(2000)
    totals = []
    for seed in range(400):
        numbers = (mixed(np.arange(2000, dtype=np.uint64) + np.uint64(seed * 7919)) + 0.5) / 2.0**64
        store = DrawnRowsStore(1, 101)
        store.add(None, 1, Ranked(np.zeros(2000, np.int64), numbers / sizes, values[:, None], None))
        state = store.take(np.zeros(1, np.int64)).read(np.zeros(1, np.int64), 1)
        kept = np.isin(values, state.values[:100, 0])
        likely = np.minimum(1, sizes[kept] * state.ranks[100])
        totals.append((values[kept] / likely).sum())
    np.testing.assert_allclose(np.mean(totals), values.sum(), rtol=4 * np.std(totals) / 20 / values.sum())
