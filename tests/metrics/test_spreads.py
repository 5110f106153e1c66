"""Confidence intervals by formula: against statsmodels, scipy, DeLong's own definition and sums over rows."""

import copy
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import logit
from sklearn.metrics import roc_auc_score
from statsmodels.stats.proportion import proportion_confint

from assay.config.own_fields import without_own_fields
from assay.evaluators.metrics_and_plots import MetricsAndPlotsEvaluator
from assay.metrics.analysis import Analysis
from assay.metrics.binding.bound import metrics_of
from assay.metrics.computations.curve import Curve
from assay.metrics.entries.tallies import Length, Tally
from assay.metrics.evaluate import evaluate
from assay.metrics.keys import MetricKey
from assay.metrics.no_intervals import no_intervals
from assay.metrics.spreads.areas import DeLong, area_and_error, placements
from assay.metrics.spreads.quantiles import student
from assay.metrics.spreads.rates import Rate
from assay.metrics.spreads.ratios import from_sums
from assay.metrics.spreads.worth import rows_worth
from assay.metrics.states.resampling import is_analytic
from assay.metrics.states.slice_limit import SliceLimit
from assay.plan.plan import MOST_SLICES
from assay.proto.config_pb2 import ConfidenceIntervalOptions
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.results.keys import metric_key_from_proto
from assay.slicing.specs import slicings_of
from assay.types import PREDICTIONS_KEY
from tests.beam_runs import run
from tests.evaluators.test_metrics_and_plots import placed

from . import engine, test_laws
from .engine import EVERY_SLICE, config_of, cut
from .hard_data import hard_batch, hard_classes

BATCH = hard_batch(1500)
RATES = {
    "BinaryAccuracy": lambda y, p: (y == p, np.ones(len(y), bool)),
    "Precision": lambda y, p: (y & p, p),
    "Recall": lambda y, p: (y & p, y),
    "Specificity": lambda y, p: (~y & ~p, ~y),
    "FallOut": lambda y, p: (~y & p, ~y),
    "MissRate": lambda y, p: (y & ~p, y),
    "NegativePredictiveValue": lambda y, p: (~y & ~p, ~p),
    "FalseDiscoveryRate": lambda y, p: (~y & p, p),
    "FalseOmissionRate": lambda y, p: (y & ~p, ~p),
    "Prevalence": lambda y, p: (y, np.ones(len(y), bool)),
    "ThreatScore": lambda y, p: (y & p, y | p),
    "PredictedPositiveRate": lambda y, p: (p, np.ones(len(y), bool)),
    "PredictedNegativeRate": lambda y, p: (~p, np.ones(len(y), bool)),
}
"""What counts, and in which rows; of labels and predictions."""
MEANS = {
    "MeanLabel": lambda y, s: y,
    "MeanPrediction": lambda y, s: s,
    "MeanSquaredError": lambda y, s: (y - s) ** 2,
    "MeanAbsoluteError": lambda y, s: np.abs(y - s),
    "MeanSquaredLogarithmicError": lambda y, s: (np.log1p(y) - np.log1p(s)) ** 2,
}


def asked(*names, weighted=False, more="", slices="slicing_specs {}"):
    metrics = " ".join(f'metrics {{ class_name: "{name}" {more} }}' for name in names)
    return with_formulas(config_of(metrics, slices, weighted))


def with_formulas(config: Any):
    config.options.compute_confidence_intervals.value = True
    config.options.confidence_intervals.method = ConfidenceIntervalOptions.ANALYTIC
    return config


def analysis_of(config):
    limit = SliceLimit(slicings_of(config), MOST_SLICES)
    return Analysis(metrics_of(config), limit, has_formulas=is_analytic(config))


def intervals(splits, config, monkeypatch):
    """slice key -> {class name: (lower, upper, standard error, degrees of freedom)}, through the whole engine."""
    found: dict = {}

    def values_of(part, analysis):
        of_part = evaluate(part, analysis.metrics, analysis.layout).intervals
        for i, key in enumerate(part.keys):
            fields = {metric.class_name: map(np.asarray, one) for metric, one in of_part.items()}
            found[key] = {name: tuple(field[i] for field in of_name) for name, of_name in fields.items()}
        return dict.fromkeys(part.keys)

    monkeypatch.setattr(engine, "values_of", values_of)
    engine.evaluated(splits, config)
    return found


def of_batch(batch, config, monkeypatch):
    return intervals([(0, [batch])], config, monkeypatch)[()]


