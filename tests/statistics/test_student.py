"""Student's t, held against SciPy."""

import numpy as np
import pytest
import scipy.stats

from assay.statistics.student import quantile, upper_tail

FREEDOMS = (1, 2, 5, 19, 199, 100_000)


@pytest.mark.parametrize("df", FREEDOMS)
def test_upper_tails_are_those_of_scipy(df):
    t = np.linspace(-12, 12, 241)
    assert upper_tail(t, np.full(t.shape, df)) == pytest.approx(scipy.stats.t.sf(t, df), rel=1e-9)


@pytest.mark.parametrize("df", FREEDOMS)
def test_quantiles_are_those_of_scipy(df):
    shares = np.array([1e-6, 0.01, 0.05, 0.3, 0.5, 0.8, 0.95, 0.975, 1 - 1e-6])
    expected = scipy.stats.t.ppf(shares, df)
    assert quantile(shares, np.full(shares.shape, df)) == pytest.approx(expected, rel=1e-8, abs=1e-7)


def test_no_degrees_of_freedom_mean_the_normal_distribution():
    t = np.array([-3.0, 0.0, 1.96, 8.0])
    assert upper_tail(t, np.zeros(4)) == pytest.approx(scipy.stats.norm.sf(t), rel=1e-12)
    assert quantile(np.array([0.975]), np.zeros(1))[0] == pytest.approx(1.959963984540054, rel=1e-12)


def test_infinity_has_no_tail_and_what_is_undefined_stays_so():
    tails = upper_tail(np.array([np.inf, -np.inf, np.nan]), np.full(3, 19.0))
    assert tails[:2].tolist() == [0.0, 1.0]
    assert np.isnan(tails[2])
