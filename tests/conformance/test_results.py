"""TFMA's loaders open our files, and ours open what TFMA writes, with the same values."""

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tensorflow_model_analysis.api import model_eval_lib
from tensorflow_model_analysis.metrics import (
    binary_confusion_matrices,
    metric_types,
    multi_class_confusion_matrix_metrics,
)
from tensorflow_model_analysis.proto import config_pb2, validation_result_pb2
from tensorflow_model_analysis.proto import metrics_for_slice_pb2 as tfma_pb
from tensorflow_model_analysis.writers import eval_config_writer
from tensorflow_model_analysis.writers import metrics_plots_and_validations_writer as their_writers

from assay.api import analyze_raw_data
from assay.config.own_fields import without_own_fields
from assay.metrics.keys import AggregationType, MetricKey, PlotKey, SubKey
from assay.metrics.values import Buckets, Matrices, MultiClassMatrices, MultiLabelMatrices, Value
from assay.notebook.eval_result import load_eval_result
from assay.proto.config_pb2 import EvalConfig, ModelSpec
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.proto.validation_result_pb2 import ValidationResult
from assay.results.files import load_metrics, load_plots, load_validation_result
from assay.results.keys import slice_key_from_proto
from assay.results.records import metric_records, plot_records, too_small_records
from assay.writers import EvalConfigWriter, MetricsPlotsAndValidationsWriter, MetricsTableWriter

SLICES = [(), (("sex", "F"),), (("age", 7), ("share", 0.5))]
RNG = np.random.default_rng(5)
MATRICES = Matrices(np.array([-1e-7, 0.5, 1 / 3]), *RNG.gamma(1, size=(4, 3, 3)) * (RNG.random((4, 3, 3)) < 0.7))
BUCKETS = Buckets(np.array([-np.inf, 0.5]), np.array([0.5, np.inf]), *RNG.random((3, 3, 2)))


def cells_of(*columns):
    """Cells of each slice: at 2 thresholds, of 3 classes and none, with so many weights."""
    cells = np.empty(3, object)
    for i in range(3):
        places = [(at, a, b) for at in range(2) for a in range(3) for b in range(-1, 3) if (at + a + b + i) % 4]
        cells[i] = np.array([(*place, *RNG.gamma(1, size=len(columns))) for place in places])
    return cells


MULTI_CLASS = MultiClassMatrices(np.array([0.25, 0.5]), cells_of("weight"))
MULTI_LABEL = MultiLabelMatrices(np.array([0.25, 0.5]), cells_of("fn", "tn", "fp", "tp"))
SUMS = ("num_weighted_examples", "total_weighted_label", "total_weighted_refined_prediction")
KEYS = [
    MetricKey("auc", "candidate", example_weighted=True),
    MetricKey("auc", "baseline", example_weighted=True),
    MetricKey("auc", "candidate", example_weighted=True, is_diff=True),
    MetricKey("auc", "candidate", "head", SubKey(class_id=0), None, False),
    MetricKey("recall", "candidate", sub_key=SubKey(top_k=2)),
    MetricKey("recall", "candidate", aggregation_type=AggregationType(micro_average=True)),
]
VALUES: dict[MetricKey, Value] = {
    **{key: np.array([0.5 + i, np.nan, -0.0]) for i, key in enumerate(KEYS)},
    MetricKey("example_count"): np.array([3.0, 1e300, np.inf]),
    MetricKey("tp", "candidate"): RNG.random((3, 4)),
    MetricKey("matrices", "candidate"): MATRICES,
    MetricKey("classes", "candidate"): MULTI_CLASS,
}
CLASSIC: dict[PlotKey, list[Value]] = {
    PlotKey(model_name=name, example_weighted=True): [MATRICES, BUCKETS] for name in ("candidate", "baseline")
}
OF_CLASSES: dict[PlotKey, list[Value]] = {
    PlotKey("classes", "candidate", "kind", example_weighted=True): [MULTI_CLASS],
    PlotKey("pairs", "candidate", "tags", example_weighted=True): [MULTI_LABEL],
}
"""Of outputs of their own, as TFMA's `EvalResult` keeps one plot of an output."""
PLOTS = CLASSIC | OF_CLASSES


def run(writer, **outputs):
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        evaluation = {key: pipeline | key >> beam.Create(records) for key, records in outputs.items()}
        _ = evaluation | writer.stage_name >> writer.ptransform


@pytest.fixture(scope="module", params=["tfrecord", "parquet"])
def written(request, tmp_path_factory):
    """Our results in a folder, and their format."""
    folder = str(tmp_path_factory.mktemp(request.param))
    config = EvalConfig(
        model_specs=[ModelSpec(name="candidate", classes=["a", "b"]), ModelSpec(name="baseline", is_baseline=True)]
    )
    records = [
        *metric_records(SLICES, np.array([9, 5, 2]), VALUES),
        *too_small_records([(("sex", "M"),)], 2),
    ]
    plots = list(plot_records(SLICES, PLOTS))
    validation = ValidationResult(validation_ok=True, missing_thresholds=True).SerializeToString()
    writer = MetricsPlotsAndValidationsWriter(folder, request.param)
    run(writer, metrics=records, plots=plots, validations=[validation])
    run(MetricsTableWriter(folder), metrics=records)
    run(EvalConfigWriter(folder, config, "data", "csv", {"candidate": "c", "baseline": "b"}), metrics=records)
    return folder, request.param