def delong(labels, scores):
    """The standard error by the definition: placements of each positive among all negatives, and the reverse."""
    positives, negatives = scores[labels == 1], scores[labels == 0]
    wins = (positives[:, None] > negatives) + 0.5 * (positives[:, None] == negatives)
    return np.sqrt(wins.mean(1).var(ddof=1) / len(positives) + wins.mean(0).var(ddof=1) / len(negatives))


def test_rates_have_the_wilson_interval_of_statsmodels(monkeypatch):
    found = of_batch(BATCH, asked(*RATES), monkeypatch)
    labels, positive = BATCH["labels"] > 0, BATCH["predictions"] > 0.5
    for name, of in RATES.items():
        counted, among = of(labels, positive)
        expected = proportion_confint(counted[among].sum(), among.sum(), method="wilson")
        np.testing.assert_allclose(found[name][:2], expected, rtol=1e-12, err_msg=name)


def test_f1_has_the_interval_of_the_threat_score_on_its_own_scale(monkeypatch):
    found = of_batch(BATCH, asked("F1Score", "ThreatScore"), monkeypatch)
    f1_of = [2 * bound / (1 + bound) for bound in found["ThreatScore"][:2]]
    np.testing.assert_allclose(found["F1Score"][:2], f1_of, rtol=1e-12)


def test_every_threshold_of_a_list_has_its_interval(monkeypatch):
    config = asked("Recall", more="config: '\"thresholds\": [0.7, 0.2]'")
    lower, upper, _, _ = of_batch(BATCH, config, monkeypatch)["Recall"]
    of_positives = BATCH["predictions"][BATCH["labels"] > 0]
    for i, threshold in enumerate((0.7, 0.2)):
        expected = proportion_confint((of_positives > threshold).sum(), len(of_positives), method="wilson")
        np.testing.assert_allclose((lower[i], upper[i]), expected, rtol=1e-12)


def test_a_share_of_rows_of_the_right_class_has_the_wilson_interval(monkeypatch):
    batch = hard_classes(700)
    lower, upper, _, _ = of_batch(batch, asked("CategoricalAccuracy"), monkeypatch)["CategoricalAccuracy"]
    hits = (batch["predictions"].argmax(1) == batch["labels"]).sum()
    np.testing.assert_allclose((lower, upper), proportion_confint(hits, 700, method="wilson"), rtol=1e-12)


def test_means_have_the_t_interval_of_scipy(monkeypatch):
    found = of_batch(BATCH, asked(*MEANS), monkeypatch)
    for name, of in MEANS.items():
        values = of(BATCH["labels"], BATCH["predictions"])
        expected = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
        np.testing.assert_allclose(found[name][:2], expected, rtol=1e-9, err_msg=name)
        np.testing.assert_allclose(found[name][2], stats.sem(values), rtol=1e-9, err_msg=name)
        assert found[name][3] == len(values) - 1


@pytest.mark.parametrize("weighted", [False, True])
def test_weighted_means_and_ratios_have_the_error_of_the_delta_method(weighted, monkeypatch):
    found = of_batch(BATCH, asked("MeanSquaredError", "Calibration", weighted=weighted), monkeypatch)
    labels, scores = BATCH["labels"], BATCH["predictions"]
    weights = BATCH["example_weights"] if weighted else np.ones(len(labels))
    rows = weights.sum() ** 2 / (weights**2).sum()
    for name, top, bottom in (
        ("MeanSquaredError", (labels - scores) ** 2, np.ones(len(labels))),
        ("Calibration", scores, labels),
    ):
        value = (weights * top).sum() / (weights * bottom).sum()
        residuals = weights * (top - value * bottom) / (weights * bottom).sum()
        error = np.sqrt((residuals**2).sum() * rows / (rows - 1))
        np.testing.assert_allclose(found[name][2], error, rtol=1e-9, err_msg=name)
        distance = stats.t.ppf(0.975, np.floor(rows - 1)) * error
        np.testing.assert_allclose(found[name][:2], (value - distance, value + distance), rtol=1e-7, err_msg=name)


def test_weights_that_are_all_alike_count_as_none(monkeypatch):
    names = [*RATES, *MEANS, "Calibration", "AUC"]
    heavy = {**BATCH, "example_weights": np.full(len(BATCH["labels"]), 2.5)}
    expected, found = (
        of_batch(BATCH, asked(*names), monkeypatch),
        of_batch(heavy, asked(*names, weighted=True), monkeypatch),
    )
    for name in names:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-9, err_msg=name)


