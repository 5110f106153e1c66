"""Every metric and plot of ours that TFMA has, on the same hard data, against TFMA itself.

Each run of TFMA is compared with two of ours: of the data in memory, and of files by `assay run`. Where TFMA is wrong,
see `exceptions`.
"""

import json
import os
from typing import Any

import numpy as np
import pandas as pd
import pytest
from google.protobuf import text_format

import assay
from assay import cli
from assay.metrics.declare import definitions
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice, PlotsForSlice
from assay.results.keys import metric_key_from_proto, plot_key_from_proto, slice_key_from_proto
from assay.slicing.specs import matches, slicings_of
from tests.conformance.exceptions import APART, FINER_HERE, MEANINGLESS_THERE, NOISE_THERE, RAISES_THERE, ZERO_THERE
from tests.conformance.record_numbers import matrices_in, number_in
from tests.conformance.recorded import SOURCES, cells_of, results_of_tfma
from tests.metrics.asked import ONE_MODEL, asked
from tests.metrics.hard_data import hard_batch

ROWS = 1200

# An area over `thresholds` has both ends here, whether given or not; TFMA promises that, but they have to be given.
OF_CLASSES = {name for name, definition in ONE_MODEL.items() if definition.needs.domain.view}
"""Metrics that need a number for each class; `analyze_raw_data` of TFMA drops columns of lists."""
ONLY_HERE = {"PredictedNegativeRate"}
"""One of the rates that `FairnessIndicators` stands for, which has no name of its own in TFMA."""
NAMES = sorted(set(ONE_MODEL) - set(RAISES_THERE) - set(APART) - OF_CLASSES - ONLY_HERE)


def even(name: str, settings: dict[str, Any]) -> dict[str, Any]:
    """The settings with evenly spaced thresholds, where TFMA has no others."""
    own = "num_thresholds" in settings or "thresholds" in settings
    return {**settings, "num_thresholds": 9_999} if name in FINER_HERE and not own else settings


