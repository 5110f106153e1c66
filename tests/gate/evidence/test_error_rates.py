"""How often a gate is wrong, simulated: releases of equal models, and of worse ones, slices by slices.

A record's value is drawn from a normal distribution, its standard error with the 19 degrees of freedom that JACKKNIFE
and POISSON_BOOTSTRAP have.
"""

import numpy as np
import pytest
import scipy.stats

from assay.gate.evidence.asked import asked_of
from assay.gate.evidence.estimates import Estimates, p_of_bad, p_of_good
from assay.gate.evidence.rows_needed import detectable, rows_for_power
from assay.statistics.corrections import adjusted
from tests.gate.evidence.made_records import gate, lines, record

ALPHA, DF, POWER = 0.05, 19, 0.8


def drawn(true, error, bound, shape, seed):
    """Estimates of true values whose standard error is `error`, which is estimated as well."""
    generator = np.random.default_rng(seed)
    errors = error * np.sqrt(generator.chisquare(DF, shape) / DF)
    values = true + error * generator.standard_normal(shape)
    return Estimates(values, errors, np.full(shape, float(DF)), np.full(shape, bound), np.zeros(shape), np.zeros(shape))


def upper_limit(share, releases):
    """Above a share of wrong verdicts by four standard errors of the simulation."""
    return share + 4 * np.sqrt(share * (1 - share) / releases)


@pytest.mark.parametrize("slices", [114, 2202])
@pytest.mark.parametrize("correction", ["holm", "hommel"])
def test_equal_models_are_blocked_in_five_of_a_hundred_releases(slices, correction):
    releases = 1000 if correction == "holm" else 20 if slices > 1000 else 200
    estimates = drawn(0.0, 0.01, 0.0, (releases, slices), seed=slices)
    p = p_of_bad(estimates)
    blocked = sum(bool((adjusted(one, correction) <= ALPHA).any()) for one in p)
    assert blocked / releases <= upper_limit(ALPHA, releases)

    # The control: a gate of point values, with a tolerance of half a standard error.
    by_points = (estimates.value < -0.005).any(axis=1).mean()
    assert by_points > 0.99


@pytest.mark.parametrize("slices", [114, pytest.param(2202, marks=pytest.mark.slow)])
def test_a_regression_in_one_slice_is_found_with_the_power_that_is_named(slices):
    """Beside slices without one, at the rows with which `rows_for_power` says that four of five are found."""
    rows, regression = 1000.0, 0.02
    one = Estimates(*(np.array([number]) for number in (0.0, 0.03, float(DF), 0.0, 0.0, 0.0)))
    level = np.array([ALPHA / slices])
    needed = rows_for_power(one, np.array([rows]), np.array([regression]), level, POWER)[0]

    true = np.zeros((2000, slices))
    true[:, 0] = -regression
    p = p_of_bad(drawn(true, 0.03 * np.sqrt(rows / needed), 0.0, true.shape, seed=3))
    found = np.mean([adjusted(one, "holm")[0] <= ALPHA for one in p])
    assert 0.78 <= found <= 0.85


@pytest.mark.parametrize("df", [19, 200, 20_000])
@pytest.mark.parametrize("level", [0.05, 0.05 / 114, 0.05 / 2202, 0.05 / 2202 / 365])
def test_the_power_at_the_detectable_distance_is_at_least_what_is_named_by_the_noncentral_t(level, df):
    one = Estimates(*(np.array([number]) for number in (0.0, 0.01, float(df), 0.0, 0.0, 0.0)))
    distance = detectable(one, np.array([level]), POWER)[0]
    power = scipy.stats.nct.sf(scipy.stats.t.ppf(1 - level, df), df, distance / 0.01)
    assert POWER - 1e-4 <= power <= POWER + 0.002


@pytest.mark.parametrize("level", [0.05, 0.05 / 114, 0.05 / 2202])
def test_the_detectable_distance_is_found_in_four_of_five_runs(level):
    one = Estimates(*(np.array([number]) for number in (0.0, 0.01, float(DF), 0.0, 0.0, 0.0)))
    distance = detectable(one, np.array([level]), POWER)[0]
    found = (p_of_bad(drawn(-distance, 0.01, 0.0, (40_000,), seed=8)) <= level).mean()
    assert found == pytest.approx(POWER, abs=0.012)


def test_a_model_at_the_margin_is_released_in_five_of_a_hundred_runs():
    estimates = drawn(-0.01, 0.003, -0.01, (4000,), seed=5)
    assert (p_of_good(estimates) < ALPHA).mean() <= upper_limit(ALPHA, 4000)


def test_equal_models_pass_a_margin_with_the_power_that_is_named():
    one = Estimates(*(np.array([number]) for number in (0.0, 0.03, float(DF), -0.01, 0.0, 0.0)))
    needed = rows_for_power(one, np.array([500.0]), np.array([0.01]), np.array([ALPHA]), POWER)[0]
    estimates = drawn(0.0, 0.03 * np.sqrt(500 / needed), -0.01, (20_000,), seed=6)
    assert (p_of_good(estimates) < ALPHA).mean() == pytest.approx(POWER, abs=0.015)


def test_records_are_judged_by_these_numbers():
    estimates = drawn(0.0, 0.01, 0.0, (114,), seed=1)
    records = [
        record(0.9, error, change=value, slice_key=(("c", at),))
        for at, (value, error) in enumerate(zip(estimates.value, estimates.standard_error, strict=True))
    ]
    told = sorted(lines(records, {"metric": "binary_accuracy", "not_worse": {}}), key=lambda line: int(line.slice[2:]))
    assert [line.p for line in told] == pytest.approx(adjusted(p_of_bad(estimates), "holm").tolist())


@pytest.mark.parametrize("slices", [114, pytest.param(2202, marks=pytest.mark.slow)])
def test_a_year_of_daily_looks_blocks_at_most_five_of_a_hundred_equal_models(slices):
    """The data of each day is added to what was there, so looks depend on each other."""
    models, looks = 100, 365
    generator = np.random.default_rng(9)
    days = np.sqrt(np.arange(1, looks + 1))[:, None]
    values, errors, by_points = np.empty((models, looks)), np.empty((models, looks)), 0
    for model in range(models):
        mean = np.cumsum(generator.standard_normal((looks, slices)), axis=0) / days**2
        error = np.sqrt(generator.chisquare(DF, (looks, slices)) / DF) / days
        by_points += bool((mean < -0.5).any())
        worst = np.argmin(mean / error, axis=1)[:, None]
        values[model] = np.take_along_axis(mean, worst, 1)[:, 0]
        errors[model] = np.take_along_axis(error, worst, 1)[:, 0]
    shape = (models, looks)
    zeros = np.zeros(shape)
    p = slices * p_of_bad(Estimates(values, errors, np.full(shape, float(DF)), zeros, zeros, zeros))

    level = asked_of(gate({"metric": "m", "not_worse": {}}, looks=looks)).alpha
    assert (p <= level).any(axis=1).mean() <= ALPHA
    # The controls: every look as if it were the only one; and point values, with half a standard error of a day.
    assert (p <= ALPHA).any(axis=1).mean() > 0.9
    assert by_points / models > 0.99
