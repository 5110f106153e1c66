"""State -> values: every metric of every slice, slices of similar size at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from assay.metrics.binding.bound import Metric
from assay.metrics.certainty import certain, doubt_of
from assay.metrics.computations.scores import ScoreCurve
from assay.metrics.computations.table import Computation
from assay.metrics.entries.examples import Stream
from assay.metrics.group_states import GroupStates, groups_of
from assay.metrics.keys import MetricKey, PlotKey
from assay.metrics.layout import Layout, needs_of
from assay.metrics.states.partial import Partial
from assay.metrics.values import Floats, Ints, Matrices, Value

Values = dict[Metric, Value]

_SHARED_FIELDS = ("thresholds", "lower", "upper")
"""Fields of values that have no axis of slices."""


class Evaluated(NamedTuple):
    """Values of s slices.

    Attributes:
        values: see `Value` for the forms.
        doubts: how far values may be off because scores lie too close together, of metrics for which that can be:
            (s,), or of the value's shape. A value that may be off by too much is NaN.
    """

    values: Values
    doubts: dict[Metric, Floats]


def evaluate(part: Partial, metrics: Sequence[Metric], layout: Layout) -> Evaluated:
    """Computes every metric for the s slices of `part`."""
    whole = Evaluated({}, {})
    with np.errstate(all="ignore"):
        for stream in dict.fromkeys(metric.stream for metric in metrics):
            values, doubts = _evaluate_stream(part, needs_of(metrics, stream), stream, layout)
            whole.values.update(values)
            whole.doubts.update(doubts)
    return whole


def _evaluate_stream(
    part: Partial, shared: Mapping[Computation, list[Metric]], stream: Stream, layout: Layout
) -> Evaluated:
    groups = groups_of(part, stream, layout)
    pieces: dict[Metric, list[Value]] = {}
    doubtful: dict[Metric, list[Floats]] = {}
    for slices, width in groups:
        group = GroupStates(part, stream, layout, slices, width)
        for needs, users in shared.items():
            state = needs.read(group)
            doubts = needs.doubts(group, state) if isinstance(needs, ScoreCurve) else None
            for metric in users:
                value = metric.value(state)
                if doubts is not None:
                    value = np.asarray(value)
                    doubt = doubt_of(metric, doubts, value)
                    value = certain(metric, value, doubt)
                    doubtful.setdefault(metric, []).append(doubt)
                pieces.setdefault(metric, []).append(value)

    # Groups put slices in another order than theirs.
    back = np.argsort(np.concatenate([slices for slices, _ in groups]))
    values = {metric: _assemble(parts, back) for metric, parts in pieces.items()}
    return Evaluated(values, {metric: np.concatenate(parts)[back] for metric, parts in doubtful.items()})


def _assemble(parts: list[Value], back: Ints) -> Value:
    """Puts the values of groups of slices together in the slices' own order."""
    first = parts[0]
    if isinstance(first, np.ndarray):
        return np.concatenate(parts)[back]

    fields = []
    for name in first._fields:
        of_parts = [getattr(part, name) for part in parts]
        fields.append(of_parts[0] if name in _SHARED_FIELDS else np.concatenate(of_parts)[back])
    return type(first)(*fields)


def with_differences(values: Mapping[MetricKey, Value], baseline: str) -> dict[MetricKey, Value]:
    """The values of all models, and candidate minus baseline for each metric that both have."""
    differences: dict[MetricKey, Value] = {}
    for key, value in values.items():
        other = values.get(key._replace(model_name=baseline))
        if key.model_name != baseline and other is not None:
            difference = _minus(value, other)
            if difference is not None:
                differences[key._replace(is_diff=True)] = difference
    return {**values, **differences}


def _minus(value: Value, other: Value) -> Value | None:
    """One value minus another of its form; None of those that are no numbers."""
    if isinstance(value, Matrices) and isinstance(other, Matrices):
        return Matrices(value.thresholds, *(a - b for a, b in zip(value[1:], other[1:], strict=True)))
    if isinstance(value, np.ndarray) and isinstance(other, np.ndarray):
        return value - other
    return None


def by_key(values: Values) -> tuple[dict[MetricKey, Value], dict[PlotKey, list[Value]]]:
    """Splits values into metrics and plots; plots of one key belong to one record."""
    metrics: dict[MetricKey, Value] = {}
    plots: dict[PlotKey, list[Value]] = {}
    for metric, value in values.items():
        if isinstance(metric.key, PlotKey):
            plots.setdefault(metric.key, []).append(value)
        else:
            metrics[metric.key] = value
    return metrics, plots
