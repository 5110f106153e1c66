"""Bootstrap replicates made of groups of rows: against a recomputation of each, against SciPy, and in simulations."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from assay.errors import BadRowError, MissingColumnError
from assay.evaluators.metrics_and_plots import MetricsAndPlotsEvaluator
from assay.extracts.columns import take
from assay.metrics.states.bootstrap_bounds import bias_corrected, percentiles
from assay.metrics.states.resampling import GROUPS, LEFT_OUT, Bounds, Method, Resampling, _replicates, resampling_of
from assay.proto.config_pb2 import ConfidenceIntervalOptions
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.results.keys import slice_key_from_proto
from tests.beam_runs import run
from tests.evaluators.test_metrics_and_plots import pieces, placed

from .engine import EVERY_SLICE, config_of, whole
from .hard_data import hard_batch
from .test_resampling import METRICS, numbers

ROWS = 1500
BATCH = hard_batch(ROWS)
FEW = 20
USERS = np.random.default_rng(3).integers(0, 200, ROWS)
WITH_USERS = {**BATCH, "features": {**BATCH["features"], "user": pa.array(USERS)}}


def config(replicates=FEW, bounds="STUDENT_T", column="", metrics=METRICS, slices=EVERY_SLICE):
    asked: Any = config_of(metrics, slices)
    asked.options.compute_confidence_intervals.value = True
    options = asked.options.confidence_intervals
    options.method = ConfidenceIntervalOptions.POISSON_BOOTSTRAP
    if replicates:
        options.replicates = replicates
        options.interval = ConfidenceIntervalOptions.Interval.Value(bounds)
    if column:
        options.resample_by = column
    return asked


def resampling(**settings):
    found = resampling_of(config(**settings))
    assert found is not None
    return found


def records(batches, asked, **settings):
    output = run(batches, MetricsAndPlotsEvaluator(asked, **settings).ptransform)
    return list(map(MetricsForSlice.FromString, output["metrics"]))


def intervals(batches, asked):
    """Slice key -> metric name -> (value, lower, upper, standard error), arrays where the metric is one."""
    return {
        slice_key_from_proto(record.slice_key): {
            item.key.name: [numbers(item.value)]
            + [numbers(getattr(item.confidence_interval, f)) for f in ("lower_bound", "upper_bound", "standard_error")]
            for item in record.metric_keys_and_values
            if item.HasField("confidence_interval")
        }
        for record in records(batches, asked)
    }


def times_of(found):
    """(1 + samples, groups): how often each group counts."""
    return np.concatenate([combining.times for combining in found.combinings])


def groups_of(found, batch):
    (draw,) = found.draws(placed(batch), ROWS)
    return np.asarray(draw.resample)


@pytest.fixture
def few_at_once(monkeypatch):
    """So that few replicates are made in several lots."""
    monkeypatch.setattr("assay.metrics.states.resampling._AT_ONCE", 8)
    _replicates.cache_clear()
    yield
    _replicates.cache_clear()


@pytest.mark.parametrize("column", ["", "user"])
def test_intervals_of_every_slice_are_those_of_replicates_computed_one_by_one(column, few_at_once):
    asked, plain = config(column=column), config_of(METRICS, EVERY_SLICE)
    found = resampling(column=column)
    times = times_of(found)[1:, groups_of(found, WITH_USERS)]
    assert len(times) == FEW
    samples = [whole(take(BATCH, np.repeat(np.arange(ROWS), own)), plain) for own in times]
    compared = 0
    for key, metrics in intervals([placed(WITH_USERS)], asked).items():
        values = {metric.key.name: metric for metric in whole(BATCH, plain)[key]}
        for name, (_, low, high, error) in metrics.items():
            drawn = np.array([s[key][values[name]] if key in s else np.nan * np.asarray(low) for s in samples])
            half = stats.t.ppf(0.975, 18) * drawn.std(axis=0, ddof=1)  # 1 / (1 / 19 + 1 / 999) is 18.6
            expected = [drawn.mean(0) - half, drawn.mean(0) + half, drawn.std(axis=0, ddof=1)]
            np.testing.assert_allclose([low, high, error], expected, rtol=1e-7, atol=1e-9, err_msg=f"{name} {key}")
            compared += np.isfinite(low).all()
    assert compared > 40


@pytest.mark.parametrize("column", ["", "user"])
@pytest.mark.parametrize("bounds", ["STUDENT_T", "PERCENTILE", "BCA"])
def test_the_bits_do_not_depend_on_the_batches(bounds, column):
    asked = config(200, bounds, column, 'metrics { class_name: "AUC" } metrics { class_name: "MeanLabel" }', "")
    cut = [placed(piece, split=0, first=i * 300) for i, piece in enumerate(pieces(WITH_USERS))]
    once, again = (sorted(r.SerializeToString() for r in records(b, asked)) for b in ([placed(WITH_USERS)], cut))
    assert once == again


def test_degrees_of_freedom_tell_that_replicates_and_groups_are_few():
    (record,) = records([placed(BATCH)], config(200, "PERCENTILE", metrics='metrics { class_name: "AUC" }', slices=""))
    (item,) = record.metric_keys_and_values
    assert item.confidence_interval.degrees_of_freedom.value == int(1 / (1 / 199 + 1 / 999)) == 165


def test_rows_with_the_same_value_are_drawn_together_and_others_are_not():
    groups = groups_of(resampling(column="user"), WITH_USERS)
    assert all(len(set(groups[user == USERS])) == 1 for user in set(USERS))
    assert 150 < len(set(groups)) <= len(set(USERS))
    assert len(set(groups_of(resampling(), BATCH))) > 700


@pytest.mark.parametrize("method", [Method.JACKKNIFE, Method.POISSON_BOOTSTRAP])
def test_the_twenty_samples_take_rows_together_as_well(method):
    draws = Resampling(method, column="user").draws(placed(WITH_USERS), ROWS)
    for draw in draws:
        counts = draw.resample if isinstance(draw.resample, np.ndarray) else draw.times
        if counts is not None:
            assert all(len(set(counts[user == USERS])) == 1 for user in set(USERS))


def test_the_same_user_as_number_or_text_of_a_dictionary_has_one_group():
    texts = [f"u{user}" for user in USERS]
    columns = [pa.array(texts), pa.array(texts).dictionary_encode(), pa.array(texts, pa.large_string())]
    found = [
        groups_of(resampling(column="user"), {**BATCH, "features": {**BATCH["features"], "user": column}})
        for column in columns
    ]
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


# ---- what is refused ----


def test_a_row_without_a_value_is_a_bad_row():
    users = pa.array([None if i in (7, 9) else int(user) for i, user in enumerate(USERS)])
    batch = placed({**BATCH, "features": {**BATCH["features"], "user": users}})
    asked = config(column="user", metrics='metrics { class_name: "ExampleCount" }', slices="")
    with pytest.raises(BadRowError, match=r"row 7: missing value of resample_by: no value of column 'user'"):
        records([batch], asked)
    (record,) = records([batch], asked, skip_bad_rows=True)
    assert record.rows == ROWS - 2


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(MissingColumnError, match=r"no column 'user' \(resample_by\) in the data"):
        records([placed(BATCH)], config(column="user"))


# ---- bounds, against SciPy's on its own replicates ----

SKEWED = np.random.default_rng(5).exponential(size=80)


def of_scipy(method):
    return stats.bootstrap((SKEWED,), np.mean, n_resamples=999, method=method, rng=np.random.default_rng(1))


def test_percentiles_are_those_of_scipy():
    found = of_scipy("percentile")
    low, high = percentiles(found.bootstrap_distribution[None, :])
    np.testing.assert_allclose([low[0], high[0]], found.confidence_interval, rtol=1e-12)


def test_bias_corrected_bounds_are_those_of_scipy():
    found = of_scipy("BCa")
    left_out = (SKEWED.sum() - SKEWED) / (len(SKEWED) - 1)
    low, high = bias_corrected(np.array([[SKEWED.mean()]]), found.bootstrap_distribution[None, :], left_out[None, :])
    np.testing.assert_allclose([low[0], high[0]], found.confidence_interval, rtol=1e-9)


def test_bounds_of_several_values_are_those_of_each():
    rng = np.random.default_rng(2)
    value, drawn, left_out = rng.normal(size=(3, 1, 2)), rng.normal(size=(3, 200, 2)), rng.normal(size=(3, 50, 2))
    together = np.array(bias_corrected(value, drawn, left_out))
    for i in range(3):
        for j in range(2):
            one = bias_corrected(value[i : i + 1, :, j], drawn[i : i + 1, :, j], left_out[i : i + 1, :, j])
            np.testing.assert_allclose(together[:, i, j], np.array(one)[:, 0], rtol=1e-12)


def test_replicates_without_spread_have_a_bound_where_they_are():
    same = np.full((1, 200), 0.4)
    assert [end.tolist() for end in bias_corrected(same[:, :1], same, same[:, :50])] == [[0.4], [0.4]]


@pytest.mark.parametrize(
    ("drawn", "left_out"),
    [
        (np.linspace(1, 2, 200), np.linspace(-1, 1, 50)),  # all replicates on one side of the value, which is 0
        (np.append(np.linspace(-1, 1, 199), np.nan), np.linspace(-1, 1, 50)),
        (np.linspace(-1, 1, 200), np.append(np.linspace(-1, 1, 49), np.nan)),
    ],
)
def test_bounds_that_are_not_defined_are_not_made_up(drawn, left_out):
    low, high = bias_corrected(np.zeros((1, 1)), drawn[None], left_out[None])
    assert np.isnan(low).all()
    assert np.isnan(high).all()


# ---- replicates of groups, against SciPy's of rows ----


def replicates_of_a_mean(values, found, batch):
    """(1, 1 + samples): the mean of values (n,) in all rows and in each sample."""
    (draw,) = found.draws(batch, len(values))
    sums = np.zeros((GROUPS, 2))
    np.add.at(sums, draw.resample, np.stack([values, np.ones(len(values))], axis=1))
    total, count = np.concatenate([combining.sums(sums) for combining in found.combinings]).T
    with np.errstate(invalid="ignore"):
        return (total / count)[None]


def located(rows, trial=0):
    """Rows of a file, each draw of a simulation further down."""
    file = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array(["f"]))
    return {"_source": {"row": np.arange(rows) + trial * rows, "file": file, "split": np.zeros(rows, np.int64)}}


@pytest.mark.parametrize("rows", [60, 5000])
@pytest.mark.parametrize(("bounds", "method"), [("PERCENTILE", "percentile"), ("BCA", "BCa")])
def test_intervals_are_those_of_scipy_up_to_chance(rows, bounds, method):
    """A bound at 2.5 % of 4,000 replicates has an error of 0.042 standard errors; groups add 0.044, in each bound."""
    values = np.random.default_rng(rows).exponential(size=rows)
    found = Resampling(Method.POISSON_BOOTSTRAP, 0, 4000, Bounds(bounds))
    ours = found.interval(replicates_of_a_mean(values, found, located(rows)))
    theirs = stats.bootstrap((values,), np.mean, n_resamples=4000, method=method, rng=np.random.default_rng(9))
    error = theirs.standard_error
    assert ours.standard_error[0] == pytest.approx(error, rel=0.1)
    np.testing.assert_allclose([ours.lower[0], ours.upper[0]], theirs.confidence_interval, atol=4 * 0.074 * error)


def test_poisson_counts_are_poisson_and_replicates_have_nothing_to_do_with_each_other():
    times = times_of(Resampling(Method.POISSON_BOOTSTRAP, 3, 500))[1:]
    share = np.bincount(times.ravel(), minlength=7)[:7] / times.size
    np.testing.assert_allclose(share, stats.poisson.pmf(np.arange(7), 1), atol=4 * 0.5 / np.sqrt(times.size))
    between = np.corrcoef(times[:100].astype(float)) - np.eye(100)
    assert np.abs(between).max() < 5.5 / np.sqrt(GROUPS)
    other = times_of(Resampling(Method.POISSON_BOOTSTRAP, 4, 500))[1:]
    assert abs(np.corrcoef(times.ravel(), other.ravel())[0, 1]) < 4 / np.sqrt(times.size)


def test_each_part_that_is_left_out_for_bca_is_a_fiftieth_of_the_groups():
    times = times_of(Resampling(Method.POISSON_BOOTSTRAP, 0, 200, Bounds.BCA))
    assert times.shape == (1 + 200 + LEFT_OUT, GROUPS)
    assert (times[0] == 1).all()
    assert (times[201:].sum(0) == LEFT_OUT - 1).all()
    assert (times[201:].sum(1) == GROUPS * 49 // 50).all()


# ---- how often intervals hold ----


def coverage(draws, of_trial, truth, **settings):
    """The share of draws whose interval has the true mean."""
    covered = 0
    for trial in range(draws):
        values, batch = of_trial(trial)
        found = Resampling(Method.POISSON_BOOTSTRAP, trial % 4, **settings)  # to make draws takes long
        interval = found.interval(replicates_of_a_mean(values, found, batch))
        covered += int(interval.lower[0] <= truth <= interval.upper[0])
    return covered / draws


def clustered(trial):
    """600 users of 1 to 9 rows; their rates spread as a beta distribution with mean 0.3, so that rows of one agree."""
    rng = np.random.default_rng([7, trial])
    user = np.repeat(np.arange(600), rng.integers(1, 10, 600))
    rate = rng.beta(0.6, 1.4, 600)
    label = (rng.random(len(user)) < rate[user]).astype(float)
    return label, {**located(len(user), trial), "features": {"user": pa.array(user)}}


def skewed(trial):
    """300 rows of a skewed loss, gamma of shape 4, whose mean is 4."""
    return np.random.default_rng([8, trial]).gamma(4, size=300), located(300, trial)


DRAWS = 2000


def within(share, low=0.94, high=0.96):
    """Whether a share can be that of a coverage between the two, by a standard error of the simulation."""
    slack = np.sqrt(0.05 * 0.95 / DRAWS)
    return low - slack <= share <= high + slack


@pytest.mark.slow
def test_intervals_of_clustered_rows_hold_only_if_clusters_are_drawn():
    together = coverage(DRAWS, clustered, 0.3, replicates=400, bounds=Bounds.PERCENTILE, column="user")
    row_by_row = coverage(DRAWS, clustered, 0.3, replicates=400, bounds=Bounds.PERCENTILE)
    assert within(together), together
    assert row_by_row < 0.85, row_by_row


@pytest.mark.slow
@pytest.mark.parametrize("bounds", list(Bounds))
def test_intervals_of_a_skewed_mean_hold(bounds):
    share = coverage(DRAWS, skewed, 4, replicates=400, bounds=bounds)
    assert within(share), share
