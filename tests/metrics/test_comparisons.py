"""Intervals of differences and ratios of estimates from different rows."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from assay.metrics.spreads.comparisons import Estimate, estimate, interval_of_difference, interval_of_ratio
from assay.metrics.spreads.rates import wilson
from assay.metrics.values import Interval


def rate(counted, rows):
    share = np.asarray(counted, float) / rows
    return Estimate(share, *wilson(share, np.asarray(rows, float)))


def mean(values):
    """Of rows (draws, n)."""
    middle, error = values.mean(1), values.std(1, ddof=1) / np.sqrt(values.shape[1])
    distance = stats.t.ppf(0.975, values.shape[1] - 1) * error
    interval = Interval(middle - distance, middle + distance, error, values.shape[1] - 1)
    return estimate(middle, interval)


@pytest.mark.parametrize("counts", [(56, 70, 48, 80), (9, 10, 3, 10), (10, 10, 0, 20)])
def test_the_difference_of_rates_has_the_interval_of_newcombe(counts):
    """Examples of Newcombe (1998), "Interval estimation for the difference between independent proportions"."""
    found = interval_of_difference(rate(*counts[:2]), rate(*counts[2:]))
    expected = confint_proportions_2indep(*counts, compare="diff", method="newcomb")
    np.testing.assert_allclose((found.lower, found.upper), expected, rtol=1e-12)


def test_newcombes_published_interval_of_a_difference():
    found = interval_of_difference(rate(56, 70), rate(48, 80))
    np.testing.assert_allclose((found.lower, found.upper), (0.0524, 0.3339), atol=5e-5)


def test_at_the_ends_of_the_interval_of_a_ratio_the_difference_ends_at_0():
    one, other = rate(30, 200), rate(50, 180)
    found = interval_of_ratio(one, other)
    for ratio, end in ((found.lower, "lower"), (found.upper, "upper")):
        times = Estimate(*(ratio * of for of in other))
        np.testing.assert_allclose(getattr(interval_of_difference(one, times), end), 0, atol=1e-12)
    assert found.lower < one.value / other.value < found.upper


def test_a_ratio_has_no_interval_where_the_divisor_may_be_0_or_a_value_negative():
    for one, other in ((rate(3, 10), rate(0, 10)), (Estimate(*np.array([1.0, -1, 2])), rate(3, 10))):
        assert np.isnan(interval_of_ratio(one, other)[:3]).all()
    none = interval_of_ratio(rate(0, 10), rate(5, 10))
    assert none.lower == 0
    assert 0 < none.upper < 1


@pytest.mark.parametrize("rows", [(50, 50), (50, 950), (1000, 1000)])
@pytest.mark.parametrize("shares", [(0.5, 0.4), (0.9, 0.95), (0.2, 0.1)])
def test_the_intervals_of_comparisons_of_rates_cover_19_times_in_20(rows, shares):
    rng = np.random.default_rng(15)
    truth = shares[0] + rng.uniform(-0.02, 0.02, 8000)  # of one share alone, the coverage jumps with the rows
    one = rate(rng.binomial(rows[0], truth), np.full(8000, rows[0]))
    other = rate(rng.binomial(rows[1], shares[1], 8000), np.full(8000, rows[1]))
    for found, true in (
        (interval_of_difference(one, other), truth - shares[1]),
        (interval_of_ratio(one, other), truth / shares[1]),
    ):
        assert 0.935 < ((found.lower <= true) & (true <= found.upper)).mean() < 0.975


@pytest.mark.parametrize("rows", [(50, 50), (50, 500)])
def test_the_intervals_of_comparisons_of_means_cover_19_times_in_20(rows):
    rng = np.random.default_rng(16)
    one, other = (mean(rng.gamma(4.0, of / 4, (4000, count))) for of, count in zip((1.0, 1.5), rows, strict=True))
    for found, true in ((interval_of_difference(one, other), -0.5), (interval_of_ratio(one, other), 1 / 1.5)):
        assert 0.935 < ((found.lower <= true) & (true <= found.upper)).mean() < 0.965
