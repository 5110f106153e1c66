"""The demo: its figures against scikit-learn, and against TFMA on the same data and models."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn import metrics as sk

import assay
from assay.results.keys import metric_key_from_proto, slice_key_from_proto
from tests.latest_results import latest
from tests.metrics.auc_bound import auc_bound

CENSUS = Path(__file__).parents[2] / "examples" / "census"
WEIGHT, LABEL = "instance_weight", "income_50k"
TFMA_ROWS = (1_000, pytest.param(8_000, marks=pytest.mark.slow))
U32, U64 = 2.0**-24, 2.0**-53
"""Unit roundoff: what one operation in float32 or float64 may be off by, relative to its result."""

FLOAT64 = 100_000 * U64
"""Sums of up to 100,000 rows of one sign in float64, in any order: off by at most rows * U64, relatively."""

TFMA_FLOAT32 = 16 * U32
"""TFMA multiplies labels, predictions and weights in float32, a few operations for each row, and adds up in float64:
relatively, sums of one sign are off by no more than the terms, and ratios of them by twice that."""

ZERO = 1e-9
"""What is left of a sum of weights, up to 10^7 in all, when others were subtracted from it: rounding, for 0."""

UNDEFINED_HERE = {"auc", "auc_precision_recall"}
"""NaN for a slice of one class, where TFMA says 0."""


def assay_command(*args, cwd=CENSUS):
    return subprocess.run(
        [sys.executable, "-m", "assay", *map(str, args)], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Results of the demo's analysis file, written elsewhere."""
    output = tmp_path_factory.mktemp("census") / "results"
    return run_census(output, analysis_table=True)


def run_census(output, **changes):
    analysis = yaml.safe_load((CENSUS / "analysis.yaml").read_text())
    analysis |= {"output": str(output), **changes}
    if "models" not in changes:
        analysis["models"] = [{**model, "uri": str(CENSUS / model["uri"])} for model in analysis["models"]]
    if "inputs" not in changes:
        analysis["inputs"]["files"] = [str(CENSUS / file) for file in analysis["inputs"]["files"]]
    file = output.parent / "analysis.yaml"
    file.write_text(yaml.safe_dump(analysis))
    done = assay_command("run", file)
    assert done.returncode == 0, done.stderr
    assert "BLESSED" in done.stdout
    return output


@pytest.fixture(scope="module")
def scored(results):
    """The evaluation rows with the predictions of both models, as this very run has made them.

    Another run of a model may cut batches otherwise, or run on another processor, and float32 sums in another order
    differ in their last bits: enough to put a row on the other side of a threshold.
    """
    tables = [pd.read_parquet(file) for file in sorted(results.rglob("analysis-*.parquet"))]
    rows = pd.concat(tables, ignore_index=True)
    return rows.rename(columns=lambda name: name.removeprefix("features.").removeprefix("predictions."))


@pytest.fixture(scope="module")
def by_tensorflow():
    """The predictions of both models for the same rows, computed by TensorFlow alone, in batches of its own."""
    import keras
    import tensorflow as tf

    rows = pd.read_parquet(CENSUS / "out" / "data" / "eval.parquet")
    files = sorted(str(file) for file in (CENSUS / "out" / "data").glob("*.tfrecord.gz"))
    serve = tf.saved_model.load(str(CENSUS / "models" / "candidate")).signatures["serving_default"]
    batches = tf.data.TFRecordDataset(files, "GZIP").batch(4096)
    rows["candidate"] = np.concatenate([serve(examples=batch)["predictions"].numpy()[:, 0] for batch in batches])
    baseline = keras.models.load_model(CENSUS / "models" / "baseline.keras")
    columns = {t.name: tf.constant(rows[t.name].to_numpy()[:, None], t.dtype) for t in baseline.inputs}
    rows["baseline"] = baseline.predict(columns, batch_size=4096, verbose=0)[:, 0]
    return rows


def values_of(path, loader=assay.load_metrics):
    """(slice, key) -> number or array."""
    found = {}
    for record in loader(str(path)):
        ours = assay.proto.metrics_for_slice_pb2.MetricsForSlice.FromString(record.SerializeToString())
        for item in ours.metric_keys_and_values:
            value = item.value
            number = value.double_value.value if value.HasField("double_value") else value.array_value.float64_values
            found[slice_key_from_proto(ours.slice_key), metric_key_from_proto(item.key)] = np.asarray(number)
    return found


def rows_in(rows, key):
    return rows[np.logical_and.reduce([rows[f] == v for f, v in key])] if key else rows


