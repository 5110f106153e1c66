"""Confidence intervals by formula of balanced accuracy and informedness, and of their differences."""

import numpy as np
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from assay.metrics.computations.curve import Curve
from assay.metrics.computations.joint_counts import JointCounts
from assay.metrics.spreads.sums_of_rates import PairedRecallAndSpecificity, RecallAndSpecificity
from tests.evaluators.test_metrics_and_plots import placed

from .test_paired_spreads import BOTH, OTHER, differences
from .test_spreads import BATCH, asked, of_batch


def test_informedness_has_newcombes_interval_of_statsmodels(monkeypatch):
    """It is recall minus fall-out, a difference of rates of different rows."""
    found = of_batch(BATCH, asked("Informedness", "BalancedAccuracy"), monkeypatch)
    labels, positive = BATCH["labels"] > 0, BATCH["predictions"] > 0.5
    counts = (labels & positive).sum(), labels.sum(), (~labels & positive).sum(), (~labels).sum()
    expected = confint_proportions_2indep(*counts, compare="diff", method="newcomb")
    np.testing.assert_allclose(found["Informedness"][:2], expected, rtol=1e-12)
    np.testing.assert_allclose(found["BalancedAccuracy"][:2], (np.array(expected) + 1) / 2, rtol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_difference_of_balanced_accuracies_has_about_the_error_of_the_delta_method(weighted):
    batch = {**BOTH, "example_weights": np.random.default_rng(3).lognormal(0, 0.5, 1500)}
    fields, reasons = differences([placed(batch)], "BalancedAccuracy", "Informedness", weighted=weighted)
    labels, new, old = BATCH["labels"] > 0, BATCH["predictions"] > 0.5, OTHER > 0.5
    weights = batch["example_weights"] if weighted else np.ones(1500)
    value = variance = 0
    for own in (labels, ~labels):
        gaps = np.where(labels, 1, -1)[own] * (new.astype(int) - old)[own]
        mean = np.average(gaps, weights=weights[own])
        value += mean / 2
        variance += (weights[own] ** 2 * (gaps - mean) ** 2).sum() / weights[own].sum() ** 2 / 4
    found = fields[()]["balanced_accuracy"]
    np.testing.assert_allclose(found[0], value, atol=1e-12)
    np.testing.assert_allclose(found[3], np.sqrt(variance), rtol=0.1 if weighted else 0.05)
    np.testing.assert_allclose(fields[()]["informedness"], 2 * np.array(found), atol=1e-12)
    assert reasons == {}


def test_of_one_class_there_is_no_interval(monkeypatch):
    ones = {**BATCH, "labels": np.ones(1500)}
    assert np.isnan(of_batch(ones, asked("BalancedAccuracy"), monkeypatch)["BalancedAccuracy"][:3]).all()


def test_where_all_rows_are_right_the_interval_ends_at_1_and_not_there_alone(monkeypatch):
    right = {**BATCH, "predictions": BATCH["labels"]}
    lower, upper, *_ = of_batch(right, asked("BalancedAccuracy"), monkeypatch)["BalancedAccuracy"]
    assert 0.98 < lower < 0.999
    assert upper == 1


@pytest.mark.parametrize(("positives", "negatives"), [(25, 25), (20, 480), (500, 500)])
@pytest.mark.parametrize(("recall", "specificity"), [(0.7, 0.8), (0.95, 0.6), (0.97, 0.95)])
def test_the_interval_of_balanced_accuracy_covers_19_times_in_20(positives, negatives, recall, specificity):
    rng = np.random.default_rng(13)
    recalls = recall + rng.uniform(-0.02, 0.02, 8000)  # of one recall alone, the coverage jumps with the rows
    tp, tn = rng.binomial(positives, recalls).astype(float), rng.binomial(negatives, specificity, 8000).astype(float)
    counts = Curve(tn, tp, negatives - tn, tn, positives - tp)
    formula = RecallAndSpecificity(times=0.5)
    lower, upper, _, _ = formula.interval(*formula.parts(counts))
    truth = (recalls + specificity) / 2
    few_wrong = positives == 25 and recall == 0.97  # one row or none of either class
    assert (0.925 if few_wrong else 0.935) < ((lower <= truth) & (truth <= upper)).mean() < 0.975


@pytest.mark.parametrize(("positives", "negatives"), [(50, 50), (50, 950), (1000, 1000)])
def test_the_interval_of_a_difference_of_balanced_accuracies_covers_19_times_in_20(positives, negatives):
    rng = np.random.default_rng(14)
    joint = np.array([0.65, 0.15, 0.1, 0.1])  # both right, the model alone, the baseline alone, neither
    of_positives = rng.multinomial(positives, joint, 4000).reshape(-1, 2, 2)[:, ::-1, ::-1]
    of_negatives = rng.multinomial(negatives, joint, 4000).reshape(-1, 2, 2)
    weights = np.stack([of_negatives, of_positives], 1).reshape(-1, 8).astype(float)
    formula = PairedRecallAndSpecificity(JointCounts((0.5,), weighted=False), 0.5)
    lower, upper, _, _ = formula.interval(weights, weights)
    assert 0.935 < ((lower <= 0.05) & (upper >= 0.05)).mean() < 0.97
