"""Thresholds that the values of their metric cannot meet, or cannot fail, as they lie in a range, or are no numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from assay.config.fields import messages_in
from assay.errors import EvalConfigError
from assay.metrics.declare import Definition
from assay.metrics.own_modules import known_definition
from assay.proto.config_pb2 import GenericValueThreshold, MetricsSpec, MetricThreshold

_OF_PAIRS = ".cross_slice_thresholds["


def refuse_beyond_range(spec: MetricsSpec, path: str, named: Mapping[str, Definition]) -> None:
    """Refuses thresholds on what is no number, those that no value of their metric could meet, or that all values meet.

    Args:
        spec: a metrics spec.
        path: of it, for errors.
        named: name of each of its values -> the metric.

    Raises:
        EvalConfigError: the message starts with the threshold's path.
    """
    for where, threshold, definition in _thresholds(spec, path, named):
        if definition.is_plot or definition.is_by_feature:
            kind = "is a plot, and has no value" if definition.is_plot else "has a value for each feature, and none"
            raise EvalConfigError(
                f"{where}: {definition.class_name} {kind} that a threshold could be for; remove the threshold, or set "
                "it on a metric"
            )
        if threshold.HasField("value_threshold") and _OF_PAIRS not in where:  # a difference has another range
            _check(threshold.value_threshold, definition, f"{where}.value_threshold")


def _thresholds(
    spec: MetricsSpec, path: str, named: Mapping[str, Definition]
) -> Iterator[tuple[str, MetricThreshold, Definition]]:
    """Yields (path, threshold, metric) of what is said of metrics, and of names."""
    for i, asked in enumerate(spec.metrics):
        definition = known_definition(asked)
        if definition is not None:
            for where, threshold in messages_in(asked, MetricThreshold, f"{path}.metrics[{i}]"):
                yield where, threshold, definition
    for name, definition in named.items():
        if name in spec.thresholds:
            yield f"{path}.thresholds[{name!r}]", spec.thresholds[name], definition
        if name in spec.per_slice_thresholds:
            where = f"{path}.per_slice_thresholds[{name!r}]"
            for inner, threshold in messages_in(spec.per_slice_thresholds[name], MetricThreshold, where):
                yield inner, threshold, definition


def _check(threshold: GenericValueThreshold, definition: Definition, path: str) -> None:
    least, greatest = definition.interval
    low = threshold.lower_bound.value if threshold.HasField("lower_bound") else -math.inf
    high = threshold.upper_bound.value if threshold.HasField("upper_bound") else math.inf
    lie = f"values of {definition.class_name} lie in {definition.range}"
    if low > greatest:
        raise EvalConfigError(f"{path}.lower_bound: no value is at least {low:g}, as {lie}; correct the bound")
    if high < least:
        raise EvalConfigError(f"{path}.upper_bound: no value is at most {high:g}, as {lie}; correct the bound")
    if low < least and high > greatest:
        raise EvalConfigError(f"{path}: it bounds nothing, as {lie}; correct the bound, or remove the threshold")
