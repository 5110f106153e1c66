"""Confidence intervals by formula of candidate minus baseline, on the same rows."""

import numpy as np
import pytest
from google.protobuf import text_format
from scipy import optimize, stats

from assay.evaluators.metrics_and_plots import MetricsAndPlotsEvaluator
from assay.extracts.columns import take
from assay.metrics.spreads.paired_rates import score_interval, tango
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.results.keys import slice_key_from_proto
from tests.beam_runs import run
from tests.evaluators.test_metrics_and_plots import placed

from .engine import EVERY_SLICE, config_of_two
from .test_spreads import BATCH, with_formulas

OTHER = np.clip(BATCH["predictions"] + np.random.default_rng(1).normal(0, 0.15, 1500), 0, 1)
BOTH = {**BATCH, "predictions": {"new": BATCH["predictions"], "old": OTHER}}


def differences(batches, *names, weighted=False, slices="slicing_specs {}", more="", parts=""):
    """slice key -> {name: (value, lower, upper, standard error)} of candidate minus baseline; why others have none.

    `more` are settings of the metrics, or by model where they differ.
    """
    if isinstance(more, str):
        metrics = " ".join(f'metrics {{ class_name: "{name}" {more} }}' for name in names)
        config = with_formulas(config_of_two(f"{metrics} {parts}", slices))
    else:
        config = with_formulas(config_of_two("", slices))
        del config.metrics_specs[:]
        for model, settings in more.items():
            metrics = " ".join(f'metrics {{ class_name: "{name}" {settings} }}' for name in names)
            text_format.Parse(f'metrics_specs {{ model_names: "{model}" {metrics} }}', config)
    if not weighted:
        for spec in config.model_specs:
            spec.ClearField("example_weight_key")
    output = run(batches, MetricsAndPlotsEvaluator(config).ptransform)
    records = [MetricsForSlice.FromString(record) for record in output["metrics"]]
    found = {}
    for record in records:
        fields = {item.key.name: numbers(item) for item in record.metric_keys_and_values if item.key.is_diff}
        found[slice_key_from_proto(record.slice_key)] = fields
    return found, {one.key.name: one.reason for one in records[0].no_intervals if one.key.is_diff}


def numbers(item):
    interval = item.confidence_interval
    if not item.HasField("confidence_interval"):
        return None
    fields = (item.value, interval.lower_bound, interval.upper_bound, interval.standard_error)
    return tuple(field.double_value.value for field in fields)


def test_the_difference_of_rates_on_the_same_rows_has_the_bounds_of_the_score_test():
    labels, new, old = BATCH["labels"] > 0, BATCH["predictions"] > 0.5, OTHER > 0.5
    found = differences([placed(BOTH)], "BinaryAccuracy", "Recall", "FallOut")[0][()]
    for name, within, counts in (
        ("binary_accuracy", np.ones(1500, bool), lambda p: p == labels),
        ("recall", labels, lambda p: p),
        ("fall_out", ~labels, lambda p: p),
    ):
        gaps = (counts(new).astype(int) - counts(old))[within]
        value, lower, upper, _ = found[name]
        np.testing.assert_allclose(value, gaps.mean(), atol=1e-12)

        # At either bound the score test of McNemar's kind, with its variance by maximum likelihood, is at 5 %.
        more, less, rows = (gaps == 1).sum(), (gaps == -1).sum(), len(gaps)
        for bound in (lower, upper):
            share = largest_likelihood(more, less, rows, bound)
            statistic = (more - less - rows * bound) / np.sqrt(rows * (2 * share + bound * (1 - bound)))
            np.testing.assert_allclose(abs(statistic), stats.norm.ppf(0.975), rtol=1e-4, err_msg=name)


def largest_likelihood(more, less, rows, difference):
    """The share of rows that count for the second model alone, given the difference: searched for, not solved for."""

    def unlikely(share):
        return -(
            more * np.log(share + difference)
            + less * np.log(share)
            + (rows - more - less) * np.log(1 - 2 * share - difference)
        )

    ends = max(0.0, -difference) + 1e-12, (1 - difference) / 2 - 1e-12
    return optimize.minimize_scalar(unlikely, bounds=ends, method="bounded", options={"xatol": 1e-12}).x


