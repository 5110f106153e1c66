"""Every metric and plot of ours that TFMA has, on the same hard data, against TFMA itself."""

import os

import numpy as np
import pandas as pd
import pytest
from google.protobuf import text_format

import assay
from assay.metrics.registry import definitions
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice, PlotsForSlice
from assay.records import metric_key_from_proto, plot_key_from_proto, slice_key_from_proto
from tests.metrics.hard_data import hard_batch

ROWS = 1200
RAISES_THERE = {"PrevalenceThreshold": "divides by zero at chance and ends the run"}
ZERO_THERE = {"auc": "0.0 where a slice has one class", "auc_precision_recall": "0.0 where a slice has no positives"}

NAMES = sorted(set(definitions()) - set(RAISES_THERE) - {"ConfusionMatrixAtThresholds"})
METRICS = " ".join(f'metrics {{ class_name: "{name}" }}' for name in NAMES)
AT_THRESHOLDS = """
  metrics { class_name: "ConfusionMatrixAtThresholds" config: '"thresholds": [0.25, 0.5, 0.9999]' }
  metrics { class_name: "TPR" config: '"thresholds": [0.75, 0.25, 0.0, 1.0], "name": "tpr_at"' }
  metrics { class_name: "BinaryAccuracy" config: '"threshold": 0.3, "name": "accuracy_at"' }
"""
CONFIGS = {
    "weighted": f"""
      model_specs {{ label_key: "label" prediction_key: "prediction" example_weight_key: "weight" }}
      slicing_specs {{}} slicing_specs {{ feature_keys: "group" }} slicing_specs {{ feature_keys: ["level", "group"] }}
      slicing_specs {{ feature_keys: "group" feature_values {{ key: "level" value: "3" }} }}
      metrics_specs {{ {METRICS} {AT_THRESHOLDS} }}""",
    "unweighted": f"""
      model_specs {{ label_key: "label" prediction_key: "prediction" }}
      slicing_specs {{}} slicing_specs {{ feature_keys: "level" }}
      metrics_specs {{ {METRICS} {AT_THRESHOLDS} }}""",
    "fractional labels": f"""
      model_specs {{ label_key: "fraction" prediction_key: "prediction" example_weight_key: "weight" }}
      slicing_specs {{ feature_keys: "group" }}
      metrics_specs {{ {METRICS} {AT_THRESHOLDS} }}""",
    "regression": """
      model_specs { label_key: "amount" prediction_key: "forecast" example_weight_key: "weight" }
      slicing_specs {} slicing_specs { feature_keys: "group" }
      metrics_specs {
        metrics { class_name: "MeanSquaredError" } metrics { class_name: "MeanLabel" }
        metrics { class_name: "MeanPrediction" } metrics { class_name: "Calibration" }
        metrics { class_name: "ExampleCount" }
      }""",
}


@pytest.fixture(scope="module")
def frame():
    batch = hard_batch(ROWS)
    rng = np.random.default_rng(11)
    amount = rng.lognormal(3, 1, ROWS)
    return pd.DataFrame(
        {name: column.to_pylist() for name, column in batch["features"].items()}
        | {
            "label": batch["labels"],
            "fraction": np.round(rng.random(ROWS), 2),
            "prediction": batch["predictions"],
            "weight": batch["example_weights"],
            "amount": amount,
            "forecast": amount * rng.lognormal(0, 0.2, ROWS) - 1,
        }
    )


@pytest.fixture(scope="module")
def tfma():
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow_model_analysis

    return tensorflow_model_analysis


@pytest.fixture(scope="module", params=CONFIGS)
def outputs(request, frame, tfma, tmp_path_factory):
    """Folders of our results and of TFMA's."""
    from tensorflow_model_analysis.proto import config_pb2

    folder = tmp_path_factory.mktemp("conformance")
    assay.analyze_raw_data(frame, CONFIGS[request.param], str(folder / "ours"))
    theirs = text_format.Parse(CONFIGS[request.param], config_pb2.EvalConfig())
    tfma.analyze_raw_data(frame, theirs, output_path=str(folder / "theirs"))
    return str(folder / "ours"), str(folder / "theirs")


def metric_values(records):
    found = {}
    for record in map(MetricsForSlice.FromString, records):
        for item in record.metric_keys_and_values:
            found[slice_key_from_proto(record.slice_key), metric_key_from_proto(item.key)] = number_in(item.value)
    return found


def number_in(value):
    if value.HasField("double_value"):
        return np.asarray(value.double_value.value)
    if value.HasField("array_value"):
        return np.asarray(value.array_value.float64_values or value.array_value.float32_values)
    return matrices_in(value.confusion_matrix_at_thresholds)


def matrices_in(message):
    fields = [f for f in message.DESCRIPTOR.nested_types[0].fields if f.cpp_type == f.CPPTYPE_DOUBLE]
    return np.array([[getattr(matrix, f.name) for f in fields] for matrix in message.matrices])


def serialized(records):
    return [record.SerializeToString() for record in records]


def test_metrics_are_equal(outputs, tfma):
    ours = metric_values(serialized(assay.load_metrics(outputs[0])))
    theirs = metric_values(serialized(tfma.load_metrics(outputs[1])))
    assert set(theirs) == {place for place in ours if "prevalence_threshold" not in place[1].name}
    for place, expected in theirs.items():
        if place[1].name in ZERO_THERE and np.isnan(ours[place]):
            assert expected == 0, place
            continue
        np.testing.assert_allclose(ours[place], expected, rtol=1e-6, atol=1e-9, err_msg=str(place))


def test_plots_are_equal(outputs, tfma):
    def plots(records):
        found = {}
        for record in map(PlotsForSlice.FromString, records):
            for item in record.plot_keys_and_values:
                place = slice_key_from_proto(record.slice_key), plot_key_from_proto(item.key)
                buckets = item.value.calibration_histogram_buckets.buckets
                found[place] = (
                    matrices_in(item.value.confusion_matrix_at_thresholds),
                    np.array([[b.lower_threshold_inclusive, b.upper_threshold_exclusive] for b in buckets]),
                    np.array([[b.num_weighted_examples.value, b.total_weighted_label.value] for b in buckets]),
                    np.array([b.total_weighted_refined_prediction.value for b in buckets]),
                )
        return found

    ours, theirs = plots(serialized(assay.load_plots(outputs[0]))), plots(serialized(tfma.load_plots(outputs[1])))
    assert set(ours) == set(theirs)
    for place, parts in theirs.items():
        for mine, expected in zip(ours[place], parts, strict=True):
            np.testing.assert_allclose(mine, expected, rtol=1e-6, atol=1e-9, err_msg=str(place))
