import numpy as np
import pytest

from assay.errors import ColumnTypeError, PipelineError
from assay.metrics.keys import AggregationType, MetricKey, PlotKey, SubKey
from assay.metrics.values import Buckets, Matrices, ShownValues
from assay.proto import metrics_for_slice_pb2 as pb
from assay.results.keys import (
    metric_key_from_proto,
    metric_key_to_proto,
    plot_key_from_proto,
    plot_key_to_proto,
    slice_key_from_proto,
    slice_key_to_proto,
)
from assay.results.records import metric_records, plot_records, plots_head, too_small_records

SLICES = [(), (("age", 7),), (("city", "Zürich"), ("share", 0.5))]
ROWS = np.array([10**10, 0, 300])

METRIC_KEYS = [
    MetricKey("auc"),
    MetricKey("auc", "candidate", "head", SubKey(class_id=0), None, False, True),
    MetricKey("recall", sub_key=SubKey(top_k=3), example_weighted=True),
    MetricKey("recall", sub_key=SubKey(k=2), aggregation_type=AggregationType(weighted_macro_average=True)),
]


def matrices(slices=3, thresholds=(0.1, 0.5), seed=0):
    rng = np.random.default_rng(seed)
    return Matrices(np.array(thresholds), *(rng.gamma(1, size=(slices, len(thresholds))) for _ in range(4)))


def metrics_of(values, keys=SLICES, rows=ROWS):
    return [pb.MetricsForSlice.FromString(record) for record in metric_records(keys, rows, values)]


@pytest.mark.parametrize("key", METRIC_KEYS, ids=str)
def test_a_metric_key_survives_the_way_through_its_proto(key):
    assert metric_key_from_proto(metric_key_to_proto(key)) == key


@pytest.mark.parametrize("key", [PlotKey(), PlotKey("p", "m", "o", SubKey(class_id=2), True)], ids=str)
def test_a_plot_key_survives_the_way_through_its_proto(key):
    assert plot_key_from_proto(plot_key_to_proto(key)) == key


@pytest.mark.parametrize(
    "key", [*SLICES, (("a", -3), ("b", "")), (("n", 2**62),), (("a", None), ("b", "(missing)"))], ids=str
)
def test_a_slice_key_survives_the_way_through_its_proto(key):
    assert slice_key_from_proto(slice_key_to_proto(key)) == key


@pytest.mark.parametrize("value", [0.1, 11.29, 20240103.5, 0.1 + 1e-12, 1e300, 5e-324, np.inf, -2.5, 1e-40])
def test_a_number_of_any_precision_survives_and_tfma_s_fields_tell_it_too(value):
    (part,) = slice_key_to_proto((("share", value),)).single_slice_keys
    assert slice_key_from_proto(pb.SliceKey(single_slice_keys=[part])) == (("share", value),)
    text = part.bytes_value.decode() if part.WhichOneof("kind") == "bytes_value" else str(np.float32(part.float_value))
    assert float(text) == value


def test_two_numbers_that_are_one_float32_have_two_slice_keys():
    days = [20240103.5, 20240104.5, 0.1, 0.1 + 1e-12, float(np.float32(0.1))]
    assert len({slice_key_to_proto((("day", day),)).SerializeToString() for day in days}) == len(days)


def test_a_float_that_tfma_wrote_is_the_number_that_was_meant():
    message = pb.SliceKey()
    message.single_slice_keys.add(column="price", float_value=11.29)
    assert slice_key_from_proto(message) == (("price", 11.29),)


@pytest.mark.parametrize(
    ("values", "field", "stored"),
    [
        ([2**53 + 1, -1], "int64_values", [2**53 + 1, -1]),
        ([0.1, 2.0], "float64_values", [0.1, 2.0]),
        (["a", "é"], "bytes_values", [b"a", "é".encode()]),
        ([b"\xff", "a"], "bytes_values", [b"\xff", b"a"]),
        ([2**64 - 1, 1], "bytes_values", [b"18446744073709551615", b"1"]),
    ],
)
def test_a_sample_keeps_its_values(values, field, stored):
    sample = np.empty(1, object)
    sample[0] = np.array(values, object)
    (record,) = metrics_of({MetricKey("m"): ShownValues(sample)}, [()], np.array([1]))
    array = record.metric_keys_and_values[0].value.array_value
    assert list(getattr(array, field)) == stored


