"""Results as long tables: one row a number, so that any tool can filter, join and pivot them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple, TypeAlias

import pyarrow as pa

from assay.metrics.keys import MetricKey, PlotKey, SubKey
from assay.proto import metrics_for_slice_pb2 as pb
from assay.results.keys import (
    Record,
    aggregation_name,
    metric_key_from_proto,
    plot_key_from_proto,
    slices_of,
    text_of,
)
from assay.results.records import is_shown
from assay.types import MISSING, SliceKey

CrossSliceKey: TypeAlias = tuple[SliceKey, SliceKey]

_SLICE = {"slice": pa.string(), "slice_key": pa.map_(pa.string(), pa.string()), "rows": pa.int64()}
_KEY = {
    "model": pa.string(),
    "output": pa.string(),
    "class_id": pa.int32(),
    "k": pa.int32(),
    "top_k": pa.int32(),
    "weighted": pa.bool_(),
}

METRICS_SCHEMA = pa.schema(
    {
        **_SLICE,
        "metric": pa.string(),
        **_KEY,
        "aggregation": pa.string(),
        "is_diff": pa.bool_(),
        "position": pa.int64(),
        "threshold": pa.float64(),
        "element": pa.string(),
        "value": pa.float64(),
        "lower_bound": pa.float64(),
        "upper_bound": pa.float64(),
        "error_bound": pa.float64(),
        "text": pa.string(),
    }
)
"""Columns of `metrics_table`.

slice: the slice for people; slice_key: its features and their values as text, null for a cross slice; rows: unweighted.
metric ... is_diff: the metric's key; weighted is null where weighting has no meaning.
position, threshold, element: which number of a metric that has several; null otherwise.
value: the number; lower_bound, upper_bound: its confidence interval; error_bound: by how much it may be off because
scores lie close together, null where it is precise; text: what a float cannot hold, such as an
error, a whole number that is equal to no float, or why a value is undefined.
"""

_MATRIX = (
    "threshold",
    "true_positives",
    "false_positives",
    "true_negatives",
    "false_negatives",
    "precision",
    "recall",
    "false_positive_rate",
    "f1",
    "accuracy",
    "false_omission_rate",
)
_EDGES = ("lower_threshold_inclusive", "upper_threshold_exclusive")
_SUMS = ("num_weighted_examples", "total_weighted_label", "total_weighted_refined_prediction")
_CLASSES = ("actual_class_id", "predicted_class_id")

PLOTS_SCHEMA = pa.schema(
    {
        "slice": pa.string(),
        "slice_key": _SLICE["slice_key"],
        "plot": pa.string(),
        "name": pa.string(),
        **_KEY,
        **dict.fromkeys((*_MATRIX, *_EDGES, *_SUMS), pa.float64()),
        **dict.fromkeys(_CLASSES, pa.int32()),
    }
)
"""Columns of `plots_table`: `plot` is `confusion_matrix_at_thresholds`, `calibration_histogram_buckets`,
`multi_class_confusion_matrix_at_thresholds` or `multi_label_confusion_matrix_at_thresholds`; the numbers have the names
of the fields of these messages, and are null where they belong to another."""

_METRIC = ("metric", *_KEY, "aggregation", "is_diff")
_PLOT = ("slice", "slice_key", "plot", "name", *_KEY)


class _Item(NamedTuple):
    """One number of a metric's value."""

    position: int | None = None
    threshold: float | None = None
    element: str | None = None
    value: float | None = None
    lower_bound: float | None = None
    upper_bound: float | None = None
    error_bound: float | None = None
    text: str | None = None


def _number(value: float, position: int | None = None) -> _Item:
    return _Item(position, value=value)


def _words(text: str | None, position: int | None = None) -> _Item:
    return _Item(position, text=text)


def key_of(record: Record) -> SliceKey | CrossSliceKey:
    """The slice key of a record; of a cross slice (baseline, comparison)."""
    first, *others = slices_of(record)
    return (first, others[0]) if others else first


def metrics_table(records: Iterable[pb.MetricsForSlice]) -> pa.Table:
    """One row for each slice and number of a metric; columns as in `METRICS_SCHEMA`."""
    slices: list[tuple[Any, ...]] = []
    keys: dict[bytes, int] = {}
    of_slice, of_key, items = [], [], []
    for record in records:
        for key, item in _metric_items(record):
            of_slice.append(len(slices))
            of_key.append(keys.setdefault(key, len(keys)))
            items.append(item)
        slices.append((text_of(record), _features(record), record.rows if is_shown(record) else None))

    # A slice and a key are written once and repeated by index, as they have many columns and few values.
    key_rows = [key_row(metric_key_from_proto(pb.MetricKey.FromString(key))) for key in keys]
    columns = {
        **_columns(METRICS_SCHEMA, tuple(_SLICE), slices, of_slice),
        **_columns(METRICS_SCHEMA, _METRIC, key_rows, of_key),
        **_columns(METRICS_SCHEMA, _Item._fields, items, range(len(items))),
    }
    return pa.table(columns, schema=METRICS_SCHEMA)


