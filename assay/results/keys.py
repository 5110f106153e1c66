"""Slices and the keys of metrics and plots: as messages and back, and as text for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias, TypeVar

import numpy as np

from assay.errors import ColumnTypeError
from assay.metrics.keys import AggregationType, MetricKey, PlotKey, SubKey
from assay.proto import metrics_for_slice_pb2 as pb
from assay.proto.validation_result_pb2 import MetricsValidationForSlice
from assay.results.class_names import ClassNames, part_texts
from assay.slicing.text import slice_text
from assay.types import MISSING, SliceKey


def slice_key_to_proto(key: SliceKey) -> pb.SliceKey:
    """Text becomes bytes_value, integers int64_value, and other numbers float_value, which has 32 bits.

    A number that float_value cannot hold becomes its text in bytes_value, where TFMA sees it, and double_value. None,
    for rows without a value, becomes the text of `MISSING` and is_missing.

    Raises:
        ColumnTypeError: a value of another type.
    """
    message = pb.SliceKey()
    for feature, value in key:
        if value is None:
            message.single_slice_keys.add(column=feature, bytes_value=MISSING.encode(), is_missing=True)
        elif isinstance(value, str):
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


def _slice_value(part: pb.SingleSliceKey) -> str | int | float | None:
    if part.is_missing:
        return None
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
    message = pb.MetricKey(name=key.name, model_name=key.model_name, output_name=key.output_name)
    message.is_diff, message.compares = key.is_diff or key.compares, key.compares
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
        message.is_diff and not message.compares,
        message.compares,
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


Record: TypeAlias = pb.MetricsForSlice | pb.PlotsForSlice | pb.AttributionsForSlice | MetricsValidationForSlice

_InOrder = TypeVar("_InOrder", pb.MetricsForSlice, pb.PlotsForSlice, pb.AttributionsForSlice)

Slices: TypeAlias = tuple[SliceKey, ...]
"""(slice,); or (baseline slice, comparison slice), for a difference between slices."""


def slices_of(record: Record) -> Slices:
    """The slice, or pair of slices, that a record is about."""
    if not record.HasField("cross_slice_key"):
        return (slice_key_from_proto(record.slice_key),)
    pair = record.cross_slice_key
    return slice_key_from_proto(pair.baseline_slice_key), slice_key_from_proto(pair.comparison_slice_key)


def slices_text(slices: Slices) -> str:
    """A slice for people, `sex=Female`; or a pair of slices, `sex=Female vs sex=Male`."""
    return " vs ".join(map(slice_text, slices))


def text_of(record: Record) -> str:
    """The slice, or pair of slices, of a record for people."""
    return slices_text(slices_of(record))


def in_order(records: Iterable[_InOrder]) -> list[_InOrder]:
    """Records sorted by slice: overall first, then single features, then crosses; by their text within these."""
    return sorted(
        records, key=lambda r: (r.HasField("cross_slice_key"), len(r.slice_key.single_slice_keys), text_of(r))
    )


def aggregation_name(aggregation: AggregationType | None) -> str:
    """Which average over classes it is, such as `micro_average`; "" for none."""
    fields = (aggregation or AggregationType())._asdict()
    return next((name for name, is_set in fields.items() if is_set), "")


def label(key: MetricKey, classes: ClassNames) -> str:
    """All of a key for people: `auc`, `precision [candidate, class_id=1 (cat), weighted]`.

    Verdicts use it, which have to name one value without the others beside it. Tables show only what tells their
    metrics apart (`labels.labels_of`), and `notebook.tfma_names.names_of` has the names of TFMA.
    """
    parts = [key.model_name, key.output_name]
    parts += part_texts(key, classes, "=")
    parts += [aggregation_name(key.aggregation_type), "weighted" if key.example_weighted else ""]
    details = ", ".join(filter(None, parts))
    return f"{key.name} [{details}]" if details else key.name
