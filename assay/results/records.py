"""What is written for each slice: MetricsForSlice and PlotsForSlice, and keys as protos and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from assay.errors import PipelineError
from assay.metrics.keys import MetricKey, PlotKey
from assay.metrics.spreads.quantiles import NORMAL
from assay.metrics.values import (
    Buckets,
    ErrorBounds,
    Floats,
    Interval,
    Ints,
    Matrices,
    MultiClassMatrices,
    MultiLabelMatrices,
    ShownValues,
    Value,
)
from assay.proto import metrics_for_slice_pb2 as pb
from assay.results import wire
from assay.results.class_names import NamesByOutput
from assay.results.keys import metric_key_to_proto, plot_key_to_proto, slice_key_to_proto
from assay.results.ragged_values import metric_values, plot_data
from assay.types import SliceKey, SlicePair

ERROR_METRIC_NAME = "__ERROR__"
"""Stands in place of all metrics of a slice that is too small to be shown."""

_SLICE_KEY, _CROSS_SLICE_KEY, _METRICS, _PLOTS, _ROWS = 1, 3, 51, 8, 1000  # fields of MetricsForSlice and PlotsForSlice
_FLOAT64 = 5  # ArrayValue.DataType
_SLICES_AT_ONCE = 16  # a slice has some 160 kB of plots


def metric_records(
    keys: Sequence[SliceKey | SlicePair],
    rows: Ints,
    values: Mapping[MetricKey, Value],
    intervals: Mapping[MetricKey, Interval] | None = None,
    reasons: Mapping[MetricKey, Sequence[str]] | None = None,
    error_bounds: Mapping[MetricKey, ErrorBounds] | None = None,
    flat: Mapping[MetricKey, int] | None = None,
    classes: NamesByOutput | None = None,
    no_intervals: Mapping[MetricKey, str] | None = None,
) -> Iterator[bytes]:
    """Yields one serialised MetricsForSlice for each of s slices, or pairs of slices.

    Args:
        keys: the s slices or pairs.
        rows: (s,) unweighted rows of each.
        values: (s,) becomes a number, (s, ...) an array, Matrices become matrices, values of the data an array; NaN
            stays NaN.
        intervals: confidence intervals of some of the values.
        reasons: for some of the values, why they are NaN, in each of the s slices; "" where there is no reason.
        error_bounds: how far some of the values may be off.
        flat: of values of two classes, over how many numbers of a prediction they are, where nobody asked for that.
        classes: names of classes that the eval config does not give.
        no_intervals: why some of the values have no interval, though one was asked for.

    Raises:
        PipelineError: a value of a form that only a plot can hold.
    """
    parts: list[wire.Part] = []
    ragged: dict[MetricKey, Iterator[pb.MetricValue]] = {}
    for key, value in values.items():
        if isinstance(value, ShownValues | MultiClassMatrices):
            ragged[key] = metric_values(value)
            continue
        name = wire.message(1, metric_key_to_proto(key).SerializeToString())
        interval = _interval(key, intervals[key]) if intervals and key in intervals else ()
        parts += wire.message(_METRICS, *name, *wire.message(2, *_metric_value(key, value)), *interval)

    # What a record of a slice has behind its numbers: most have nothing but their rows.
    named = pb.MetricsForSlice(classes=_named(classes or {})).SerializeToString()
    of_all = _flat(flat or {}) + named + _no_intervals(no_intervals or {})
    tails = [(wire.integer(_ROWS, count) if count else b"") + of_all for count in rows.tolist()]
    for key, messages in ragged.items():
        tails = [tail + _ragged(key, message) for tail, message in zip(tails, messages, strict=True)]
    for key, texts in (reasons or {}).items():
        tails = [tail + _undefined(key, text) for tail, text in zip(tails, texts, strict=True)]
    for key, (bounds, reason) in (error_bounds or {}).items():
        tails = [tail + _inexact(key, bound, reason) for tail, bound in zip(tails, bounds.tolist(), strict=True)]
    return _records(keys, parts, tails)


def plot_records(keys: Sequence[SliceKey], values: Mapping[PlotKey, Sequence[Value]]) -> Iterator[bytes]:
    """Yields one serialised PlotsForSlice for each of s slices, also where there are no plots.

    Args:
        keys: the s slices.
        values: the matrices and buckets, with a leading axis of s, that belong to each plot.

    Raises:
        PipelineError: a value of a form that no plot can hold.
    """
    for first in range(0, len(keys), _SLICES_AT_ONCE):
        chosen = slice(first, first + _SLICES_AT_ONCE)
        parts: list[wire.Part] = []
        tails = [b""] * len(keys[chosen])
        for key, items in values.items():
            name = wire.message(1, plot_key_to_proto(key).SerializeToString())
            if isinstance(items[0], MultiClassMatrices | MultiLabelMatrices):
                messages = plot_data(items[0]._replace(cells=items[0].cells[chosen]))
                tails = [tail + _ragged_plot(key, data) for tail, data in zip(tails, messages, strict=True)]
                continue
            data = [part for value in items for part in _plot_data(key, value, chosen)]
            parts += wire.message(_PLOTS, *name, *wire.message(2, *data))
        yield from _records(keys[chosen], parts, tails)


def _ragged_plot(key: PlotKey, data: pb.PlotData) -> bytes:
    """A plot whose size differs from slice to slice."""
    item = pb.PlotsForSlice.PlotKeyAndValue(key=plot_key_to_proto(key), value=data)
    return pb.PlotsForSlice(plot_keys_and_values=[item]).SerializeToString()


def plots_head(record: bytes) -> pb.PlotsForSlice:
    """A record of plots without its plots where the slice key comes first, as `plot_records` has it."""
    if record[:1] != wire.varint(_SLICE_KEY << 3 | 2):
        return pb.PlotsForSlice.FromString(record)
    size, begin = wire.read_varint(record, 1)
    return pb.PlotsForSlice.FromString(record[: begin + size])


def too_small_records(
    keys: Sequence[SliceKey | SlicePair], min_slice_size: int, classes: NamesByOutput | None = None
) -> Iterator[bytes]:
    """Yields one serialised MetricsForSlice for each slice that has fewer rows than a slice must have to be shown."""
    few = f"fewer rows than min_slice_size {min_slice_size}"
    return (_not_shown(head_of(key), few, _named(classes or {})) for key in keys)


def withheld_record(record: bytes, min_slice_size: int) -> bytes:
    """What stands in place of a record whose values would tell those of a slice that is too small."""
    why = f"withheld, as it would tell the values of a slice with fewer rows than min_slice_size {min_slice_size}"
    return _not_shown(record[: head_size(record)], why, pb.MetricsForSlice.FromString(record).classes)


def is_shown(record: pb.MetricsForSlice) -> bool:
    """Whether a slice, or both of a pair, has enough rows for its values to be shown."""
    return ERROR_METRIC_NAME not in record.metrics


def listed(records: Iterable[pb.MetricsForSlice]) -> Iterator[pb.MetricsForSlice]:
    """The records that thresholds on metrics are for: those of slices that a search found are left out."""
    return (record for record in records if not record.is_found)


def _not_shown(head: bytes, why: str, classes: Iterable[pb.NamedClasses]) -> bytes:
    """A record without values, and without the number of rows, which would be one."""
    record = pb.MetricsForSlice.FromString(head)
    record.MergeFrom(pb.MetricsForSlice(classes=classes))
    record.metrics[ERROR_METRIC_NAME].debug_message = f"{why}; the metrics of this slice are not shown"
    return record.SerializeToString()


def _records(
    keys: Sequence[SliceKey | SlicePair], parts: Sequence[wire.Part], tails: Sequence[bytes]
) -> Iterator[bytes]:
    bodies = wire.pack((len(keys),), tuple(parts)) if parts else [np.void(b"")] * len(keys)
    for key, body, tail in zip(keys, bodies, tails, strict=True):
        yield b"".join((head_of(key), body.tobytes(), tail))


def head_of(key: SliceKey | SlicePair) -> bytes:
    """What a record begins with: its slice, or pair of slices."""
    if not isinstance(key, SlicePair):
        return _message(_SLICE_KEY, slice_key_to_proto(key).SerializeToString())
    baseline, comparison = map(slice_key_to_proto, key)
    pair = pb.CrossSliceKey(baseline_slice_key=baseline, comparison_slice_key=comparison)
    return _message(_CROSS_SLICE_KEY, pair.SerializeToString())


def head_size(record: bytes) -> int:
    """Bytes of what a record of metrics, plots or attributions begins with, as `head_of` writes it."""
    size, begin = wire.read_varint(record, 1)
    return begin + size


def _message(field: int, content: bytes) -> bytes:
    return b"".join((wire.varint(field << 3 | 2), wire.varint(len(content)), content))


def _metric_value(key: MetricKey, value: Value) -> tuple[wire.Part, ...]:
    if isinstance(value, Matrices):
        return wire.message(5, _matrices(value))
    if not isinstance(value, np.ndarray):
        found = "calibration buckets" if isinstance(value, Buckets) else f"values of the form {type(value).__name__}"
        raise PipelineError(
            f"metric {key.name!r}: expected numbers or confusion matrices, found {found}; make it a plot"
        )
    if value.ndim == 1:
        return wire.message(1, *wire.double(1, value))
    sizes = wire.message(2, b"".join(wire.varint(size) for size in value.shape[1:]))
    numbers = wire.message(7, wire.per_row(np.asarray(value, "<f8")))
    return wire.message(7, wire.integer(1, _FLOAT64), *sizes, *numbers)


def _ragged(key: MetricKey, value: pb.MetricValue) -> bytes:
    """A value whose size differs from slice to slice."""
    item = pb.MetricsForSlice.MetricKeyAndValue(key=metric_key_to_proto(key), value=value)
    return pb.MetricsForSlice(metric_keys_and_values=[item]).SerializeToString()


def _undefined(key: MetricKey, reason: str) -> bytes:
    """Why a value is NaN; nothing without a reason."""
    if not reason:
        return b""
    undefined = pb.UndefinedValue(key=metric_key_to_proto(key), reason=reason)
    return pb.MetricsForSlice(undefined=[undefined]).SerializeToString()


def _flat(classes: Mapping[MetricKey, int]) -> bytes:
    values = [pb.FlatValue(key=metric_key_to_proto(key), classes=count) for key, count in classes.items()]
    return pb.MetricsForSlice(flat=values).SerializeToString()


def _no_intervals(reasons: Mapping[MetricKey, str]) -> bytes:
    values = [pb.NoInterval(key=metric_key_to_proto(key), reason=reason) for key, reason in reasons.items()]
    return pb.MetricsForSlice(no_intervals=values).SerializeToString()


def _named(classes: NamesByOutput) -> list[pb.NamedClasses]:
    return [pb.NamedClasses(model_name=m, output_name=o, names=names) for (m, o), names in classes.items()]


def _inexact(key: MetricKey, bound: float, reason: str) -> bytes:
    """How far a value may be off; nothing if it is not."""
    if not bound:
        return b""
    inexact = pb.InexactValue(key=metric_key_to_proto(key), error_bound=bound, reason=reason)
    return pb.MetricsForSlice(inexact=[inexact]).SerializeToString()


def _interval(key: MetricKey, interval: Interval) -> tuple[wire.Part, ...]:
    """ConfidenceInterval of each slice.

    Bounds are kept as they are, symmetric about the value or not; standard error and degrees of freedom tell half their
    distance, see `Interval`. Where these differ within a slice, as those of several numbers, its fewest are kept.
    """
    degrees = interval.degrees_of_freedom
    if isinstance(degrees, int):
        of_slices: tuple[wire.Part, ...] = (wire.integer(1, degrees),)
    else:
        fewest = degrees.reshape(len(degrees), -1).min(1, initial=NORMAL)
        of_slices = wire.integers(1, fewest.astype(np.int64))
    return wire.message(
        3,
        *wire.message(1, *_metric_value(key, interval.upper)),
        *wire.message(2, *_metric_value(key, interval.lower)),
        *wire.message(3, *_metric_value(key, interval.standard_error)),
        *wire.message(4, *of_slices),
    )


def _plot_data(key: PlotKey, value: Value, chosen: slice) -> tuple[wire.Part, ...]:
    if isinstance(value, Buckets):
        return wire.message(1, _buckets(Buckets(value.lower, value.upper, *(sums[chosen] for sums in value[2:]))))
    if isinstance(value, Matrices):
        return wire.message(2, _matrices(Matrices(value.thresholds, *(counts[chosen] for counts in value[1:]))))
    raise PipelineError(
        f"plot {key.name!r}: expected confusion matrices or calibration buckets, found an array; make it a metric"
    )


def _matrices(m: Matrices) -> wire.Part:
    """ConfusionMatrixAtThresholds of each slice.

    Where a ratio is undefined it has the value that users of these messages know: precision 1, recall, F1, accuracy
    and false positive rate 0, false omission rate NaN. The metrics of those names are NaN instead.
    """
    precision = _ratio(m.tp, m.tp + m.fp, 1.0)
    recall = _ratio(m.tp, m.tp + m.fn, 0.0)

    # Numbers of fields of ConfusionMatrixAtThresholds.
    fields = {
        1: np.round(m.thresholds, 6),
        2: m.fn,
        3: m.tn,
        4: m.fp,
        5: m.tp,
        6: precision,
        7: recall,
        20: _ratio(m.fp, m.fp + m.tn, 0.0),
        21: _ratio(2 * precision * recall, precision + recall, 0.0),
        22: _ratio(m.tp + m.tn, m.tp + m.tn + m.fp + m.fn, 0.0),
        23: _ratio(m.fn, m.fn + m.tn, np.nan),
    }

    numbers = [part for number, values in fields.items() for part in wire.double(number, values)]
    return wire.per_row(wire.pack(m.tp.shape, wire.message(1, *numbers)))


def _buckets(b: Buckets) -> wire.Part:
    """CalibrationHistogramBuckets of each slice."""
    edges = (*wire.double(1, b.lower), *wire.double(2, b.upper))
    sums = [part for i, values in enumerate(b[2:]) for part in wire.message(3 + i, *wire.double(1, values))]
    return wire.per_row(wire.pack(b.weight.shape, wire.message(1, *edges, *sums)))


def _ratio(numerator: Floats, denominator: Floats, undefined: float) -> Floats:
    return np.divide(numerator, denominator, out=np.full(denominator.shape, undefined), where=denominator > 0)


# Keys -----------------------------------------------------------------------------------------------------------------