def test_weights_count_as_the_rows_that_they_are_worth():
    weights = np.random.default_rng(3).lognormal(0, 0.5, 4000)
    counts = np.arange(4000) % 5 == 0
    sums = [np.array([(weights**power)[of].sum() for of in (counts, ~counts)]) for power in (1, 2)]
    rows = rows_worth(sums[0], sums[1], np.array([1.0, 0.0]))
    np.testing.assert_allclose(rows, weights.sum() ** 2 / (weights**2).sum(), rtol=0.03)


@pytest.mark.parametrize("more", ["", "config: '\"exact\": true'"])
def test_the_area_under_the_roc_curve_has_the_error_of_delong(more, monkeypatch):
    labels, scores = BATCH["labels"], np.round(BATCH["predictions"], 2)  # with ties
    lower, upper, error, df = of_batch({**BATCH, "predictions": scores}, asked("AUC", more=more), monkeypatch)["AUC"]

    # The bounds are those of the log odds.
    area = roc_auc_score(labels, scores)
    distance = stats.t.ppf(0.975, df) * delong(labels, scores) / (area * (1 - area))
    np.testing.assert_allclose(logit([lower, upper]), logit(area) + np.array([-distance, distance]), rtol=1e-9)
    np.testing.assert_allclose(error, (upper - lower) / 2 / stats.t.ppf(0.975, df), rtol=1e-9)
    assert len(labels) / 4 < df < len(labels)


def test_the_error_of_an_area_is_the_one_published_with_proc():
    """Of the WFNS grades 1 to 5 of 113 patients by outcome (Turck et al. 2010), as in Robin et al. (2011)."""
    good, poor = np.array([37.0, 20, 3, 8, 4]), np.array([2.0, 12, 1, 8, 18])
    tn, fn = (np.append(0, np.cumsum(counts))[None] for counts in (good, poor))
    area, error, _ = area_and_error(placements(Curve(tn, 41 - fn, 72 - tn, tn, fn)))
    bounds = area[0] + stats.norm.ppf([0.025, 0.5, 0.975]) * error[0]
    np.testing.assert_allclose(bounds, (0.74853, 0.82368, 0.89882), atol=1e-5)


def test_of_crowded_scores_the_error_is_that_of_delong_to_a_thousandth(monkeypatch):
    labels, scores = BATCH["labels"], BATCH["predictions"]
    _, _, error, _ = of_batch(BATCH, asked("AUC"), monkeypatch)["AUC"]
    np.testing.assert_allclose(error, delong(labels, scores), rtol=5e-3)


@pytest.mark.parametrize("weighted", [False, True])
def test_intervals_are_the_same_bits_however_the_data_is_cut(weighted, monkeypatch):
    config = asked("BinaryAccuracy", "AUC", "MeanSquaredError", "Calibration", weighted=weighted, slices=EVERY_SLICE)
    splits = [cut(half, *sizes) for half, sizes in zip(cut(BATCH, 700), ((100, 300), (50,)), strict=True)]
    forwards = intervals(list(enumerate(splits)), config, monkeypatch)
    backwards = intervals(list(enumerate(splits))[::-1], config, monkeypatch)
    assert len(forwards) > 20
    np.testing.assert_equal(backwards, forwards)

    whole = intervals([(0, [BATCH])], config, monkeypatch)
    for key, expected in whole.items():
        for name, fields in expected.items():
            np.testing.assert_allclose(forwards[key][name], fields, rtol=1e-7, err_msg=f"{key} {name}")


def test_where_a_value_is_undefined_or_rows_say_nothing_there_is_no_interval(monkeypatch):
    names = ("AUC", "Recall", "MeanLabel", "MeanSquaredError")
    nothing = {"labels": np.zeros(5), "predictions": np.full(5, 0.2), "features": {}, "example_weights": np.ones(5)}
    found = of_batch(nothing, asked(*names), monkeypatch)
    for name in names:
        assert np.isnan(found[name][:3]).all(), name
    one = {"labels": np.ones(1), "predictions": np.array([0.7]), "features": {}, "example_weights": np.ones(1)}
    assert np.isnan(of_batch(one, asked("MeanSquaredError"), monkeypatch)["MeanSquaredError"][:3]).all()


