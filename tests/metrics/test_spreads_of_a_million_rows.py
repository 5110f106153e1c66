"""How often intervals of many rows hold, drawn as counts: all sums follow from how many rows are alike."""

import numpy as np
import pytest
from scipy import stats

from assay.metrics.computations.curve import Curve
from assay.metrics.spreads.areas import DeLong, placements
from assay.metrics.spreads.paired_rates import score_interval
from assay.metrics.spreads.rates import Rate
from assay.metrics.spreads.ratios import from_sums

DRAWS = 4000
ROWS = (20_000, 1_000_000)


def kinds(spread_of_weights):
    """Weights of equally many rows each, and the share of rows that has each: all 1, or of a lognormal distribution."""
    weights = stats.lognorm.ppf((np.arange(20) + 0.5) / 20, spread_of_weights) if spread_of_weights else np.ones(1)
    return weights, np.full(len(weights), 1 / len(weights))


def covered(truth, lower, upper):
    return ((lower <= truth) & (truth <= upper)).mean()


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("share", [0.5, 0.05, 0.001])
@pytest.mark.parametrize("spread_of_weights", [0.0, 0.5])
def test_the_interval_of_a_rate_covers_19_times_in_20(rows, share, spread_of_weights):
    rng = np.random.default_rng(21)
    weights, shares = kinds(spread_of_weights)
    rates = share * rng.uniform(0.8, 1.2, DRAWS)
    alike = np.concatenate([rates[:, None] * shares, (1 - rates)[:, None] * shares], 1)
    counted, others = np.split(rng.multinomial(rows, alike), 2, axis=1)
    sums = [of @ weights**power for power in (1, 2) for of in (counted, others)]
    lower, upper, _, _ = Rate(("tp",), ("fn",)).interval(*sums)
    assert 0.94 < covered(rates, lower, upper) < (0.965 if share * rows < 100 else 0.96)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("spread_of_weights", [0.0, 0.5])
def test_the_interval_of_a_skewed_mean_covers_19_times_in_20(rows, spread_of_weights):
    rng = np.random.default_rng(22)
    weights, shares = kinds(spread_of_weights)
    losses = stats.gamma.ppf((np.arange(100) + 0.5) / 100, 4.0, scale=0.25)
    counts = rng.multinomial(rows, np.outer(np.full(100, 0.01), shares).ravel(), DRAWS)
    w, value = np.tile(weights, 100), np.repeat(losses, len(weights))
    a = w * value
    sums = [(counts @ one).astype(float) for one in (a, w, w, a * a, a * w, w**2, w**2)]
    lower, upper, _, _ = from_sums(*sums)
    assert 0.94 < covered(losses.mean(), lower, upper) < 0.96


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("share", [0.5, 0.01])
@pytest.mark.parametrize("spread_of_weights", [0.0, 0.5])
def test_the_interval_of_a_paired_difference_of_rates_covers_19_times_in_20(rows, share, spread_of_weights):
    rng = np.random.default_rng(23)
    weights, shares = kinds(spread_of_weights)
    joint = share * np.array([0.85, 0.1, 0.05])  # both models count the row, the candidate alone, the baseline alone
    joint = np.append(joint, 1 - joint.sum())
    counts = rng.multinomial(rows, np.outer(joint, shares).ravel(), DRAWS).reshape(DRAWS, 4, len(weights))
    sums, squares = (counts @ weights**power for power in (1, 2))
    lower, upper, _, _ = score_interval(sums, squares, np.array([0.0, 1.0, -1.0, 0.0]))
    assert 0.94 < covered(joint[1] - joint[2], lower, upper) < (0.97 if share * rows < 1000 else 0.96)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("share", [0.5, 0.01])
@pytest.mark.parametrize("area", [0.6, 0.9])
def test_the_interval_of_an_area_covers_19_times_in_20(rows, share, area):
    """Of scores in 200 buckets, whose true area counts rows of one bucket half."""
    rng = np.random.default_rng(24)
    edges = np.linspace(-3, 3 + 2 * stats.norm.ppf(area), 199)
    of_negatives, of_positives = (
        np.diff(stats.norm.cdf(edges, shift), prepend=0, append=1) for shift in (0, stats.norm.ppf(area) * np.sqrt(2))
    )
    truth = of_positives @ (np.cumsum(of_negatives) - of_negatives / 2)
    positives = rng.binomial(rows, share, DRAWS)
    ends = np.zeros((DRAWS, 1))
    fn, tn = (
        np.concatenate([ends, np.cumsum(rng.multinomial(of, shares), 1)], 1)
        for of, shares in ((positives, of_positives), (rows - positives, of_negatives))
    )
    curve = Curve(tn, fn[:, -1:] - fn, tn[:, -1:] - tn, tn, fn)
    lower, upper, _, _ = DeLong().interval(*placements(curve))
    assert 0.94 < covered(truth, lower, upper) < 0.96