def same(found, expected):
    """Equal as text, so that NaN equals NaN, in any order."""
    assert sorted(map(repr, found)) == sorted(map(repr, expected))


def test_tfma_loads_our_metrics(written):
    known = [tfma_pb.MetricsForSlice.FromString(message.SerializeToString()) for message in load_metrics(written[0])]
    for message in known:
        message.DiscardUnknownFields()
    found = list(model_eval_lib.load_metrics(*written))
    for message in found:
        message.DiscardUnknownFields()
    assert len(found) == 4
    same(found, known)


def test_tfma_loads_our_plots(written):
    found = list(model_eval_lib.load_plots(*written))
    assert len(found) == 3
    same(found, [tfma_pb.PlotsForSlice.FromString(message.SerializeToString()) for message in load_plots(written[0])])


def test_tfma_loads_our_validation_result(written):
    found = model_eval_lib.load_validation_result(*written)
    assert (found.validation_ok, found.missing_thresholds) == (True, True)
    assert found.SerializeToString() == load_validation_result(written[0]).SerializeToString()


def test_tfma_opens_a_run_in_either_format_with_the_same_values(tmp_path):
    """It is told the format by the argument that has the same name as ours."""
    rows = [{"label": int(i % 3 > 0), "prediction": (i * 7 % 60) / 60, "sex": "FM"[i % 2]} for i in range(60)]
    metrics = [{"class_name": name} for name in ("AUC", "ExampleCount", "CalibrationPlot", "ConfusionMatrixPlot")]
    config = {"slicing_specs": [{}, {"feature_keys": ["sex"]}], "metrics_specs": [{"metrics": metrics}]}
    loaded = {}
    for form in ("tfrecord", "parquet"):
        folder = analyze_raw_data(rows, config, tmp_path / form, output_file_format=form).output
        result = model_eval_lib.load_eval_result(folder, output_file_format=form)
        values = sorted(map(repr, [*result.slicing_metrics, *result.plots]))
        loaded[form] = values, repr(model_eval_lib.load_validation_result(folder, form))
    assert loaded["parquet"] == loaded["tfrecord"]
    assert len(loaded["parquet"][0]) == 6


@pytest.mark.parametrize("model", ["candidate", "baseline"])
def test_both_load_the_same_eval_result(written, model):
    folder, form = written
    theirs, ours = model_eval_lib.load_eval_result(folder, form, model_name=model), load_eval_result(folder, model)
    there = [(key, metrics) for key, metrics in theirs.slicing_metrics if key != (("sex", "M"),)]
    assert len(there) == 3
    found = dict(ours.slicing_metrics)
    for key, metrics in there:
        assert repr(nested(found[key])) == repr(nested(metrics))
    same([(key, nested(plots)) for key, plots in ours.plots], [(key, nested(plots)) for key, plots in theirs.plots])
    assert len(ours.plots) == 3
    for slice_key in SLICES:
        assert repr(nested(ours.get_metrics_for_slice(slice_key))) == repr(
            nested(theirs.get_metrics_for_slice(slice_key))
        )
    assert set(theirs.get_metric_names()) == set(ours.get_metric_names()) - {"__ERROR__"}
    assert ours.model_location == theirs.model_location
    assert ours.config is not None
    assert without_own_fields(ours.config).SerializeToString() == theirs.config.SerializeToString()
    assert ours.config.model_specs[0].classes == ["a", "b"]


def their_key(key, kind):
    """A key of ours as TFMA's; plots have metric keys there until they are written."""
    fields = {name: value for name, value in key._asdict().items() if name != "compares"}  # which is ours alone
    if key.sub_key is not None:
        fields["sub_key"] = metric_types.SubKey(**key.sub_key._asdict())
    if fields.get("aggregation_type") is not None:
        fields["aggregation_type"] = metric_types.AggregationType(micro_average=True)
    return kind(**fields)


def their_value(value, i):
    """The value of slice i as TFMA's metrics give it."""
    if isinstance(value, Matrices):
        counts = {name: getattr(value, name)[i].tolist() for name in ("tp", "fp", "tn", "fn")}
        return binary_confusion_matrices.Matrices(thresholds=value.thresholds.tolist(), **counts)
    if isinstance(value, MultiClassMatrices):
        matrices = multi_class_confusion_matrix_metrics.Matrices({threshold: {} for threshold in value.thresholds})
        for at, actual, predicted, weight in value.cells[i].tolist():
            place = multi_class_confusion_matrix_metrics.MatrixEntryKey(int(actual), int(predicted))
            matrices[value.thresholds[int(at)]][place] = weight
        return matrices
    return float(value[i]) if value.ndim == 1 else value[i]


