"""Rounded counts: every form of value, by decimal arithmetic, and every metric that is one."""

import io
from decimal import ROUND_FLOOR, Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import assay
from assay.engine import progress
from assay.errors import EvalConfigError
from assay.gate import validate as gate
from assay.metrics.declare import definitions
from assay.metrics.values import Buckets, Interval, Matrices, MultiClassMatrices, MultiLabelMatrices, ShownValues
from assay.privacy.rounding import rounded, rounded_degrees, rounded_value
from assay.proto.validation_result_pb2 import ValidationResult
from assay.text.multiples import to_multiple
from assay.verdict import Counts, Limits, Status

RNG = np.random.default_rng(3)


def nearest(number, of):
    """The nearest multiple, halves up, in decimal arithmetic."""
    return int((Decimal(float(number)) / of + Decimal("0.5")).to_integral_value(ROUND_FLOOR)) * of


def told(value: Any, of: int) -> Any:
    """A value of any form with its counts rounded."""
    return rounded_value(value, of)


@pytest.mark.parametrize("of", [1, 2, 3, 5, 10, 100])
def test_counts_become_the_nearest_multiple_and_halves_the_higher_one(of):
    whole = np.arange(0, 1_000)
    expected = [nearest(number, of) for number in whole]
    assert to_multiple(whole, of).tolist() == rounded(whole.astype(float), of).tolist() == expected
    assert [to_multiple(number, of) for number in whole.tolist()] == expected
    weights = RNG.gamma(2.0, 30.0, 500)
    assert rounded(weights, of).tolist() == [nearest(weight, of) for weight in weights]
    assert np.isnan(rounded(np.array([np.nan]), of)).all()


def test_every_count_of_a_matrix_is_rounded_and_its_thresholds_are_not():
    thresholds, counts = np.array([0.25, 0.5]), [RNG.integers(0, 500, (3, 2)).astype(float) for _ in range(4)]
    found = told(Matrices(thresholds, *counts), 7)
    assert found.thresholds is thresholds
    for own, exact in zip(found[1:], counts, strict=True):
        assert own.tolist() == [[nearest(count, 7) for count in row] for row in exact]


@pytest.mark.parametrize(("form", "width"), [(MultiClassMatrices, 4), (MultiLabelMatrices, 7)])
def test_cells_of_classes_are_rounded_and_those_that_become_0_are_gone(form, width):
    cells = np.empty(2, object)
    cells[0] = np.array([[0, 0, 1, *[12.0] * (width - 3)], [0, 1, 1, *[2.0] * (width - 3)]])
    cells[1] = np.zeros((0, width))
    found = told(form(np.array([0.5]), cells), 5)
    assert found.cells[0].tolist() == [[0, 0, 1, *[10.0] * (width - 3)]]
    assert found.cells[1].shape == (0, width)


def test_buckets_keep_their_mean_prediction_and_have_rounded_weights_and_positives():
    lower, upper = np.array([-np.inf, 0.0, 0.5, 1.0]), np.array([0.0, 0.5, 1.0, np.inf])
    weight, label = np.array([[0.0, 13.0, 2.0, 1.0]]), np.array([[0.0, 6.0, 2.0, 1.0]])
    prediction = np.array([[0.0, 3.9, 1.4, 1.0]])
    found = told(Buckets(lower, upper, weight, label, prediction), 5)
    assert found.weight.tolist() == [[0, 15, 0, 0]]
    assert found.label.tolist() == [[0, 5, 0, 0]]
    np.testing.assert_allclose(found.prediction, [[0, 4.5, 0, 0]])

    prices = told(Buckets(100 * lower, 100 * upper, weight, 0.3 * label, prediction), 5)
    np.testing.assert_allclose(prices.label, [[0, 0.3 * 6 * 15 / 13, 0, 0]])


def test_what_holds_no_counts_is_not_taken_for_them():
    with pytest.raises(TypeError, match="found values of the form ShownValues"):
        told(ShownValues(np.empty(1, object)), 5)


