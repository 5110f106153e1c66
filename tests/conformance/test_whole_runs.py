"""One whole run of TFMA and one of `assay run`: the same files, two SavedModels, slices and thresholds of every kind.

Scores come out of the models by multiplication and addition alone, so that they do not depend on how batches are cut.
"""

import json
import os

import numpy as np
import pytest
from google.protobuf import json_format

from assay import cli, load_metrics, load_plots, load_validation_result, parse_eval_config, resolve_eval_config
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice, PlotsForSlice
from assay.proto.validation_result_pb2 import ValidationResult
from assay.results.keys import metric_key_from_proto, plot_key_from_proto, slice_key_from_proto
from tests.conformance.exceptions import FINER_HERE, NO_SLICE_THERE, ZERO_THERE
from tests.conformance.record_numbers import matrices_in, number_in
from tests.conformance.recorded import SOURCES, results_of_tfma

ROWS, SHARDS = 1500, 3

SLICES = [
    {},
    {"feature_keys": ["group"]},
    {"feature_keys": ["level"]},
    {"feature_keys": ["price"]},
    {"feature_keys": ["tags"]},
    {"feature_keys": ["maybe"]},
    {"feature_keys": ["group", "level"]},
    {"feature_keys": ["tags", "maybe"]},
    {"feature_keys": ["price", "tags"]},
    {"feature_values": {"maybe": "x", "level": "5"}},
    {"feature_keys": ["tags"], "feature_values": {"level": "3"}},
    {"feature_keys": ["maybe"], "feature_values": {"price": "0.1"}},
    {"feature_values": {"tags": "red", "group": "b"}},
    {"feature_keys": ["only positives"]},
    {"feature_values": {"group": "no such value"}},
]


((ONLY_HERE_FEATURE, ONLY_HERE_TEXT),) = NO_SLICE_THERE
ONLY_HERE = (("maybe", "x"), ("maybe", "y"))
"""What such slices are crossed with."""


def value(**bounds):
    return {"value_threshold": bounds}


def change(direction, **bounds):
    return {"change_threshold": {"direction": f"{direction}_IS_BETTER", **bounds}}


def metric(class_name, *per_slice, threshold=None, **config):
    if class_name in FINER_HERE and not {"thresholds", "num_thresholds"} & set(config):
        config["num_thresholds"] = 9_999  # evenly spaced thresholds, as TFMA has no others
    return {
        "class_name": class_name,
        **({"config": config} if config else {}),
        **({"threshold": threshold} if threshold else {}),
        "per_slice_thresholds": [{"slicing_specs": specs, "threshold": limit} for specs, limit in per_slice],
    }


COUNTS = [metric("ExampleCount", ([{}], value(lower_bound=1000.0, upper_bound=1e6)))]
METRICS = [
    metric("MeanLabel", threshold=value(lower_bound=0.05, upper_bound=0.96875)),
    metric("MeanPrediction", threshold=value(lower_bound=0.3) | change("HIGHER", absolute=-0.03125)),
    metric("Calibration", ([{"feature_keys": ["group"]}, {"feature_keys": ["tags"]}], value(upper_bound=1.125))),
    metric("MeanSquaredError", ([{}, {"feature_keys": ["level"]}], change("LOWER", absolute=0.0, relative=0.015625))),
    metric(
        "AUC",
        ([{}], value(lower_bound=0.625) | change("HIGHER", absolute=0.0078125)),
        ([{"feature_keys": ["price"]}], value(lower_bound=0.6875)),
        ([{"feature_values": {"level": "3"}}, {"feature_values": {"price": "0.5"}}], change("HIGHER", relative=0.0625)),
        ([{"feature_values": {"group": "gone"}}], value(lower_bound=0.5)),
    ),
    metric("AUCPrecisionRecall"),
    metric("BinaryAccuracy", ([{"feature_keys": ["group", "level"]}], value(lower_bound=0.40625))),
    metric("BinaryAccuracy", threshold=value(lower_bound=0.25)) | {"config": '"threshold": 0.3, "name": "accuracy_at"'},
    metric("Precision"),
    metric("Recall"),
    metric("FPR", ([{}, {"feature_keys": ["maybe"]}], value(upper_bound=0.21875)), name="alarms"),
    metric("FPR", thresholds=[0.25, 0.5, 0.75]),
    metric("TPR", thresholds=[0.0, 0.5, 1.0]),
    metric("F1Score"),
    metric("MatthewsCorrelationCoefficient"),
    metric("ConfusionMatrixAtThresholds", thresholds=[0.1, 0.5, 0.9]),
    metric("CalibrationPlot"),
    metric("ConfusionMatrixPlot"),
]
MODELS = {"candidate": (1.0, 0.0, 0.0), "baseline": (0.75, 0.125, 1.0)}
"""Scale, shift and noise of their scores."""
KEYS = {"label_key": "label", "example_weight_key": "weight"}
CONFIG = {
    "model_specs": [{"name": "candidate", **KEYS}, {"name": "baseline", "is_baseline": True, **KEYS}],
    "slicing_specs": SLICES,
    "metrics_specs": [{"example_weights": {"unweighted": True}, "metrics": COUNTS}, {"metrics": METRICS}],
}