METRICS = " ".join(asked(name, **even(name, {})) for name in NAMES)
SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("ConfusionMatrixAtThresholds", {"thresholds": [0.25, 0.5, 0.9999]}),
    ("TPR", {"thresholds": [0.75, 0.25, 0.0, 1.0]}),
    ("BinaryAccuracy", {"threshold": 0.3}),
    ("AUC", {"num_thresholds": 200}),
    ("AUC", {"curve": "PR"}),
    ("AUC", {"summation_method": "minoring"}),
    ("AUC", {"summation_method": "majoring"}),
    ("AUC", {"curve": "PR", "summation_method": "minoring"}),
    ("AUC", {"curve": "PR", "summation_method": "majoring", "num_thresholds": 77}),
    ("AUC", {"thresholds": [-1e-7, 0.25, 0.5, 0.75, 1 + 1e-7]}),
    ("AUCPrecisionRecall", {"thresholds": [-1e-7, 0.25, 0.5, 0.75, 1 + 1e-7]}),
    ("AUCPrecisionRecall", {"num_thresholds": 1000}),
    ("SensitivityAtSpecificity", {"specificity": [0.05, 0.5, 0.999]}),
    ("SpecificityAtSensitivity", {"sensitivity": [0.05, 0.5, 0.999], "num_thresholds": 500}),
    ("PrecisionAtRecall", {"recall": [0.05, 0.5, 0.999]}),
    ("PrecisionAtRecall", {"recall": [0.1, 0.9], "thresholds": [0.25, 0.5, 0.75]}),
    ("RecallAtPrecision", {"precision": 0.99}),
    ("RecallAtFalsePositiveRate", {"false_positive_rate": 0.01, "num_thresholds": 300}),
    ("ThresholdAtRecall", {"recall": [0.05, 0.5, 0.999]}),
    ("ThresholdAtRecall", {"recall": [0.1, 0.9], "thresholds": [0.25, 0.5, 0.75]}),
    ("BinaryCrossEntropy", {"from_logits": True}),
    ("BinaryCrossEntropy", {"from_logits": True, "label_smoothing": 0.2}),
    ("ScoreDistributionPlot", {"num_thresholds": 20}),
    ("ConfusionMatrixPlot", {"num_thresholds": 30}),
    ("CalibrationPlot", {"num_buckets": 10}),
    ("CalibrationPlot", {"num_buckets": 7}),
    ("CalibrationPlot", {"num_buckets": 33, "left": -0.5, "right": 1.5}),
]
WITH_SETTINGS = " ".join(
    asked(name, **even(name, settings), name=f"{definitions()[name].name}/{i}")
    for i, (name, settings) in enumerate(SETTINGS)
)
COLUMN_MEANS = " ".join(
    f'metrics {{ class_name: "Mean" config: {json.dumps(json.dumps(settings))} }}'
    for settings in (
        {"feature_key_path": ["features", "amount"]},
        {
            "feature_key_path": ["features", "amount"],
            "example_weights_key_path": ["features", "weight"],
            "name": "weighted_mean",
        },
    )
)
REGRESSION = """
  metrics { class_name: "MeanSquaredError" } metrics { class_name: "MeanAbsoluteError" }
  metrics { class_name: "MeanAbsolutePercentageError" } metrics { class_name: "MeanSquaredLogarithmicError" }
  metrics { class_name: "SquaredPearsonCorrelation" } metrics { class_name: "MeanLabel" }
  metrics { class_name: "MeanPrediction" } metrics { class_name: "Calibration" } metrics { class_name: "ExampleCount" }
  metrics { class_name: "CalibrationPlot" config: '"left": -10, "right": 200, "num_buckets": 50' }
"""
CONFIGS = {
    "weighted": f"""
      model_specs {{ label_key: "label" prediction_key: "prediction" example_weight_key: "weight" }}
      slicing_specs {{}} slicing_specs {{ feature_keys: "group" }} slicing_specs {{ feature_keys: ["level", "group"] }}
      slicing_specs {{ feature_keys: "group" feature_values {{ key: "level" value: "3" }} }}
      metrics_specs {{ {METRICS} {WITH_SETTINGS} }}""",
    "unweighted": f"""
      model_specs {{ label_key: "label" prediction_key: "prediction" }}
      slicing_specs {{}} slicing_specs {{ feature_keys: "level" }}
      metrics_specs {{ {METRICS} {WITH_SETTINGS} {COLUMN_MEANS} }}""",
    "fractional labels": f"""
      model_specs {{ label_key: "fraction" prediction_key: "prediction" example_weight_key: "weight" }}
      slicing_specs {{ feature_keys: "group" }}
      metrics_specs {{ {METRICS} {WITH_SETTINGS} }}""",
    "regression": f"""
      model_specs {{ label_key: "amount" prediction_key: "forecast" example_weight_key: "weight" }}
      slicing_specs {{}} slicing_specs {{ feature_keys: "group" }} slicing_specs {{ feature_keys: "price" }}
      slicing_specs {{ feature_keys: "tags" }} slicing_specs {{ feature_keys: ["tags", "maybe"] }}
      slicing_specs {{ feature_keys: "maybe" feature_values {{ key: "price" value: "0.5" }} }}
      slicing_specs {{ feature_values {{ key: "maybe" value: "x" }} feature_values {{ key: "tags" value: "red" }} }}
      metrics_specs {{ {REGRESSION} }}""",
    "two models": f"""
      model_specs {{ name: "new" label_key: "label" prediction_key: "prediction" }}
      model_specs {{ name: "old" label_key: "label" prediction_key: "older" }}
      slicing_specs {{}} slicing_specs {{ feature_keys: "group" }} slicing_specs {{ feature_keys: ["level", "group"] }}
      metrics_specs {{ {METRICS} {COLUMN_MEANS} }}
      options {{ min_slice_size {{ value: 60 }} }}""",
    "losses": """
      model_specs { label_key: "label" prediction_key: "probability" example_weight_key: "weight" }
      slicing_specs {} slicing_specs { feature_keys: "group" }
      metrics_specs {
        metrics { class_name: "BinaryCrossEntropy" }
        metrics { class_name: "BinaryCrossEntropy" config: '"label_smoothing": 0.1, "name": "smoothed"' }
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
            "older": batch["baseline"],
            "probability": np.clip(batch["predictions"], 1e-6, 1 - 1e-6),
            "weight": batch["example_weights"],
            "amount": amount,
            "forecast": amount * rng.lognormal(0, 0.2, ROWS) - 1,
            "price": rng.choice([0.25, 0.5, 1.25], ROWS),
            "tags": [rng.choice(["red", "green", "blå"], rng.integers(0, 4)).tolist() for _ in range(ROWS)],
            "maybe": rng.choice(np.array(["x", "y", None]), ROWS),
        }
    )


@pytest.fixture(scope="module")
def tfma():
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow_model_analysis

    return tensorflow_model_analysis


@pytest.fixture(scope="module", params=SOURCES)
def source(request):
    return request.param


@pytest.fixture(scope="module", params=CONFIGS)
def outputs(request, source, frame, tfma, tmp_path_factory):
    """The config; the folders of our results, by the way to them, and of TFMA's."""
    from tensorflow_model_analysis.proto import config_pb2

    def run(theirs):
        tfma.analyze_raw_data(frame, text_format.Parse(config, config_pb2.EvalConfig()), output_path=str(theirs))

    folder, config = tmp_path_factory.mktemp("conformance"), CONFIGS[request.param]
    assay.analyze_raw_data(frame, config, str(folder / "memory"))
    run_on_files(frame, config, folder)
    (folder / "theirs").mkdir()
    results_of_tfma(f"metrics, {request.param}", [cells_of(frame), config], run, folder / "theirs", source)
    return {"config": config} | {name: str(folder / name) for name in ("memory", "files", "theirs")}


def run_on_files(frame, config, folder):
    """`assay run` on three files, the results in `files`."""
    for i, part in enumerate(np.array_split(np.arange(len(frame)), [500, 501])):
        frame.iloc[part].to_parquet(folder / f"eval-{i}.parquet")
    analysis = {
        "inputs": {"format": "parquet", "files": ["eval-*.parquet"]}, "eval_config": config, "output": "files",
    }  # fmt: skip
    (folder / "analysis.json").write_text(json.dumps(analysis))
    assert cli.main(["run", str(folder / "analysis.json"), "--quiet"]) == 0


def metric_values(records):
    found = {}
    for record in map(MetricsForSlice.FromString, records):
        for item in record.metric_keys_and_values:
            found[slice_key_from_proto(record.slice_key), metric_key_from_proto(item.key)] = number_in(item.value)
    return found


@pytest.mark.parametrize("way", ["memory", "files"])
def test_slices_that_are_too_small_to_be_shown_are_the_same(outputs, way, tfma):
    def hidden(records):
        found = map(MetricsForSlice.FromString, serialized(records))
        return {slice_key_from_proto(record.slice_key): sorted(record.metrics) for record in found if record.metrics}

    theirs = hidden(tfma.load_metrics(outputs["theirs"]))
    assert hidden(assay.load_metrics(outputs[way])) == theirs
    assert bool(theirs) == ("min_slice_size" in outputs["config"])


def test_every_slicing_makes_a_slice(outputs):
    keys = {key for key, _ in metric_values(serialized(assay.load_metrics(outputs["memory"])))}
    for slicing in slicings_of(assay.parse_eval_config(outputs["config"])):
        assert any(matches(key, slicing) for key in keys), slicing.name


def serialized(records):
    return [record.SerializeToString() for record in records]


@pytest.mark.parametrize("way", ["memory", "files"])
def test_metrics_are_equal(outputs, way, tfma):
    ours = metric_values(serialized(assay.load_metrics(outputs[way])))
    theirs = metric_values(serialized(tfma.load_metrics(outputs["theirs"])))
    assert set(theirs) == set(ours)
    for where, expected in theirs.items():
        found, expected, name = np.atleast_1d(ours[where]), np.atleast_1d(expected), where[1].name
        if name.partition("/")[0] in ZERO_THERE:
            assert not np.nan_to_num(expected[np.isnan(found)]).any(), where
            expected = np.where(np.isnan(found), np.nan, expected)
        if name in NOISE_THERE and np.isnan(found).all():
            continue
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9, err_msg=str(where))