@pytest.mark.parametrize("model", ["candidate", "baseline"])
def test_predictions_are_those_of_tensorflow_alone(model, scored, by_tensorflow):
    # Three layers, each a float32 sum of at most 128 terms whose sizes add up to less than 128: each may be off by
    # 128 * 128 * U32 = 1e-3, in whatever order a processor adds. The slope of the sigmoid behind them is at most 1/4.
    tolerance = 3 * 128 * 128 * U32 / 4
    assert tolerance < 1e-3
    keys = [*sorted(set(by_tensorflow) & set(scored) - {"candidate", "baseline"})]
    assert len(keys) > 10
    assert scored[keys].astype(str).equals(by_tensorflow[keys].astype(str))  # row by row
    np.testing.assert_allclose(scored[model], by_tensorflow[model], rtol=0, atol=tolerance)


def test_figures_of_every_slice_are_those_of_scikit_learn(results, scored):
    references = {
        "example_count": lambda y, p, w: len(y),
        "mean_label": lambda y, p, w: np.average(y, weights=w),
        "mean_prediction": lambda y, p, w: np.average(p, weights=w),
        "mean_squared_error": lambda y, p, w: sk.mean_squared_error(y, p, sample_weight=w),
        "binary_accuracy": lambda y, p, w: sk.accuracy_score(y, p > 0.5, sample_weight=w),
        "precision": lambda y, p, w: sk.precision_score(y, p > 0.5, sample_weight=w, zero_division=np.nan),
        "recall": lambda y, p, w: sk.recall_score(y, p > 0.5, sample_weight=w, zero_division=np.nan),
        "auc": lambda y, p, w: sk.roc_auc_score(y, p, sample_weight=w) if len(set(y)) == 2 else np.nan,
        "tpr": lambda y, p, w: [
            sk.recall_score(y, p > t, sample_weight=w, zero_division=np.nan) for t in (0.25, 0.5, 0.75)
        ],
    }
    compared, slices = 0, set()
    for (key, metric), value in values_of(results).items():
        if metric.is_diff or metric.name not in references:
            continue
        part = rows_in(scored, key)
        expected = references[metric.name](part[LABEL], part[metric.model_name].astype(float), part[WEIGHT])
        bound = auc_bound(part[LABEL], part[metric.model_name], part[WEIGHT]) if metric.name == "auc" else 0.0
        expected = np.asarray(expected, float)
        assert value == pytest.approx(expected, rel=4 * FLOAT64, abs=bound, nan_ok=True), (key, metric)
        compared += 1
        slices.add(key)
    assert len(slices) > 30
    assert compared == len(slices) * len(references) * 2


def test_every_row_is_in_the_results(results, scored):
    rows = {slice_key_from_proto(record.slice_key): record.rows for record in assay.load_metrics(str(results))}
    assert rows[()] == len(scored) == json.loads((latest(results) / "results.json").read_text())["rows"]
    assert sum(n for key, n in rows.items() if [f for f, _ in key] == ["sex"]) == len(scored)
    assert sum(n for key, n in rows.items() if [f for f, _ in key] == ["race", "sex"]) == len(scored)


@pytest.fixture(scope="module")
def tfma():
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow_model_analysis

    return tensorflow_model_analysis


def test_tfma_opens_the_results(results, tfma):
    loaded = tfma.load_eval_result(str(latest(results)), model_name="candidate")
    ours = assay.load_eval_result(str(results), model_name="candidate")
    overall = dict(loaded.slicing_metrics)[()][""][""]
    assert overall["auc"]["doubleValue"] == dict(ours.slicing_metrics)[()][""][""]["auc"]["doubleValue"] > 0.9
    assert len(loaded.slicing_metrics) == len(ours.slicing_metrics) > 30
    assert len(list(tfma.load_metrics(str(latest(results))))) == len(loaded.slicing_metrics)
    plots = list(tfma.load_plots(str(latest(results))))
    assert len(plots) == len(loaded.slicing_metrics)
    assert all(len(plot.plot_keys_and_values) == 2 for plot in plots)
    validation = tfma.load_validation_result(str(latest(results)))
    assert validation.validation_ok == assay.load_validation_result(str(results)).validation_ok is True


def with_even_thresholds(config):
    """The config whose areas are those of evenly spaced thresholds, as TFMA's are; by default ours are nearer."""
    for spec in config["metrics_specs"]:
        for metric in spec["metrics"]:
            if metric["class_name"].startswith("AUC"):
                assert "config" not in metric
                metric["config"] = '"num_thresholds": 9999'
    return config