def write_data(folder, rows):
    """Missing values, no value to three values a feature, single-class slices, lognormal weights, scores on edges."""
    import tensorflow as tf

    kinds = {str: "bytes_list", int: "int64_list", float: "float_list"}
    for shard in range(SHARDS):
        with tf.io.TFRecordWriter(str(folder / f"eval-{shard}.tfrecord")) as writer:
            for row in rows[shard::SHARDS]:
                example = tf.train.Example()
                for name, values in row.items():
                    if values:
                        getattr(example.features.feature[name], kinds[type(values[0])]).value.extend(
                            v.encode() if isinstance(v, str) else v for v in values
                        )
                writer.write(example.SerializeToString())


def rows_of_data():
    rng = np.random.default_rng(20)
    return [row_of(rng) for _ in range(ROWS)]


def row_of(rng):
    label = float(rng.random() < 0.35)
    group = str(rng.choice(["a", "b", "positives"], p=[0.6, 0.3, 0.1]))
    label = 1.0 if group == "positives" else label
    score = float(np.clip(rng.normal(0.35 + 0.25 * label, 0.25), 0, 1))
    if rng.random() < 0.2:
        score = float(rng.choice([0.0, 1.0, 0.5, 0.25, 0.0001, 0.9999, 0.3333]))
    return {
        "label": [label],
        "score": [score],
        "noise": [float(rng.normal(0, 0.2))],
        "weight": [float(rng.lognormal(0, 1))],
        "group": [group],
        "level": [int(rng.integers(-2, 6))],
        "price": [float(rng.choice([0.1, 0.5, 1.25]))],
        "tags": [str(t) for t in rng.choice(["red", "green", "blå"], rng.integers(0, 4))],
        "maybe": [str(rng.choice(["x", "y"]))] if rng.random() < 0.6 else [],
        "only positives": ["yes"] if label else [],
    }


def save_model(path, scale, shift, noise):
    """A SavedModel of serialised tf.Examples; its score is scale * score + shift + noise * noise, within [0, 1]."""
    import tensorflow as tf

    spec = {name: tf.io.FixedLenFeature([1], tf.float32) for name in ("score", "noise")}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples):
        parsed = tf.io.parse_example(examples, spec)
        scores = parsed["score"] * scale + shift + parsed["noise"] * noise
        return {"predictions": tf.clip_by_value(scores, 0.0, 1.0)}

    tf.saved_model.save(tf.Module(), str(path), signatures={"serving_default": serve})


@pytest.fixture(scope="module")
def tfma():
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow_model_analysis

    return tensorflow_model_analysis


@pytest.fixture(scope="module", params=SOURCES)
def outputs(request, tfma, tmp_path_factory):
    """Folders of our results and of TFMA's."""
    from tensorflow_model_analysis.proto import config_pb2

    folder = tmp_path_factory.mktemp("whole")
    rows = rows_of_data()
    write_data(folder, rows)
    models = {name: folder / name for name in MODELS}
    for name, path in models.items():
        save_model(path, *MODELS[name])
    analysis = {
        "inputs": {"format": "tfrecord", "files": ["eval-*.tfrecord"]},
        "models": [
            {"name": name, "uri": str(path), "type": "saved_model", "baseline": name == "baseline"}
            for name, path in models.items()
        ],
        "eval_config": CONFIG,
        "output": "ours",
    }
    (folder / "analysis.json").write_text(json.dumps(analysis))
    assert cli.main(["run", str(folder / "analysis.json"), "--quiet"]) == 0
    resolved = resolve_eval_config(parse_eval_config(CONFIG))
    theirs = config_pb2.EvalConfig.FromString(resolved.SerializeToString())

    def run(results):
        tfma.run_model_analysis(
            eval_shared_model=[
                tfma.default_eval_shared_model(str(path), model_name=name, eval_config=theirs)
                for name, path in models.items()
            ],
            eval_config=theirs,
            data_location=str(folder / "eval-*.tfrecord"),
            output_path=str(results),
        )

    (folder / "theirs").mkdir()
    results_of_tfma(
        "whole run",
        [rows, MODELS, json_format.MessageToJson(theirs, sort_keys=True)],
        run,
        folder / "theirs",
        request.param,
    )
    return str(folder / "ours"), str(folder / "theirs")


def entries(records, kind, field):
    """(slice, entry) of every metric or plot in records of either library."""
    for record in records:
        message = kind.FromString(record.SerializeToString())
        yield from ((slice_key_from_proto(message.slice_key), entry) for entry in getattr(message, field))