@pytest.mark.parametrize("way", ["memory", "files"])
def test_plots_are_equal(outputs, way, tfma):
    def plots(records):
        found = {}
        for record in map(PlotsForSlice.FromString, records):
            for item in record.plot_keys_and_values:
                where = slice_key_from_proto(record.slice_key), plot_key_from_proto(item.key)
                buckets = item.value.calibration_histogram_buckets.buckets
                found[where] = (
                    matrices_in(item.value.confusion_matrix_at_thresholds),
                    np.array([[b.lower_threshold_inclusive, b.upper_threshold_exclusive] for b in buckets]),
                    np.array([[b.num_weighted_examples.value, b.total_weighted_label.value] for b in buckets]),
                    np.array([b.total_weighted_refined_prediction.value for b in buckets]),
                )
        return found

    ours = plots(serialized(assay.load_plots(outputs[way])))
    theirs = plots(serialized(tfma.load_plots(outputs["theirs"])))
    assert set(ours) == set(theirs)
    for where, parts in theirs.items():
        for mine, expected in zip(ours[where], parts, strict=True):
            if where[1].name.partition("/")[0] in MEANINGLESS_THERE and mine.ndim == 2:
                mine, expected = mine[:, :5], expected[:, :5]
            np.testing.assert_allclose(mine, expected, rtol=1e-6, atol=1e-9, err_msg=str(where))