def their_metrics(i):
    return SLICES[i], {their_key(key, metric_types.MetricKey): their_value(value, i) for key, value in VALUES.items()}


def their_plots(i):
    matrices, buckets = tfma_pb.ConfusionMatrixAtThresholds(), tfma_pb.CalibrationHistogramBuckets()
    matrices.CopyFrom(their_value(MATRICES, i).to_proto().confusion_matrix_at_thresholds)
    for lower, upper, *sums in zip(*BUCKETS[:2], *(column[i] for column in BUCKETS[2:]), strict=True):
        bucket = buckets.buckets.add(lower_threshold_inclusive=lower, upper_threshold_exclusive=upper)
        for name, total in zip(SUMS, sums, strict=True):
            getattr(bucket, name).value = total
    values = {"confusion_matrix_plot": matrices, "calibration_plot": buckets}
    keys = {name: [their_key(key, metric_types.PlotKey)._replace(name=name) for key in CLASSIC] for name in values}
    classes, pairs = (their_key(key, metric_types.PlotKey) for key in OF_CLASSES)
    of_classes = {
        classes: their_value(MULTI_CLASS, i).to_proto().multi_class_confusion_matrix_at_thresholds,
        pairs: their_pairs(i),
    }
    return SLICES[i], {key: value for name, value in values.items() for key in keys[name]} | of_classes


def their_pairs(i):
    message = tfma_pb.MultiLabelConfusionMatrixAtThresholds()
    for at, threshold in enumerate(MULTI_LABEL.thresholds):
        matrix = message.matrices.add(threshold=threshold)
        for _, actual, predicted, fn, tn, fp, tp in MULTI_LABEL.cells[i][MULTI_LABEL.cells[i][:, 0] == at]:
            entry = matrix.entries.add(actual_class_id=int(actual), predicted_class_id=int(predicted))
            entry.false_negatives, entry.true_negatives, entry.false_positives, entry.true_positives = fn, tn, fp, tp
    return message


@pytest.mark.parametrize("i", range(3))
def test_our_records_are_the_messages_that_tfma_writes(i):
    ours = tfma_pb.MetricsForSlice.FromString(list(metric_records(SLICES, np.zeros(3, int), VALUES))[i])
    theirs = their_writers.convert_slice_metrics_to_proto(their_metrics(i), None)
    same(ours.metric_keys_and_values, theirs.metric_keys_and_values)
    assert ours.slice_key == theirs.slice_key
    ours = tfma_pb.PlotsForSlice.FromString(list(plot_records(SLICES, PLOTS))[i])
    theirs = their_writers.convert_slice_plots_to_proto(their_plots(i), None)
    same(ours.plot_keys_and_values, theirs.plot_keys_and_values)
    assert ours.slice_key == theirs.slice_key


@pytest.mark.parametrize("form", ["tfrecord", "parquet"])
def test_we_load_what_tfma_wrote(form, tmp_path):
    folder, config = str(tmp_path), config_pb2.EvalConfig(model_specs=[config_pb2.ModelSpec(name="candidate")])
    paths = {key: str(tmp_path / key) for key in ("metrics", "plots", "attributions", "validations")}
    writer = their_writers.MetricsPlotsAndValidationsWriter(paths, config, output_file_format=form)
    mean = metric_types.AttributionsKey(name="mean", model_name="candidate")
    places = {"data_location": "d", "data_file_format": "csv", "model_locations": {"candidate": "m"}}
    run(
        writer,
        metrics=list(map(their_metrics, range(3))),
        plots=list(map(their_plots, range(3))),
        attributions=[((), {mean: {"age": np.float64(2.5)}})],
        validations=[validation_result_pb2.ValidationResult(validation_ok=True)],
    )
    run(eval_config_writer.EvalConfigWriter(folder, config, **places), metrics=[1])
    found = {slice_key_from_proto(message.slice_key): message for message in load_metrics(folder)}
    for record in map(MetricsForSlice.FromString, metric_records(SLICES, np.zeros(3, int), VALUES)):
        same(found[slice_key_from_proto(record.slice_key)].metric_keys_and_values, record.metric_keys_and_values)
    assert load_validation_result(folder).missing_thresholds
    theirs, ours = model_eval_lib.load_eval_result(folder, form, "candidate"), load_eval_result(folder, "candidate")
    for field in ("slicing_metrics", "plots", "attributions"):
        same(
            [(key, nested(value)) for key, value in getattr(ours, field)],
            [(key, nested(value)) for key, value in getattr(theirs, field)],
        )
    assert len(ours.slicing_metrics) == len(ours.plots) == 3
    assert ours.get_attributions_for_slice() == {"age": {"doubleValue": 2.5}} == theirs.get_attributions_for_slice()
    assert (ours.data_location, ours.file_format, ours.model_location) == ("d", "csv", "m")


def nested(value):
    """Dicts sorted by key."""
    return {key: nested(value[key]) for key in sorted(value)} if isinstance(value, dict) else value