def plots_table(records: Iterable[pb.PlotsForSlice]) -> pa.Table:
    """One row for each slice and threshold, bucket or pair of classes of a plot; columns as in `PLOTS_SCHEMA`."""
    plots: list[tuple[Any, ...]] = []
    of_plot: list[int] = []
    numbers: list[_Numbers] = []
    for record in records:
        for pair in record.plot_keys_and_values:
            for kind, rows in _plot_rows(pair.value):
                of_plot += [len(plots)] * len(rows)
                numbers += rows
                plots.append((text_of(record), _features(record), kind, *_plot_row(pair.key)))

    columns = {
        **_columns(PLOTS_SCHEMA, _PLOT, plots, of_plot),
        **_columns(PLOTS_SCHEMA, (*_MATRIX, *_EDGES, *_SUMS, *_CLASSES), numbers, range(len(numbers))),
    }
    return pa.table(columns, schema=PLOTS_SCHEMA)


def _columns(
    schema: pa.Schema, names: Sequence[str], rows: Sequence[tuple[Any, ...]], at: Sequence[int]
) -> dict[str, pa.Array]:
    """Rows `at` of a small table, column by column."""
    values = zip(*rows, strict=True) if rows else [()] * len(names)
    indices = pa.array(at, pa.int64())
    return {n: pa.array(column, schema.field(n).type).take(indices) for n, column in zip(names, values, strict=True)}


def _features(record: Record) -> list[tuple[str, str]] | None:
    first, *others = slices_of(record)
    return None if others else [(feature, MISSING if value is None else str(value)) for feature, value in first]


def key_row(key: MetricKey) -> tuple[Any, ...]:
    """A metric's key as the columns `metric` to `is_diff` of `metrics_table` have it."""
    return (key.name, *_identity(key), aggregation_name(key.aggregation_type) or None, key.is_diff)


def _plot_row(message: pb.PlotKey) -> tuple[Any, ...]:
    key = plot_key_from_proto(message)
    return (key.name, *_identity(key))


def _identity(key: MetricKey | PlotKey) -> tuple[Any, ...]:
    return (key.model_name, key.output_name, *(key.sub_key or SubKey()), key.example_weighted)


def _metric_items(record: pb.MetricsForSlice) -> Iterator[tuple[bytes, _Item]]:
    """The numbers of a record, each with its serialised key."""
    error_bounds = {entry.key.SerializeToString(): entry.error_bound for entry in record.inexact}
    reasons = {entry.key.SerializeToString(): entry.reason for entry in record.undefined}
    for pair in record.metric_keys_and_values:
        key = pair.key.SerializeToString()
        items = _with_intervals(pair) if pair.HasField("confidence_interval") else _items(pair.value)
        if key in error_bounds:
            items = [item._replace(error_bound=error_bounds[key]) for item in items]
        if key in reasons:
            items = [_with_reason(item, reasons[key]) for item in items]
        yield from ((key, item) for item in items)
    for name, value in record.metrics.items():
        for item in _items(value):
            yield pb.MetricKey(name=name).SerializeToString(), item


def _with_reason(item: _Item, reason: str) -> _Item:
    is_undefined = item.value is not None and math.isnan(item.value)
    return item._replace(text=reason) if is_undefined else item


def _with_intervals(pair: pb.MetricsForSlice.MetricKeyAndValue) -> Iterable[_Item]:
    """The numbers of a value, each with its own interval; without any where the ends are not as many."""
    value, interval = pair.value, pair.confidence_interval
    numbers, lower, upper = map(_floats, (value, interval.lower_bound, interval.upper_bound))
    if numbers and len(numbers) == len(lower) == len(upper):  # nearly always; what follows takes twice as long
        positions = (None,) if value.HasField("double_value") else range(len(numbers))
        ends = zip(positions, numbers, lower, upper, strict=True)
        return [_Item(i, None, None, number, low, high) for i, number, low, high in ends]
    items = [*_items(value)]
    if not len(items) == len(lower) == len(upper):
        return items
    return [_Item(*item[:4], low, high, *item[6:]) for item, low, high in zip(items, lower, upper, strict=True)]


def _floats(value: pb.MetricValue) -> Sequence[float]:
    """The numbers of a value that is a number or an array of them, such as an end of an interval."""
    if value.HasField("double_value"):
        return (value.double_value.value,)
    return [*value.array_value.float64_values, *value.array_value.float32_values]


def _items(value: pb.MetricValue) -> Iterable[_Item]:
    kind = value.WhichOneof("type")
    if kind == "double_value":
        return [_number(value.double_value.value)]
    read = _ITEMS.get(kind or "")
    return read(getattr(value, kind)) if read and kind else [_words(str(value).strip() or None)]