def test_bounds_stay_where_degrees_of_freedom_are_rounded():
    df = np.array([1.0, 2.0, 13.0, 98.0, 1e9])
    error = np.array([0.5, 0.2, 0.1, 0.05, 0.01])
    half = stats.t.ppf(0.975, df) * error
    found = rounded_degrees(Interval(-half, half, error, df), 5)
    np.testing.assert_array_equal(found.degrees_of_freedom, [1, 1, 15, 100, 1e9])
    np.testing.assert_array_equal(found.upper, half)
    np.testing.assert_allclose(found.standard_error * stats.t.ppf(0.975, found.degrees_of_freedom), half, rtol=1e-4)
    resampled = Interval(-half, half, error, 19)
    assert rounded_degrees(resampled, 5) is resampled


def test_every_metric_that_may_count_rows_is_said_to_or_not():
    """A metric of any range that is added to the registry has to be looked at."""
    unbounded = {name for name, one in definitions().items() if one.range.startswith("[0, ∞") or one.is_plot}
    no_counts = {
        *("BinaryCrossEntropy", "BinaryCrossentropy", "CategoricalCrossEntropy", "CategoricalCrossentropy"),
        *("SparseCategoricalCrossentropy", "MeanAbsoluteError", "MeanSquaredError", "MeanSquaredLogarithmicError"),
        *("MeanAbsolutePercentageError", "DiagnosticOddsRatio", "NegativeLikelihoodRatio", "PositiveLikelihoodRatio"),
        *("Calibration", "RelativeCoefficientOfDiscrimination"),
        *("MeanAbsoluteAttributions", "TotalAbsoluteAttributions"),
    }
    counts = {name for name, one in definitions().items() if one.holds_counts}
    assert counts | no_counts == unbounded
    assert not counts & no_counts


# In a run -------------------------------------------------------------------------------------------------------------

ROWS = pd.DataFrame(
    {
        "label": RNG.integers(0, 2, 997),
        "score": RNG.random(997),
        "weight": RNG.gamma(2.0, 1.0, 997),
        "query": RNG.integers(0, 60, 997).astype(str),
        "town": ["a"] * 612 + ["b"] * 385,
    }
)


def config_of(*metrics, options=None, **spec):
    return {
        "model_specs": [{"label_key": "label", "prediction_key": "score", "example_weight_key": "weight"}],
        "slicing_specs": [{}, {"feature_keys": ["town"]}],
        "metrics_specs": [{"metrics": [{"class_name": name, **more} for name, more in metrics], **spec}],
        "options": {"min_slice_size": 20, "round_counts_to": 20, **(options or {})},
    }


def exact(config):
    return {**config, "options": {**config["options"], "round_counts_to": 1}}


def test_counts_and_weights_are_rounded_and_rates_are_not():
    names = ("ExampleCount", "TruePositives", "TN", "Precision", "AUC", "MeanLabel")
    config = config_of(*((name, {}) for name in names))
    found, wanted = (assay.analyze_raw_data(ROWS, one).to_frame() for one in (config, exact(config)))
    assert found["rows"].tolist() == [nearest(rows, 20) for rows in wanted["rows"]]
    for metric, own, other in zip(found["metric"], found["value"], wanted["value"], strict=True):
        is_count = metric in ("example_count", "true_positives", "tn")
        assert own == (nearest(other, 20) if is_count else other), metric


def test_counts_of_queries_are_rounded():
    names = ("TotalQueries", "TotalDocuments", "MinDocuments", "MaxDocuments")
    config = config_of(*((name, {}) for name in names), query_key="query", example_weights={"unweighted": True})
    found, wanted = (assay.analyze_raw_data(ROWS, one).to_frame() for one in (config, exact(config)))
    assert found["value"].tolist() == [nearest(value, 20) for value in wanted["value"]]


@pytest.mark.parametrize("method", ["JACKKNIFE", "POISSON_BOOTSTRAP", "ANALYTIC"])
def test_counts_have_no_interval_and_everybody_is_told_why(method):
    options = {"compute_confidence_intervals": True, "confidence_intervals": {"method": method}}
    config = config_of(("TruePositives", {}), ("MeanLabel", {}), options=options)
    result = assay.analyze_raw_data(ROWS, config)
    intervals = result.to_frame().set_index(["slice", "metric"])["lower_bound"]
    assert intervals.xs("true_positives", level="metric").isna().all()
    assert intervals.xs("mean_label", level="metric").notna().all()
    (remark,) = [line for line in result.remarks if "true_positives" in line]
    assert "an interval would tell the exact one" in remark