def test_a_slice_value_that_is_neither_text_nor_number_is_refused_with_its_feature():
    with pytest.raises(ColumnTypeError, match=r"'when'.*\[1\]"):
        slice_key_to_proto((("when", [1]),))  # type: ignore[arg-type]


def test_bytes_in_a_slice_key_that_are_no_text_come_out_escaped():
    message = pb.SliceKey()
    message.single_slice_keys.add(column="raw", bytes_value=b"a\xff")
    assert slice_key_from_proto(message) == (("raw", "a\\xff"),)


def test_each_slice_has_one_record_with_its_key_rows_and_every_metric():
    values = {key: np.arange(3) + i for i, key in enumerate(METRIC_KEYS)}
    records = metrics_of(values)
    assert [slice_key_from_proto(record.slice_key) for record in records] == SLICES
    assert [record.rows for record in records] == ROWS.tolist()
    for s, record in enumerate(records):
        found = {metric_key_from_proto(p.key): p.value.double_value.value for p in record.metric_keys_and_values}
        assert found == {key: i + s for i, key in enumerate(METRIC_KEYS)}


@pytest.mark.parametrize("value", [0.0, -0.0, np.nan, np.inf, -np.inf, 5e-324, 0.1])
def test_every_number_is_stored_bit_by_bit(value):
    (record,) = metrics_of({MetricKey("m"): np.array([value])}, [()], np.array([1]))
    stored = record.metric_keys_and_values[0].value
    assert stored.WhichOneof("type") == "double_value"
    assert np.float64(stored.double_value.value).tobytes() == np.float64(value).tobytes()


@pytest.mark.parametrize("shape", [(3, 2), (3, 1), (3, 0), (3, 2, 4)], ids=str)
def test_an_array_keeps_its_shape_and_order(shape):
    values = np.random.default_rng(1).random(shape)
    for record, expected in zip(metrics_of({MetricKey("m"): values}), values, strict=True):
        array = record.metric_keys_and_values[0].value.array_value
        assert array.data_type == pb.ArrayValue.FLOAT64
        assert tuple(array.shape) == shape[1:]
        np.testing.assert_array_equal(np.array(array.float64_values).reshape(shape[1:]), expected)


def test_values_that_do_not_lie_together_in_memory_are_stored_as_they_read():
    values = np.arange(12.0).reshape(2, 6).T[::2]
    record = metrics_of({MetricKey("m"): values})[2]
    assert list(record.metric_keys_and_values[0].value.array_value.float64_values) == [4.0, 10.0]


def test_confusion_matrices_hold_counts_and_ratios_of_each_threshold():
    m = matrices()
    record = metrics_of({MetricKey("m"): m})[1]
    for t, entry in enumerate(record.metric_keys_and_values[0].value.confusion_matrix_at_thresholds.matrices):
        tp, fp, tn, fn = (counts[1, t] for counts in m[1:])
        assert entry.threshold == m.thresholds[t]
        assert [entry.true_positives, entry.false_positives] == [tp, fp]
        assert [entry.true_negatives, entry.false_negatives] == [tn, fn]
        ratios = [tp / (tp + fp), tp / (tp + fn), fp / (fp + tn), 2 * tp / (2 * tp + fp + fn)]
        ratios += [(tp + tn) / (tp + fp + tn + fn), fn / (fn + tn)]
        found = [entry.precision, entry.recall, entry.false_positive_rate, entry.f1, entry.accuracy]
        np.testing.assert_allclose([*found, entry.false_omission_rate], ratios, rtol=1e-14)


def test_undefined_ratios_of_a_confusion_matrix_have_the_values_its_readers_know():
    empty = Matrices(np.array([0.5]), *(np.zeros((1, 1)) for _ in range(4)))
    (record,) = metrics_of({MetricKey("m"): empty}, [()], np.array([0]))
    (entry,) = record.metric_keys_and_values[0].value.confusion_matrix_at_thresholds.matrices
    assert (entry.precision, entry.recall, entry.f1, entry.accuracy, entry.false_positive_rate) == (1, 0, 0, 0, 0)
    assert np.isnan(entry.false_omission_rate)


