"""The mean of a metric over the outputs of a model, with `output_weights` of a metrics spec."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from assay.errors import EvalConfigError
from assay.metrics.binding.metric import Metric
from assay.metrics.keys import MetricKey
from assay.metrics.values import ErrorBounds, Floats, Value
from assay.proto.config_pb2 import MetricsSpec


class OutputMean(NamedTuple):
    """A value without an output: the mean of those of outputs, each with its weight; `key` names it."""

    key: MetricKey
    weights: tuple[tuple[MetricKey, float], ...]


def check_output_weights(spec: MetricsSpec, path: str) -> None:
    """Refuses weights of outputs that the metrics spec does not have, and weights that have no mean.

    Raises:
        EvalConfigError: the message starts with the field's path.
    """
    path, weights = f"{path}.output_weights", dict(spec.output_weights)
    for name, weight in weights.items():
        if name not in spec.output_names:
            named = ", ".join(map(repr, spec.output_names)) or "none"
            raise EvalConfigError(
                f"{path}[{name!r}]: expected one of output_names of the metrics spec, which are {named}"
            )
        if not 0 <= weight < math.inf:
            raise EvalConfigError(f"{path}[{name!r}]: expected a weight of 0 or more, found {weight}")
    if weights and not any(weights.values()):
        raise EvalConfigError(f"{path}: expected a weight above 0, found none")


def output_means(spec: MetricsSpec, metrics: Iterable[Metric]) -> list[OutputMean]:
    """The means that a metrics spec asks for, of those of its metrics whose values are numbers."""
    weights = {name: weight for name, weight in spec.output_weights.items() if weight > 0}
    of_outputs: dict[MetricKey, dict[MetricKey, float]] = {}
    for metric in metrics:
        key = metric.key
        if isinstance(key, MetricKey) and key.output_name in weights and metric.definition.is_number:
            of_outputs.setdefault(key._replace(output_name=""), {})[key] = weights[key.output_name]
    return [OutputMean(key, tuple(members.items())) for key, members in of_outputs.items()]


def with_means(values: Mapping[MetricKey, Value], means: Sequence[OutputMean]) -> dict[MetricKey, Value]:
    """The values, and the means over outputs; NaN where the value of one output is."""
    averaged: dict[MetricKey, Value] = dict(values)
    for key, weights in means:
        if any(member not in values for member, _ in weights):  # intervals are computed of estimates alone
            continue
        total = sum(weight for _, weight in weights)
        averaged[key] = np.sum([_number(values[member]) * (weight / total) for member, weight in weights], axis=0)
    return averaged


def _number(value: Value) -> Floats:
    assert isinstance(value, np.ndarray)
    return value


def with_bounds(bounds: Mapping[MetricKey, ErrorBounds], means: Sequence[OutputMean]) -> dict[MetricKey, ErrorBounds]:
    """How far values may be off, and the means over outputs: by the mean of their bounds."""
    averaged = dict(bounds)
    for key, weights in means:
        total = sum(weight for _, weight in weights)
        parts = [(bounds[member], weight / total) for member, weight in weights if member in bounds]
        if parts:
            averaged[key] = ErrorBounds(
                np.sum([part.bounds * share for part, share in parts], axis=0), parts[0][0].reason
            )
    return averaged