def _bounded(value: pb.BoundedValue) -> Iterable[_Item]:
    return [_Item(None, None, None, value.value.value, value.lower_bound.value, value.upper_bound.value)]


def _array(array: pb.ArrayValue) -> Iterable[_Item]:
    if array.data_type == pb.ArrayValue.BYTES:
        return [_words(_decoded(text), i) for i, text in enumerate(array.bytes_values)]
    numbers = getattr(array, f"{pb.ArrayValue.DataType.Name(array.data_type).lower()}_values", ())
    return [_exact(number, i) for i, number in enumerate(numbers)]


def _exact(number: float, position: int) -> _Item:
    """A number; as text if it is a whole number that a float cannot hold."""
    as_float = float(number)  # Arrow takes no whole number beyond 2^53 for one, also where they are equal
    return _number(as_float, position) if as_float == number else _words(str(number), position)


def _confusion_matrices(value: pb.ConfusionMatrixAtThresholds) -> Iterable[_Item]:
    return [
        _Item(i, matrix.threshold, field, getattr(matrix, field))
        for i, matrix in enumerate(value.matrices)
        for field in _MATRIX[1:]
    ]


def _multi_class_matrices(value: pb.MultiClassConfusionMatrixAtThresholds) -> Iterable[_Item]:
    return [
        _Item(i, matrix.threshold, _classes(e), e.num_weighted_examples)
        for i, matrix in enumerate(value.matrices)
        for e in matrix.entries
    ]


def _classes(entry: pb.MultiClassConfusionMatrixAtThresholds.MultiClassConfusionMatrixEntry) -> str:
    return f"actual {entry.actual_class_id}, predicted {entry.predicted_class_id}"


def _cutoffs(value: pb.ValueAtCutoffs) -> Iterable[_Item]:
    return [_number(pair.value, pair.cutoff) for pair in value.values]


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "backslashreplace")


_ITEMS: Mapping[str, Callable[[Any], Iterable[_Item]]] = {
    "bounded_value": _bounded,
    "array_value": _array,
    "confusion_matrix_at_thresholds": _confusion_matrices,
    "multi_class_confusion_matrix_at_thresholds": _multi_class_matrices,
    "value_at_cutoffs": _cutoffs,
    "debug_message": lambda text: [_words(text)],
    "bytes_value": lambda text: [_words(_decoded(text))],
}


_Numbers: TypeAlias = "tuple[float | None, ...]"


def _plot_rows(data: pb.PlotData) -> Iterator[tuple[str, list[_Numbers]]]:
    """Kind of plot, and its rows in the order of `_MATRIX`, `_EDGES`, `_SUMS`, `_CLASSES`."""
    for kind, rows_of in _PLOTS.items():
        if data.HasField(kind):
            yield kind, rows_of(getattr(data, kind))


def _matrix_rows(plot: pb.ConfusionMatrixAtThresholds) -> list[_Numbers]:
    fields, rest = attrgetter(*_MATRIX), _nothing(_EDGES, _SUMS, _CLASSES)
    return [(*fields(matrix), *rest) for matrix in plot.matrices]


def _bucket_rows(plot: pb.CalibrationHistogramBuckets) -> list[_Numbers]:
    fields = attrgetter(*_EDGES, *(f"{name}.value" for name in _SUMS))
    before, behind = _nothing(_MATRIX), _nothing(_CLASSES)
    return [(*before, *fields(bucket), *behind) for bucket in plot.buckets]


def _multi_class_rows(plot: pb.MultiClassConfusionMatrixAtThresholds) -> list[_Numbers]:
    between, rest, classes = _nothing(_MATRIX[1:], _EDGES), _nothing(_SUMS[1:]), attrgetter(*_CLASSES)
    return [
        (matrix.threshold, *between, entry.num_weighted_examples, *rest, *classes(entry))
        for matrix in plot.matrices
        for entry in matrix.entries
    ]


def _multi_label_rows(plot: pb.MultiLabelConfusionMatrixAtThresholds) -> list[_Numbers]:
    counts, rest, classes = attrgetter(*_MATRIX[1:5]), _nothing(_MATRIX[5:], _EDGES, _SUMS), attrgetter(*_CLASSES)
    return [
        (matrix.threshold, *counts(entry), *rest, *classes(entry))
        for matrix in plot.matrices
        for entry in matrix.entries
    ]


def _nothing(*columns: Sequence[str]) -> tuple[None, ...]:
    return (None,) * sum(map(len, columns))


_PLOTS: Mapping[str, Callable[[Any], list[_Numbers]]] = {
    "confusion_matrix_at_thresholds": _matrix_rows,
    "calibration_histogram_buckets": _bucket_rows,
    "multi_class_confusion_matrix_at_thresholds": _multi_class_rows,
    "multi_label_confusion_matrix_at_thresholds": _multi_label_rows,
}