def test_thresholds_are_rounded_to_six_decimals():
    (record,) = metrics_of({MetricKey("m"): matrices(1, (-1e-7, 1 / 3, 1 + 1e-7))}, [()], np.array([1]))
    entries = record.metric_keys_and_values[0].value.confusion_matrix_at_thresholds.matrices
    assert [entry.threshold for entry in entries] == [0.0, 0.333333, 1.0]


def test_calibration_buckets_are_no_metric_and_numbers_no_plot():
    edges = np.zeros(2)
    with pytest.raises(PipelineError, match="'m'"):
        metric_records(SLICES, ROWS, {MetricKey("m"): Buckets(edges, edges, *(np.zeros((3, 2)) for _ in range(3)))})
    with pytest.raises(PipelineError, match="'p'"):
        list(plot_records(SLICES, {PlotKey("p"): [np.zeros(3)]}))


def test_plots_of_one_key_stand_together_and_every_slice_has_its_own_numbers():
    slices = [(("i", i),) for i in range(100)]  # more than are encoded at once
    m = matrices(100, np.linspace(0, 1, 7))
    rng = np.random.default_rng(2)
    b = Buckets(np.array([-np.inf, 0.5]), np.array([0.5, np.inf]), *(rng.random((100, 2)) for _ in range(3)))
    records = [pb.PlotsForSlice.FromString(r) for r in plot_records(slices, {PlotKey(): [m, b], PlotKey("other"): [m]})]
    assert [slice_key_from_proto(record.slice_key) for record in records] == slices
    for s in (0, 15, 16, 99):
        first, second = records[s].plot_keys_and_values
        assert [first.key.name, second.key.name] == ["", "other"]
        assert first.value.confusion_matrix_at_thresholds == second.value.confusion_matrix_at_thresholds
        counts = [entry.true_positives for entry in first.value.confusion_matrix_at_thresholds.matrices]
        np.testing.assert_array_equal(counts, m.tp[s])
        buckets = first.value.calibration_histogram_buckets.buckets
        assert [bucket.lower_threshold_inclusive for bucket in buckets] == [-np.inf, 0.5]
        assert [bucket.upper_threshold_exclusive for bucket in buckets] == [0.5, np.inf]
        for name, sums in zip(("num_weighted_examples", "total_weighted_label"), (b.weight, b.label), strict=True):
            np.testing.assert_array_equal([getattr(bucket, name).value for bucket in buckets], sums[s])
        predictions = [bucket.total_weighted_refined_prediction.value for bucket in buckets]
        np.testing.assert_array_equal(predictions, b.prediction[s])


def test_a_slice_without_plots_still_has_a_record():
    records = [pb.PlotsForSlice.FromString(record) for record in plot_records(SLICES, {})]
    assert [slice_key_from_proto(record.slice_key) for record in records] == SLICES
    assert not any(record.plot_keys_and_values for record in records)


def test_no_slices_give_no_records():
    assert list(metric_records([], np.zeros(0, np.int64), {MetricKey("m"): np.zeros((0, 3))})) == []
    assert list(plot_records([], {PlotKey(): [matrices(0)]})) == []


def test_a_slice_that_is_too_small_has_an_error_and_neither_rows_nor_metrics():
    (record,) = map(pb.MetricsForSlice.FromString, too_small_records([SLICES[1]], 5))
    assert slice_key_from_proto(record.slice_key) == SLICES[1]
    assert record.rows == 0
    assert "fewer rows than min_slice_size 5" in record.metrics["__ERROR__"].debug_message
    assert not record.metric_keys_and_values


@pytest.mark.parametrize("key", [*SLICES, (("name", "x" * 300),)], ids=str)
def test_the_head_of_a_record_of_plots_has_its_slice_and_no_plots(key):
    (record,) = plot_records([key], {PlotKey(): [matrices(1)]})
    head = plots_head(record)
    assert slice_key_from_proto(head.slice_key) == key
    assert not head.plot_keys_and_values
    other = pb.PlotsForSlice.FromString(record)
    other.ClearField("slice_key")
    assert plots_head(other.SerializeToString()) == other