@pytest.mark.parametrize("weighted", [False, True])
def test_classes_that_scores_keep_wholly_apart_have_an_area_without_interval(weighted, monkeypatch):
    labels = BATCH["labels"]
    for scores in (0.3 + 0.4 * labels, 0.7 - 0.4 * labels):
        apart = {**BATCH, "predictions": scores + np.linspace(0, 0.1, len(labels))}
        assert np.isnan(of_batch(apart, asked("AUC", weighted=weighted), monkeypatch)["AUC"][:3]).all()


def test_the_quantile_is_that_of_students_t():
    degrees = np.array([1, 2, 5, 7, 8, 15, 19, 30, 200, 1e9])
    np.testing.assert_allclose(student(degrees), stats.t.ppf(0.975, degrees), rtol=2e-5)


@pytest.mark.parametrize("rows", [50, 1000])
@pytest.mark.parametrize("share", [0.5, 0.05])
@pytest.mark.parametrize("spread_of_weights", [0.0, 0.5])
def test_the_interval_of_a_rate_covers_19_times_in_20(rows, share, spread_of_weights):
    rng = np.random.default_rng(5)
    shares = share * rng.uniform(0.8, 1.2, 8000)  # of one share alone, the coverage jumps with the number of rows
    counts = rng.random((8000, rows)) < shares[:, None]
    weights = rng.lognormal(0, spread_of_weights, counts.shape) if spread_of_weights else np.ones(counts.shape)
    sums = [(values * of).sum(1) for values in (weights, weights**2) for of in (counts, ~counts)]
    lower, upper, _, _ = Rate(("tp",), ("fn",)).interval(*sums)
    assert 0.935 < ((lower <= shares) & (shares <= upper)).mean() < 0.965


@pytest.mark.parametrize("rows", [50, 1000])
@pytest.mark.parametrize("spread_of_weights", [0.0, 0.5])
def test_the_interval_of_a_mean_covers_19_times_in_20(rows, spread_of_weights):
    rng = np.random.default_rng(6)
    values = rng.gamma(4.0, 0.25, (8000, rows))
    weights = rng.lognormal(0, spread_of_weights, values.shape) if spread_of_weights else np.ones(values.shape)
    a = weights * values
    sums = [one.sum(1) for one in (a, weights, weights, a * a, a * weights, weights**2, weights**2)]
    lower, upper, _, _ = from_sums(*sums)
    assert 0.935 < ((lower <= 1) & (upper >= 1)).mean() < 0.96


@pytest.mark.parametrize(("positives", "negatives"), [(25, 25), (10, 40), (50, 950), (500, 500)])
@pytest.mark.parametrize("area", [0.6, 0.75, 0.9])
def test_the_interval_of_an_area_covers_19_times_in_20(positives, negatives, area):
    rng = np.random.default_rng(7)
    scores = rng.normal(0, 1, (2500, positives + negatives))
    scores[:, :positives] += stats.norm.ppf(area) * np.sqrt(2)
    lower, upper, _, _ = DeLong().interval(*placements(curve_of_ranks(scores, positives)))
    assert 0.935 < ((lower <= area) & (area <= upper)).mean() < 0.975


def curve_of_ranks(scores, positives):
    """The curve of rows of scores, of which the first are of positives."""
    is_positive = np.argsort(scores, axis=1) < positives
    ends = np.zeros((len(scores), 1))
    tn, fn = (np.concatenate([ends, np.cumsum(of, 1)], 1) for of in (~is_positive, is_positive))
    return Curve(tn, fn[:, -1:] - fn, tn[:, -1:] - tn, tn, fn)


def test_metrics_without_a_formula_are_named_with_the_reason():
    config = asked("AUC", "AUCPrecisionRecall", "ExampleCount", "BinaryAccuracy", "CalibrationPlot")
    found = no_intervals(analysis_of(config), {})
    assert {key.name: why for key, why in found.items()} == {
        "auc_precision_recall": "there is no formula for it; the method JACKKNIFE or POISSON_BOOTSTRAP of "
        "confidence_intervals gives one"
    }
    area_of_pr = asked("AUC", more='config: \'"curve": "PR"\'')
    assert [key.name for key in no_intervals(analysis_of(area_of_pr), {})] == ["auc"]
    for parts in ("binarize { class_ids { values: [0, 1] } }", "aggregate { micro_average: true }"):
        of_classes = with_formulas(config_of(f'metrics {{ class_name: "Recall" }} {parts}'))
        has_one_each = "class_ids" in parts
        assert len(no_intervals(analysis_of(of_classes), {})) == (0 if has_one_each else 1)