def test_a_threshold_on_a_count_is_held_against_what_is_told():
    of_all = {"slicing_specs": [{}], "threshold": {"value_threshold": {"lower_bound": 1_000}}}
    bound = {"per_slice_thresholds": [of_all]}
    config = config_of(("ExampleCount", bound), example_weights={"unweighted": True})
    verdict = assay.analyze_raw_data(ROWS, config).verdict
    assert (verdict.status, verdict.checks[0].value, verdict.rows) == (Status.BLESSED, 1_000, 1_000)
    assert assay.analyze_raw_data(ROWS, exact(config)).verdict.status == Status.NOT_BLESSED


def test_what_a_run_must_offer_is_judged_by_the_exact_rows_and_told_by_rounded_ones():
    counts = Counts(997, {"unreadable": 2}, {"rows": 9}, {"town": 44, "device": 3})
    shown = counts.shown(20, 20)
    assert shown == Counts(1_000, {"unreadable": 0}, {"rows": 0}, {"town": 40})
    verdict = gate.verdict(
        ValidationResult(validation_ok=True), [], counts=counts, shown=shown, limits=Limits(min_rows=1_000)
    )
    assert verdict.status == Status.NOT_EVALUATED
    few, bad = verdict.reasons
    assert few.message == "about 1,000 good rows; expected at least 1,000 (min_rows)"
    assert "unreadable: 0" in bad.message
    assert (verdict.rows, verdict.bad_rows, verdict.unsliced) == (1_000, {"unreadable": 0}, {"town": 40})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"round_counts_to": 0}, "options.round_counts_to: expected a number of rows, 1 or more, found 0"),
        ({"round_counts_to": -5}, "options.round_counts_to: expected a number of rows, 1 or more, found -5"),
        ({"round_counts_to": 21}, "options.round_counts_to: expected at most min_slice_size, which is 20, found 21"),
        ({"min_slice_size": 0}, "options.round_counts_to: expected at most min_slice_size, which is 0, found 20"),
    ],
)
def test_an_option_that_cannot_be_kept_is_refused(options, message):
    with pytest.raises(EvalConfigError, match=message):
        assay.analyze_raw_data(ROWS, config_of(("AUC", {}), options=options))


def test_metrics_that_tell_exact_counts_are_refused():
    sample = {"config": {"sampled_key": "town", "size": 5}}
    with pytest.raises(EvalConfigError, match="FixedSizeSample shows values of rows, whose number would be told"):
        assay.analyze_raw_data(ROWS, config_of(("FixedSizeSample", sample)))
    with pytest.raises(EvalConfigError, match="TotalAttributions divided by MeanAttributions is the number of rows"):
        assay.analyze_raw_data(ROWS, config_of(("TotalAttributions", {})))


def test_a_metric_of_the_users_own_is_rounded_if_it_adds_up_and_else_named(tmp_path, monkeypatch):
    (tmp_path / "own_of_rounding.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    config = config_of(*((name, {"module": "own_of_rounding"}) for name in ("Misses", "Hits")))
    log = io.StringIO()
    with progress.shown(log):
        found = assay.analyze_raw_data(ROWS, config).to_frame()
    wanted = assay.analyze_raw_data(ROWS, exact(config)).to_frame()
    for metric, own, other in zip(found["metric"], found["value"], wanted["value"], strict=True):
        assert own == (nearest(other, 20) if metric == "misses" else other)
    (line,) = [line for line in log.getvalue().splitlines() if "not rounded" in line]
    assert line.startswith("metric Hits of module own_of_rounding: not rounded")


OWN = """
from assay.metrics.own import metric
from assay.metrics.computations.terms import Weights


@metric("Misses", needs=Weights(), adds_up=True)
def misses(weight):
    return weight / 3


@metric("Hits", needs=Weights())
def hits(weight):
    return weight / 2
"""
