"""Confidence intervals: against a recomputation of every sample from its rows, and in a simulation."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from assay.evaluators.metrics_and_plots import MetricsAndPlotsEvaluator
from assay.extractors.slice_keys import extract_slice_keys
from assay.extracts.columns import row_count, take
from assay.metrics.states.resampling import SAMPLES, Method, Resampling
from assay.proto.config_pb2 import ConfidenceIntervalOptions
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.results.keys import slice_key_from_proto
from assay.slicing.specs import slicings_of
from tests.beam_runs import run
from tests.evaluators.test_metrics_and_plots import pieces, placed

from .engine import EVERY_SLICE, config_of, whole
from .hard_data import hard_batch, hard_classes

METRICS = (
    " ".join(
        f'metrics {{ class_name: "{name}" }}'
        for name in ["ExampleCount", "AUC", "Precision", "MeanLabel", "CalibrationPlot"]
    )
    + """metrics { class_name: "TPR" config: '"thresholds": [0.3, 0.6]' }
    metrics { class_name: "AUC" config: '"name": "exact", "exact": true' }"""
)
BATCH = hard_batch(1500)
OF_CLASSES = " ".join(
    f'metrics {{ class_name: "{name}" }}'
    for name in ["CategoricalAccuracy", "CohenKappa", "MultiClassMatthewsCorrelationCoefficient", "LabelRankingLoss"]
)
CLASSES = hard_classes(1500)


def config(method, slices=EVERY_SLICE, metrics=METRICS):
    config: Any = config_of(metrics, slices)
    config.options.compute_confidence_intervals.value = True
    config.options.confidence_intervals.method = ConfidenceIntervalOptions.ConfidenceIntervalMethod.Value(method)
    return config


def intervals(batches, method, metrics=METRICS, **settings):
    """Slice key -> metric name -> (value, lower, upper, standard error), arrays where the metric is one."""
    asked_for = config(method, metrics=metrics)
    output = run(batches, MetricsAndPlotsEvaluator(asked_for, **settings).ptransform)
    found = {}
    for record in map(MetricsForSlice.FromString, output["metrics"]):
        found[slice_key_from_proto(record.slice_key)] = {
            item.key.name: [numbers(item.value)]
            + [numbers(getattr(item.confidence_interval, f)) for f in ("lower_bound", "upper_bound", "standard_error")]
            for item in record.metric_keys_and_values
            if item.HasField("confidence_interval")
        }
        assert "example_count" not in found[slice_key_from_proto(record.slice_key)]
        assert all(
            item.confidence_interval.degrees_of_freedom.value == 19
            for item in record.metric_keys_and_values
            if item.HasField("confidence_interval")
        )
    assert len(output["plots"]) == len(output["metrics"])
    return found


def numbers(value):
    return np.array(value.array_value.float64_values) if value.HasField("array_value") else value.double_value.value


def by_brute_force(method, rows=BATCH, metrics=METRICS):
    """The same, every sample computed from its own rows."""
    plain = config_of(metrics, EVERY_SLICE)
    draws = list(Resampling(Method(method)).draws(placed(rows), row_count(rows)))
    if method == "JACKKNIFE":
        (draw,) = draws
        parts = np.asarray(draw.resample)
        samples = [whole(take(rows, parts != i), plain) for i in range(SAMPLES)]
    else:
        samples = [whole(take(rows, np.repeat(np.arange(1500), np.asarray(draw.times))), plain) for draw in draws[1:]]
    found: dict = {}
    for key, values in whole(rows, plain).items():
        found[key] = {}
        for metric, value in values.items():
            drawn = np.array([s[key][metric] if key in s else np.full_like(value, np.nan) for s in samples])
            found[key][metric.key.name] = spread(method, value, drawn)
    return found


def spread(method, value, drawn):
    if method == "JACKKNIFE":
        drawn = SAMPLES * value - (SAMPLES - 1) * drawn
    error = drawn.std(axis=0, ddof=1) / (np.sqrt(SAMPLES) if method == "JACKKNIFE" else 1)
    half = stats.t.ppf(0.975, SAMPLES - 1) * error
    return [value, drawn.mean(axis=0) - half, drawn.mean(axis=0) + half, error]


@pytest.mark.parametrize("method", ["JACKKNIFE", "POISSON_BOOTSTRAP"])
def test_intervals_of_every_slice_are_those_of_samples_computed_one_by_one(method):
    found, expected = intervals([placed(BATCH)], method), by_brute_force(method)
    assert set(found) == set(expected)
    compared = 0
    for key, metrics in found.items():
        assert set(metrics) == {"auc", "exact", "precision", "mean_label", "tpr"}
        for name, parts in metrics.items():
            np.testing.assert_allclose(parts, expected[key][name], rtol=1e-7, atol=1e-9, err_msg=f"{name} {key}")
            compared += np.isfinite(parts).all()
    assert compared > 40


@pytest.mark.parametrize("method", ["JACKKNIFE", "POISSON_BOOTSTRAP"])
def test_intervals_of_metrics_of_several_classes_are_those_of_samples_computed_one_by_one(method):
    found, expected = intervals([placed(CLASSES)], method, OF_CLASSES), by_brute_force(method, CLASSES, OF_CLASSES)
    assert set(found) == set(expected)
    for key, metrics in found.items():
        assert len(metrics) == 4
        for name, parts in metrics.items():
            np.testing.assert_allclose(parts, expected[key][name], rtol=1e-7, atol=1e-9, err_msg=f"{name} {key}")
    assert np.isfinite(found[()]["cohen_kappa"]).all()


@pytest.mark.parametrize("method", ["JACKKNIFE", "POISSON_BOOTSTRAP"])
def test_intervals_follow_from_rows_and_seed_whatever_the_batches(method):
    rows = np.arange(1500)
    cut = [{**placed(piece, split=0, first=int(rows[i * 300]))} for i, piece in enumerate(pieces(BATCH))]
    once, again = intervals([placed(BATCH)], method)[()], intervals(cut[::-1], method)[()]
    for name, parts in once.items():
        np.testing.assert_allclose(again[name], parts, rtol=1e-9, err_msg=name)
    other = intervals([placed(BATCH)], method, seed=1)[()]
    assert other["auc"][0] == pytest.approx(once["auc"][0])
    assert other["auc"][3] != once["auc"][3]


@pytest.mark.parametrize("method", [Method.JACKKNIFE, Method.POISSON_BOOTSTRAP])
def test_intervals_cover_the_truth_about_as_often_as_they_claim(method):
    """600 samples of 400 rows: coverage of a 95 % interval is within four standard errors, 3.6 points, of 95 %."""
    rng = np.random.default_rng(8)
    trials, rows, truth = 600, 400, 0.3
    labels = (rng.random((trials, rows)) < truth).astype(float)
    resampling = Resampling(method)
    covered = 0
    for trial in range(trials):
        source = {"_source": {"row": np.arange(rows) + trial * rows, "file": _file(rows), "split": np.zeros(rows)}}
        values = [labels[trial].mean()]
        for draw in resampling.draws(source, rows):
            if method is Method.JACKKNIFE:
                values += [labels[trial][draw.resample != i].mean() for i in range(SAMPLES)]
            elif draw.times is not None:
                values.append(np.average(labels[trial], weights=draw.times))
        interval = resampling.interval(np.array([values]))
        covered += int(interval.lower[0] <= truth <= interval.upper[0])
    assert abs(covered / trials - 0.95) < 0.036


def _file(rows):
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int8)), pa.array(["f"]))


def test_parts_are_of_about_equal_size_and_poisson_counts_have_mean_and_variance_one():
    source = {"_source": {"row": np.arange(100_000), "file": _file(100_000), "split": np.zeros(100_000)}}
    (draw,) = Resampling(Method.JACKKNIFE).draws(source, 100_000)
    assert np.bincount(np.asarray(draw.resample), minlength=SAMPLES).min() > 4_600
    draws = list(Resampling(Method.POISSON_BOOTSTRAP).draws(source, 100_000))
    assert draws[0].times is None
    counts = np.array([draw.times for draw in draws[1:]])
    assert counts.mean() == pytest.approx(1, abs=0.005)
    assert counts.var() == pytest.approx(1, abs=0.01)
    assert np.abs(np.corrcoef(counts) - np.eye(SAMPLES)).max() < 0.02


def test_a_difference_of_two_models_has_an_interval_of_its_own():
    both = config("JACKKNIFE", "slicing_specs {}")
    del both.model_specs[:]
    for name in ("candidate", "baseline"):
        both.model_specs.add(name=name, example_weight_key="w", is_baseline=name == "baseline")
    both.metrics_specs[0].model_names[:] = ["candidate", "baseline"]
    names = ("candidate", "baseline")
    batch = {
        **BATCH,
        "labels": {name: BATCH["labels"] for name in names},
        "example_weights": {name: BATCH["example_weights"] for name in names},
        "predictions": {"candidate": BATCH["predictions"], "baseline": BATCH["baseline"]},
    }
    sliced = extract_slice_keys({**batch, "_source": placed(BATCH)["_source"]}, slicings=slicings_of(both)).extracts
    (record,) = map(MetricsForSlice.FromString, run([sliced], MetricsAndPlotsEvaluator(both).ptransform)["metrics"])
    errors = {
        (item.key.model_name, item.key.is_diff): item.confidence_interval.standard_error.double_value.value
        for item in record.metric_keys_and_values
        if item.key.name == "auc"
    }
    # The predictions are nearly the same, so their difference is far surer than either.
    assert 0 < errors["candidate", True] < errors["candidate", False] / 2


@pytest.mark.parametrize("method", ["JACKKNIFE", "POISSON_BOOTSTRAP"])
def test_batches_whose_rows_do_not_say_whence_they_come_are_told_apart(method):
    """Of two batches with the same scores, one has the label 0 throughout and one the label 1."""
    whole = placed(hard_batch(4000))
    labels = [np.zeros(4000), np.ones(4000)]
    batches = [{**{k: v for k, v in whole.items() if k != "_source"}, "labels": label} for label in labels]
    value, low, high, error = intervals(batches, method, **{})[()]["mean_label"]
    weights = np.asarray(whole["example_weights"])
    expected = np.sqrt(0.5 * (weights**2).sum()) / weights.sum() / 2
    assert value == pytest.approx(0.5)
    assert 0.5 < error / expected < 1.7
    assert low < 0.5 < high
