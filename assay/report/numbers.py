"""The numbers of metrics' values: one a value, or one a position of an array, with what is known of their certainty."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from assay.metrics.keys import MetricKey
from assay.proto import metrics_for_slice_pb2 as pb
from assay.report.evidence import Slice


class Number(NamedTuple):
    """A number of a metric's value.

    Attributes:
        value: NaN if undefined.
        interval: ends of its confidence interval; None without one.
        error_bound: by how much it may be off because scores lie close together.
    """

    value: float = math.nan
    interval: tuple[float, float] | None = None
    error_bound: float = 0.0


def numbers_of(slice_: Slice, key: MetricKey) -> list[Number]:
    """The numbers of a value: one, or those of an array; none where there is no value, or one of another kind."""
    pair = slice_.values.get(key)
    if pair is None:
        return []
    bound = slice_.error_bounds.get(key, 0.0)
    if pair.value.HasField("bounded_value"):
        bounded = pair.value.bounded_value
        return [Number(bounded.value.value, _interval(bounded.lower_bound.value, bounded.upper_bound.value), bound)]

    if not pair.HasField("confidence_interval"):
        return [Number(value, None, bound) for value in _floats(pair.value)]
    interval = pair.confidence_interval
    values, lower, upper = map(_floats, (pair.value, interval.lower_bound, interval.upper_bound))
    has_intervals = len(values) == len(lower) == len(upper)
    ends = map(_interval, lower, upper) if has_intervals else [None] * len(values)
    return [Number(value, between, bound) for value, between in zip(values, ends, strict=True)]


def _floats(value: pb.MetricValue) -> list[float]:
    if value.HasField("double_value"):
        return [value.double_value.value]
    return [*value.array_value.float64_values, *value.array_value.float32_values]


def change_of(before: Number, after: Number) -> float:
    """After minus before; NaN where either is undefined."""
    is_same = before.value == after.value  # infinite ones too, whose difference is undefined
    return 0.0 if is_same else after.value - before.value


def marks_of(points: Sequence[float], count: int) -> list[str]:
    """What tells the numbers of a value apart: nothing for one; "@0.5" for what it is at; else "[0]" for the first."""
    if count == 1:
        return [""]
    if len(points) == count:
        return [f"@{point:.6g}" for point in points]
    return [f"[{at}]" for at in range(count)]


def _interval(lower: float, upper: float) -> tuple[float, float] | None:
    """An interval; None for one without both ends, as of too few resamples."""
    return (lower, upper) if math.isfinite(lower) and math.isfinite(upper) else None