@pytest.fixture(scope="module", params=TFMA_ROWS)
def both(request, tmp_path_factory, tfma, scored):
    """Results of assay and of TFMA on the same rows, with the same predictions to the last bit.

    Both run models that hand on a column: how trained models round depends on batches and processors, and a threshold
    may lie between.
    """
    import tensorflow as tf
    from google.protobuf import json_format
    from tensorflow_model_analysis.proto import config_pb2

    folder = tmp_path_factory.mktemp("both")
    first = str(sorted((CENSUS / "out" / "data").glob("*.tfrecord.gz"))[0])
    records = itertools.islice(tf.data.TFRecordDataset([first], "GZIP").as_numpy_iterator(), request.param)
    with tf.io.TFRecordWriter(str(folder / "eval.tfrecord")) as writer:
        for row, record in enumerate(records):
            example = tf.train.Example.FromString(record)
            for name in ("candidate", "baseline"):
                example.features.feature[f"score_{name}"].float_list.value.append(scored[name][row])
            writer.write(example.SerializeToString())
    locations = {name: hands_on(f"score_{name}", folder / name) for name in ("candidate", "baseline")}
    models = [
        {"name": name, "uri": str(path), "type": "saved_model", "baseline": name == "baseline"}
        for name, path in locations.items()
    ]
    inputs = {"format": "tfrecord", "files": [str(folder / "eval.tfrecord")]}
    config = with_even_thresholds(yaml.safe_load((CENSUS / "analysis.yaml").read_text())["eval_config"])
    ours = run_census(folder / "ours", inputs=inputs, models=models, eval_config=config)

    # Parsed by our own library, which takes thresholds as plain numbers, and handed over by wire.
    wire = assay.resolve_eval_config(assay.parse_eval_config(config)).SerializeToString()
    eval_config = config_pb2.EvalConfig.FromString(wire)
    assert json_format.MessageToDict(eval_config)
    tfma.run_model_analysis(
        eval_shared_model=[
            tfma.default_eval_shared_model(str(path), model_name=name, eval_config=eval_config)
            for name, path in locations.items()
        ],
        eval_config=eval_config,
        data_location=str(folder / "eval.tfrecord"),
        output_path=str(folder / "tfma"),
    )
    return ours, folder / "tfma"


def hands_on(feature, path):
    """Saves a model of serialised tf.Examples whose prediction is one of their features."""
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples):
        parsed = tf.io.parse_example(examples, {feature: tf.io.FixedLenFeature([1], tf.float32)})
        return {"predictions": parsed[feature]}

    tf.saved_model.save(tf.Module(), str(path), signatures={"serving_default": serve})
    return path


def test_metrics_are_those_of_tfma(both, tfma):
    ours, theirs = values_of(both[0]), values_of(both[1], tfma.load_metrics)
    assert set(ours) == set(theirs)
    for where, value in ours.items():
        if np.isnan(value).any() and where[1].name in UNDEFINED_HERE:
            assert theirs[where] == 0 or where[1].is_diff
            continue
        # A difference is as exact as the values that it is made of.
        of_one = (where[0], where[1]._replace(is_diff=False))
        size = np.nan_to_num(np.maximum(np.abs(theirs[where]), np.abs(theirs[of_one])))
        assert value == pytest.approx(theirs[where], rel=0, abs=float((2 * TFMA_FLOAT32 * size).max()), nan_ok=True), (
            where
        )


def test_plots_are_those_of_tfma(both, tfma):
    def numbers(path, loader):
        found = {}
        for record in loader(str(path)):
            for item in record.plot_keys_and_values:
                matrices = item.value.confusion_matrix_at_thresholds.matrices
                buckets = item.value.calibration_histogram_buckets.buckets
                found[str(record.slice_key), item.key.model_name] = (
                    [[m.threshold, m.true_positives, m.false_negatives, m.precision, m.f1] for m in matrices],
                    [[b.num_weighted_examples.value, b.total_weighted_label.value] for b in buckets],
                    [b.total_weighted_refined_prediction.value for b in buckets],
                )
        return found

    ours, theirs = numbers(both[0], assay.load_plots), numbers(both[1], tfma.load_plots)
    assert set(ours) == set(theirs)
    for where, parts in ours.items():
        for mine, other in zip(parts, theirs[where], strict=True):
            np.testing.assert_allclose(mine, other, rtol=2 * TFMA_FLOAT32, atol=ZERO, err_msg=str(where))


def test_the_validation_is_that_of_tfma_but_for_slices_without_an_area(both, tfma):
    ours, theirs = assay.load_validation_result(str(both[0])), tfma.load_validation_result(str(both[1]))

    def failures(result):
        return {
            (str(part.slice_key), failure.metric_key.name, failure.metric_key.is_diff)
            for part in result.metric_validations_per_slice
            for failure in part.failures
        }

    only_here = failures(ours) - failures(theirs)
    assert failures(theirs) <= failures(ours)
    assert {name for _, name, _ in only_here} <= UNDEFINED_HERE