@pytest.mark.parametrize(
    ("more", "less", "rows", "expected"), [(6, 16, 161, (-0.1240, -0.0054)), (3, 0, 3, (-0.1230, 1.0))]
)
def test_the_score_interval_has_published_bounds(more, less, rows, expected):
    """Those of Fagerland, Lydersen and Laake (2017), "Statistical Analysis of Contingency Tables", chapter 8."""
    counts = [np.array([float(count)]) for count in (more, less, rows)]
    np.testing.assert_allclose(np.concatenate(tango(*counts)), expected, atol=5e-5)
    lower, upper = tango(counts[1], counts[0], counts[2])
    np.testing.assert_allclose((-upper[0], -lower[0]), expected, atol=5e-5)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_difference_of_means_has_the_interval_of_the_rows_differences(weighted):
    found = differences([placed(BOTH)], "MeanSquaredError", "MeanPrediction", "Calibration", weighted=weighted)[0][()]
    labels, new = BATCH["labels"], BATCH["predictions"]
    weights = BATCH["example_weights"] if weighted else np.ones(1500)
    rows = weights.sum() ** 2 / (weights**2).sum()
    for name, gaps, by in (
        ("mean_squared_error", (labels - new) ** 2 - (labels - OTHER) ** 2, np.ones(1500)),
        ("mean_prediction", new - OTHER, np.ones(1500)),
        ("calibration", new - OTHER, labels),
    ):
        value = (weights * gaps).sum() / (weights * by).sum()
        error = np.sqrt((weights**2 * (gaps - value * by) ** 2).sum() * rows / (rows - 1)) / (weights * by).sum()
        distance = stats.t.ppf(0.975, np.floor(rows - 1)) * error
        expected = value, value - distance, value + distance, error
        np.testing.assert_allclose(found[name], expected, rtol=1e-6, atol=1e-12, err_msg=name)


def test_the_difference_of_rates_of_other_rows_has_the_error_of_the_jackknife():
    labels, new, old = BATCH["labels"] > 0, BATCH["predictions"] > 0.5, OTHER > 0.5
    found = differences([placed(BOTH)], "Precision", "ThreatScore", "F1Score")[0][()]
    for name, of in (
        ("precision", lambda y, p: (y & p, p)),
        ("threat_score", lambda y, p: (y & p, y | p)),
        ("f1_score", lambda y, p: (2 * (y & p), 1 * (y & p) + (y | p))),
    ):
        left_out = np.zeros(1500)
        for part, sign in ((new, 1), (old, -1)):
            counts, whole = of(labels, part)
            left_out += sign * (counts.sum() - counts) / (whole.sum() - whole)
        error = np.sqrt(((left_out - left_out.mean()) ** 2).sum() * 1499 / 1500)
        np.testing.assert_allclose(found[name][3], error, rtol=1e-2, err_msg=name)


def test_every_slice_has_the_differences_that_it_has_alone():
    names = ("BinaryAccuracy", "Precision", "MeanSquaredError", "Calibration")
    found, _ = differences([placed(BOTH)], *names, weighted=True, slices=EVERY_SLICE)
    group = np.array(BATCH["features"]["group"].to_pylist())
    of_a, _ = differences([placed(take(BOTH, np.flatnonzero(group == "a")))], *names, weighted=True)
    assert len(found) > 20
    for name, expected in of_a[()].items():
        np.testing.assert_allclose(found[(("group", "a"),)][name], expected, rtol=1e-9, atol=1e-12, err_msg=name)


def test_differences_without_a_formula_are_named_with_the_reason():
    names = "AUCPrecisionRecall", "Markedness", "MeanLabel", "Prevalence", "BinaryAccuracy", "AUC"
    found, reasons = differences([placed(BOTH)], *names)
    assert {name for name, fields in found[()].items() if fields is None} == set(reasons)
    assert {name: reason.split(";")[0] for name, reason in reasons.items()} == {
        "auc_precision_recall": "there is no formula for it",
        "markedness": "there is no formula for it",
        "mean_label": "it is the same for both models",
        "prevalence": "it is the same for both models",
    }


def test_a_model_beside_itself_differs_by_exactly_nothing():
    same = {**BATCH, "predictions": {"new": OTHER, "old": OTHER}}
    found = differences([placed(same)], "MeanSquaredError", "BinaryAccuracy", "Precision")[0][()]
    assert found["mean_squared_error"] == (0, 0, 0, 0)
    assert found["precision"] == (0, 0, 0, 0)
    assert found["binary_accuracy"][1] < 0 < found["binary_accuracy"][2] < 0.003


@pytest.mark.parametrize("rows", [50, 1000])
@pytest.mark.parametrize("share", [0.8, 0.97])
@pytest.mark.parametrize("spread_of_weights", [0.0, 0.5])
def test_the_interval_of_a_paired_difference_of_rates_covers_19_times_in_20(rows, share, spread_of_weights):
    rng = np.random.default_rng(8)
    shared = rng.random((8000, rows))
    new, old = shared < share, np.where(rng.random((8000, rows)) < 0.7, shared, rng.random((8000, rows))) < share - 0.04
    weights = rng.lognormal(0, spread_of_weights, shared.shape) if spread_of_weights else np.ones(shared.shape)
    cells = [new & old, new & ~old, ~new & old, ~new & ~old]
    sums = [np.stack([(weights**power * cell).sum(1) for cell in cells], -1) for power in (1, 2)]
    lower, upper, _, _ = score_interval(sums[0], sums[1], np.array([0.0, 1.0, -1.0, 0.0]))
    few = rows == 50 and share == 0.97  # three rows on which only one model is right: it covers more often than it says
    assert 0.935 < ((lower <= 0.04) & (upper >= 0.04)).mean() < (0.995 if few else 0.97)
