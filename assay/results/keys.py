"""Slices and the keys of metrics and plots: as messages and back, and as text for people."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from assay.errors import ColumnTypeError
from assay.metrics.keys import AggregationType, MetricKey, PlotKey, SubKey
from assay.proto import metrics_for_slice_pb2 as pb
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.proto.validation_result_pb2 import MetricsValidationForSlice
from assay.types import SliceKey


def slice_key_to_proto(key: SliceKey) -> pb.SliceKey:
    """Text becomes bytes_value, integers int64_value, and other numbers float_value, which has 32 bits.

    A number that float_value cannot hold becomes its text in bytes_value, where TFMA sees it, and double_value.

    Raises:
        ColumnTypeError: a value of another type.
    """
    message = pb.SliceKey()
    for feature, value in key:
        if isinstance(value, str):
            message.single_slice_keys.add(column=feature, bytes_value=value.encode())
        elif isinstance(value, int):
            message.single_slice_keys.add(column=feature, int64_value=value)
        elif not isinstance(value, float):
            raise ColumnTypeError(f"slice feature {feature!r}: expected text or a number, found {value!r}")
        elif _of_32_bits(value) == value:
            message.single_slice_keys.add(column=feature, float_value=value)
        else:
            message.single_slice_keys.add(column=feature, bytes_value=repr(value).encode(), double_value=value)
    return message


def slice_key_from_proto(message: pb.SliceKey) -> SliceKey:
    """The inverse of `slice_key_to_proto`; bytes that are not UTF-8 come out escaped."""
    return tuple((part.column, _slice_value(part)) for part in message.single_slice_keys)


def _slice_value(part: pb.SingleSliceKey) -> str | int | float:
    if part.HasField("double_value"):
        return part.double_value
    kind = part.WhichOneof("kind")
    if kind == "int64_value":
        return part.int64_value
    return _of_32_bits(part.float_value) if kind == "float_value" else _text_of(part)


def _text_of(part: pb.SingleSliceKey) -> str:
    return part.bytes_value.decode("utf-8", "backslashreplace")


def _of_32_bits(value: float) -> float:
    """The number that the shortest text of the nearest float32 says: 11.29 for 11.289999961853027."""
    with np.errstate(over="ignore"):
        return float(str(np.float32(value)))


def metric_key_to_proto(key: MetricKey) -> pb.MetricKey:
    """A metric's key as a proto; what is not set stays unset."""
    message = pb.MetricKey(name=key.name, model_name=key.model_name, output_name=key.output_name, is_diff=key.is_diff)
    if key.sub_key is not None:
        message.sub_key.CopyFrom(_sub_key_to_proto(key.sub_key))
    if key.aggregation_type is not None:
        message.aggregation_type.CopyFrom(
            pb.AggregationType(**{k: v for k, v in key.aggregation_type._asdict().items() if v})
        )
    if key.example_weighted is not None:
        message.example_weighted.value = key.example_weighted
    return message


def metric_key_from_proto(message: pb.MetricKey) -> MetricKey:
    """The inverse of `metric_key_to_proto`."""
    kind = message.aggregation_type.WhichOneof("type") if message.HasField("aggregation_type") else None
    return MetricKey(
        message.name,
        message.model_name,
        message.output_name,
        _sub_key_from_proto(message.sub_key) if message.HasField("sub_key") else None,
        AggregationType(**{kind: True}) if kind else None,
        message.example_weighted.value if message.HasField("example_weighted") else None,
        message.is_diff,
    )


def plot_key_to_proto(key: PlotKey) -> pb.PlotKey:
    """A plot's key as a proto; what is not set stays unset."""
    message = pb.PlotKey(name=key.name, model_name=key.model_name, output_name=key.output_name)
    if key.sub_key is not None:
        message.sub_key.CopyFrom(_sub_key_to_proto(key.sub_key))
    if key.example_weighted is not None:
        message.example_weighted.value = key.example_weighted
    return message


def plot_key_from_proto(message: pb.PlotKey) -> PlotKey:
    """The inverse of `plot_key_to_proto`."""
    return PlotKey(
        message.name,
        message.model_name,
        message.output_name,
        _sub_key_from_proto(message.sub_key) if message.HasField("sub_key") else None,
        message.example_weighted.value if message.HasField("example_weighted") else None,
    )


def _sub_key_to_proto(key: SubKey) -> pb.SubKey:
    message = pb.SubKey()
    for field, value in key._asdict().items():
        if value is not None:
            getattr(message, field).value = value
    return message


def _sub_key_from_proto(message: pb.SubKey) -> SubKey:
    return SubKey(**{field: getattr(message, field).value for field in SubKey._fields if message.HasField(field)})


Place: TypeAlias = tuple[SliceKey, ...]
"""(slice,); or (baseline slice, comparison slice), for a difference between slices."""


def place_of(message: MetricsForSlice | MetricsValidationForSlice) -> Place:
    """The slice, or pair of slices, that a message is about."""
    if not message.HasField("cross_slice_key"):
        return (slice_key_from_proto(message.slice_key),)
    pair = message.cross_slice_key
    return slice_key_from_proto(pair.baseline_slice_key), slice_key_from_proto(pair.comparison_slice_key)


def place_text(place: Place) -> str:
    """A slice, or a pair of slices, for people."""
    from assay.slicing.text import slice_text

    return " vs ".join(slice_text(key) for key in place)


def label(key: MetricKey) -> str:
    """A key for people: `auc`, `precision [candidate, class_id=1, weighted]`."""
    parts = [key.model_name, key.output_name]
    parts += [f"{name}={number}" for name, number in (key.sub_key or SubKey())._asdict().items() if number is not None]
    parts += [name for name, is_set in (key.aggregation_type or AggregationType())._asdict().items() if is_set]
    parts += ["weighted"] if key.example_weighted else []
    given = ", ".join(part for part in parts if part)
    return f"{key.name} [{given}]" if given else key.name