def test_rows_of_a_query_have_no_interval_as_they_depend_on_each_other():
    config = with_formulas(config_of('metrics { class_name: "MeanSquaredError" } query_key: "group"'))
    (why,) = no_intervals(analysis_of(config), {}).values()
    assert why.startswith("rows of one query depend on each other")


def test_predictions_of_several_numbers_have_no_interval_as_these_depend_on_each_other():
    config = asked("MeanSquaredError")
    (metric,) = analysis_of(config).metrics
    tally = Tally(lengths={PREDICTIONS_KEY: {3: Length(10, "row 0")}})
    (why,) = no_intervals(analysis_of(config), {metric.stream.source: tally}).values()
    assert why.startswith("several numbers of a row count")


def test_nobody_is_told_of_formulas_who_did_not_ask_for_them():
    config = config_of('metrics { class_name: "AUCPrecisionRecall" }')
    assert no_intervals(analysis_of(config), {}) == {}
    assert all(metric.spread is None for metric in analysis_of(config).metrics)


def test_the_name_of_the_method_does_not_reach_tfma():
    config = asked("AUC")
    assert without_own_fields(config).options.confidence_intervals.method == 0
    assert config.options.confidence_intervals.method == ConfidenceIntervalOptions.ANALYTIC


@pytest.mark.parametrize("weighted", [False, True])
def test_records_hold_the_interval_of_each_slice_and_its_degrees_of_freedom(weighted):
    config = asked("MeanSquaredError", "Recall", "AUCPrecisionRecall", weighted=weighted, slices=EVERY_SLICE)
    output = run([placed(BATCH)], MetricsAndPlotsEvaluator(config).ptransform)
    records = [MetricsForSlice.FromString(record) for record in output["metrics"]]
    assert len({record.rows for record in records}) > 5
    for record in records:
        of_name = {item.key.name: item for item in record.metric_keys_and_values}
        assert not of_name["auc_precision_recall"].HasField("confidence_interval")
        assert [one.key.name for one in record.no_intervals] == ["auc_precision_recall"]
        interval = of_name["mean_squared_error"].confidence_interval
        if not weighted and record.rows >= 2:
            assert interval.degrees_of_freedom.value == record.rows - 1
        lower, value, upper = interval.lower_bound, of_name["mean_squared_error"].value, interval.upper_bound
        assert np.isnan(lower.double_value.value) or (
            lower.double_value.value < value.double_value.value < upper.double_value.value
        )
        assert of_name["recall"].confidence_interval.degrees_of_freedom.value == 10**9


@pytest.mark.parametrize(
    ("batch", "config"),
    [
        (test_laws.BATCH, test_laws.CONFIG),
        (test_laws.VECTOR_BATCH, test_laws.VECTOR_CONFIG),
        (test_laws.PAIR_BATCH, test_laws.PAIR_CONFIG),
    ],
    ids=["numbers", "vectors", "two models"],
)
def test_every_estimate_lies_in_its_interval_or_is_named_without_one(batch, config):
    config = with_formulas(copy.deepcopy(config))
    reasons, with_interval = set(), set()
    output = run([placed(batch)], MetricsAndPlotsEvaluator(config).ptransform)
    for record in map(MetricsForSlice.FromString, output["metrics"]):
        reasons |= {metric_key_from_proto(one.key) for one in record.no_intervals}
        for item in record.metric_keys_and_values:
            key = metric_key_from_proto(item.key)
            if item.HasField("confidence_interval"):
                interval = item.confidence_interval
                lower, value, upper = map(_floats, (interval.lower_bound, item.value, interval.upper_bound))
                assert np.array_equal(np.isnan(lower), np.isnan(upper)), key
                is_known = ~np.isnan(lower)
                assert (lower <= value + 1e-12)[is_known].all(), key
                assert (value <= upper + 1e-12)[is_known].all(), key
                with_interval.add(key)
    estimates = {
        metric.key
        for metric in metrics_of(config)
        if isinstance(metric.key, MetricKey) and metric.is_estimate and metric.definition.is_number
    }
    assert with_interval | reasons == estimates
    assert not with_interval & reasons
    assert with_interval


def _floats(value):
    is_number = value.HasField("double_value")
    return np.array([value.double_value.value] if is_number else value.array_value.float64_values)