def metrics_in(records):
    return {
        (slice_key, metric_key_from_proto(entry.key)): number_in(entry.value)
        for slice_key, entry in entries(records, MetricsForSlice, "metric_keys_and_values")
    }


def plots_in(records):
    found = {}
    for slice_key, entry in entries(records, PlotsForSlice, "plot_keys_and_values"):
        buckets = entry.value.calibration_histogram_buckets.buckets
        found[slice_key, plot_key_from_proto(entry.key)] = (
            matrices_in(entry.value.confusion_matrix_at_thresholds),
            np.array([[b.lower_threshold_inclusive, b.upper_threshold_exclusive] for b in buckets]),
            np.array([[b.num_weighted_examples.value, b.total_weighted_label.value] for b in buckets]),
            np.array([b.total_weighted_refined_prediction.value for b in buckets]),
        )
    return found


def test_the_data_makes_slices_of_every_kind(outputs):
    slices = {key for key, _ in metrics_in(load_metrics(outputs[0]))}
    assert {type(v) for key in slices for _, v in key} == {str, int, float}
    assert {tuple(f for f, _ in key) for key in slices} >= {("group", "level"), ("maybe", "tags"), ("price", "tags")}
    assert (("level", 3), ("tags", "blå")) in slices
    assert (("group", "b"), ("tags", "red")) in slices
    assert len(slices) > 50


def is_only_here(slice_key):
    lone = ((ONLY_HERE_FEATURE, float(ONLY_HERE_TEXT)),)
    return bool(slice_key) and slice_key[0] in ONLY_HERE and slice_key[1:] == lone


def shared(ours):
    """What TFMA has too; the rest has to be there as well."""
    assert {where[0][0] for where in ours if is_only_here(where[0])} == set(ONLY_HERE)
    return {where: found for where, found in ours.items() if not is_only_here(where[0])}


def test_metrics_are_those_of_tfma(outputs, tfma):
    ours, theirs = shared(metrics_in(load_metrics(outputs[0]))), metrics_in(tfma.load_metrics(outputs[1]))
    assert set(ours) == set(theirs)
    for where, expected in theirs.items():
        if where[1].name in ZERO_THERE and np.isnan(ours[where]):
            assert expected == 0, where
            continue
        # A difference is as exact as the values that it is made of.
        scale = np.abs(theirs[where[0], where[1]._replace(is_diff=False)]) if where[1].is_diff else 0.0
        tolerance = 1e-6 * np.maximum(np.abs(expected), np.nan_to_num(scale)) + 1e-9
        close = np.isnan(ours[where]) & np.isnan(expected) | (np.abs(ours[where] - expected) <= tolerance)
        assert close.all(), (where, ours[where], expected)


def test_plots_are_those_of_tfma(outputs, tfma):
    ours, theirs = shared(plots_in(load_plots(outputs[0]))), plots_in(tfma.load_plots(outputs[1]))
    assert set(ours) == set(theirs)
    for where, parts in theirs.items():
        for mine, expected in zip(ours[where], parts, strict=True):
            np.testing.assert_allclose(mine, expected, rtol=1e-6, atol=1e-9, err_msg=str(where))


def failures(result):
    """What failed in slices that both have: (slice, metric, threshold)."""
    return {
        (
            slice_key_from_proto(part.slice_key),
            metric_key_from_proto(failure.metric_key),
            failure.metric_threshold.SerializeToString(deterministic=True),
        )
        for part in result.metric_validations_per_slice
        for failure in part.failures
        if not is_only_here(slice_key_from_proto(part.slice_key))
    }


def test_the_validation_is_that_of_tfma(outputs, tfma):
    ours, theirs = (
        ValidationResult.FromString(result.SerializeToString())
        for result in (load_validation_result(outputs[0]), tfma.load_validation_result(outputs[1]))
    )
    undefined = {where for where, found in metrics_in(load_metrics(outputs[0])).items() if np.isnan(found).any()}
    mine = {failure for failure in failures(ours) if failure[:2] not in undefined}
    assert mine == {failure for failure in failures(theirs) if failure[:2] not in undefined}
    assert {key.name for _, key, _ in mine} >= {"mean_label", "mean_prediction", "auc", "alarms", "calibration"}
    assert {key.is_diff for _, key, _ in mine} == {True, False}
    assert ours.validation_ok is theirs.validation_ok is False
    assert ours.missing_thresholds == theirs.missing_thresholds

    def missing(result):
        return sorted(spec.SerializeToString(deterministic=True) for spec in result.missing_slices)

    def matched(result):
        details = result.validation_details.slicing_details
        return {d.slicing_spec.SerializeToString(deterministic=True): d.num_matching_slices for d in details}

    assert missing(ours) == missing(theirs)
    every_slice = matched(theirs)[b""]
    assert matched(ours) == {**matched(theirs), b"": every_slice + len(ONLY_HERE)}
