"""State -> values: every metric of every slice, slices of similar size at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from assay.metrics.arithmetic import sums_by_bin
from assay.metrics.binding.metric import Metric, one_number
from assay.metrics.certainty import certain, doubt_of
from assay.metrics.computations.scores import Confusion, ScoreCurve
from assay.metrics.computations.table import Computation
from assay.metrics.computations.terms import TermTable
from assay.metrics.entries.streams import Stream
from assay.metrics.group_states import GroupStates, StreamStates
from assay.metrics.keys import AttributionsKey, MetricKey, PlotKey
from assay.metrics.layout import Layout, needs_of
from assay.metrics.own_values import own_value
from assay.metrics.picks import Pick
from assay.metrics.states.failures import in_group, naming_slices
from assay.metrics.states.partial import Partial
from assay.metrics.values import Floats, Interval, Ints, Matrices, MultiClassMatrices, Objects, Value

Values = dict[Metric, Value]

SHARED_FIELDS = ("thresholds", "lower", "upper")
"""Fields of values that have no axis of slices."""


class Evaluated(NamedTuple):
    """Values of s slices.

    Attributes:
        values: see `Value` for the forms.
        doubts: how far values may be off because scores lie too close together, of metrics for which that can be:
            (s,), or of the value's shape. A value that may be off by too much is NaN.
        intervals: confidence intervals by formula, of metrics that have one; NaN where the value is.
    """

    values: Values
    doubts: dict[Metric, Floats]
    intervals: dict[Metric, Interval]


def evaluate(part: Partial, metrics: Sequence[Metric], layout: Layout, *, has_doubts: bool = True) -> Evaluated:
    """Computes every metric for the s slices of `part`.

    Without doubts every value stands as it is: that of a resample, by which nobody judges, may be off by as much.
    """
    whole = Evaluated({}, {}, {})
    with np.errstate(all="ignore"), naming_slices(part.keys, part.resamples):
        for stream in dict.fromkeys(metric.stream for metric in metrics):
            of_stream = _evaluate_stream(part, needs_of(metrics, stream), stream, layout, has_doubts)
            whole.values.update(of_stream.values)
            whole.doubts.update(of_stream.doubts)
            whole.intervals.update(of_stream.intervals)
    return whole


def _evaluate_stream(
    part: Partial, shared: Mapping[Computation, list[Metric]], stream: Stream, layout: Layout, has_doubts: bool
) -> Evaluated:
    states = StreamStates(part, stream, layout)
    everything = GroupStates(states, np.arange(states.lanes), 1)
    found = _OfLanes({}, {}, {})
    rest = shared
    if states.samples > 1:
        found.values.update(_areas(shared, everything))
        left = {needs: [user for user in users if _same(user) not in found.values] for needs, users in shared.items()}
        few = {needs: users for needs, users in left.items() if _reads_few(needs)}
        rest = {needs: users for needs, users in left.items() if users and needs not in few}
        found.add(_in_groups(states, [(np.arange(states.lanes), 1)], few, stream, has_doubts))
    found.add(_in_groups(states, states.groups(), rest, stream, has_doubts))

    every_metric = [metric for users in shared.values() for metric in users]
    picked = _picked(every_metric, found.values, found.doubts, everything)
    return picked._replace(intervals=_intervals(every_metric, found.spreads, picked.values, everything))


class _OfLanes(NamedTuple):
    """Values, doubts, and what the formulas of intervals are of, of all lanes."""

    values: dict[_Same, Value]
    doubts: dict[_Same, Floats]
    spreads: dict[_Same, list[Floats]]

    def add(self, other: _OfLanes) -> None:
        """Adds those of other metrics."""
        self.values.update(other.values)
        self.doubts.update(other.doubts)
        self.spreads.update(other.spreads)


def _areas(shared: Mapping[Computation, list[Metric]], everything: GroupStates) -> Iterator[tuple[_Same, Floats]]:
    """Values of samples that are added up step by step."""
    for needs, users in shared.items():
        steps = {_same(metric): metric.steps for metric in users}
        wanted = {same: area for same, area in steps.items() if area is not None}
        if wanted and isinstance(needs, ScoreCurve):
            found = needs.areas(everything, list(wanted.values()))
            yield from zip(wanted, found or (), strict=found is not None)


def _reads_few(needs: Computation) -> bool:
    """Whether a slice has no more than a few numbers, so that all can be read at once."""
    return isinstance(needs, Confusion) or all(isinstance(table, TermTable) for table in needs.tables())


def _in_groups(
    states: StreamStates,
    groups: Sequence[tuple[Ints, int]],
    shared: Mapping[Computation, list[Metric]],
    stream: Stream,
    has_doubts: bool,
) -> _OfLanes:
    """Those of the metrics that share what they need, group by group."""
    pieces: dict[_Same, list[Value]] = {}
    spread: dict[_Same, list[tuple[Floats, ...]]] = {}
    doubtful: dict[_Same, list[Floats]] = {}
    for lanes, width in groups if shared else ():
        group = GroupStates(states, lanes, width)
        for needs, users in shared.items():
            with in_group(lanes, stream.view.parts):
                state = needs.read(group)
            doubts = needs.doubts(group, state) if has_doubts and isinstance(needs, ScoreCurve) else None
            for same, metric in {_same(metric): metric for metric in users}.items():
                value = _value(metric, state, lanes, stream.view.parts, of_samples=not has_doubts)
                pieces.setdefault(same, []).append(value)
                if doubts is not None:
                    doubtful.setdefault(same, []).append(doubt_of(metric, doubts, np.asarray(value)))
            for same, metric in {_same(metric): metric for metric in users if metric.spread}.items():
                assert metric.spread is not None
                spread.setdefault(same, []).append(metric.spread.parts(state))

    # Groups put lanes in another order than theirs.
    back = np.argsort(np.concatenate([lanes for lanes, _ in groups]))
    return _OfLanes(
        {same: _assemble(parts, back) for same, parts in pieces.items()},
        {same: np.concatenate(parts)[back] for same, parts in doubtful.items()},
        {same: [np.concatenate(part)[back] for part in zip(*own, strict=True)] for same, own in spread.items()},
    )


def _intervals(
    metrics: Sequence[Metric], parts_of: Mapping[_Same, Sequence[Floats]], values: Values, states: GroupStates
) -> dict[Metric, Interval]:
    """Those of the slices' values, from what is known of lanes; equal squares are read once."""
    of_lanes: dict[_Same, Interval] = {}
    read: dict[Computation, Any] = {}
    picked = {}
    for metric in metrics:
        if metric.spread is not None:
            same = _same(metric)
            if same not in of_lanes:
                squares = metric.squares
                if squares is not None and squares not in read:
                    read[squares] = squares.read(states)
                squared = () if squares is None else metric.spread.squared_parts(read[squares])
                of_lanes[same] = metric.spread.interval(*parts_of[same], *squared)
            fields = [one_number(np.asarray(field)) for field in of_lanes[same]]
            interval = Interval(
                *(_one_or_mean(metric.pick, field, states, metric.stream.view.parts) for field in fields)
            )
            picked[metric] = interval.where(~np.isnan(np.asarray(values[metric])))
    return picked


def _value(metric: Metric, state: Any, lanes: Ints, parts: int, *, of_samples: bool) -> Value:
    """The value of some lanes; if a metric of the user's own fails, the number of the lane's slice is told."""
    if not metric.module:
        return metric.value(state)
    with in_group(lanes, parts):
        return own_value(metric, state, len(lanes), of_samples=of_samples)


_Same = tuple[Computation, str, str, Any]
"""What metrics have in common that differ in nothing but the part: state, module, class name, settings."""


def _same(metric: Metric) -> _Same:
    return metric.needs, metric.module, metric.class_name, metric.settings


def _picked(
    metrics: Sequence[Metric], values: Mapping[_Same, Value], doubts: Mapping[_Same, Floats], states: GroupStates
) -> Evaluated:
    """From values of lanes to those of slices: of one part, or a mean over parts."""
    picked = Evaluated({}, {}, {})
    for metric in metrics:
        same, parts = _same(metric), metric.stream.view.parts
        value = _of_part(metric.pick, values[same], states, parts)
        if same in doubts:
            doubt = picked.doubts[metric] = _one_or_mean(metric.pick, doubts[same], states, parts)
            value = certain(metric, np.asarray(value), doubt)
        picked.values[metric] = value
    return picked


def _of_part(pick: Pick, value: Value, states: GroupStates, parts: int) -> Value:
    if isinstance(value, np.ndarray):
        return _one_or_mean(pick, value, states, parts)
    fields: dict[str, Any] = value._asdict()
    own = {name: field for name, field in fields.items() if name not in SHARED_FIELDS}
    return type(value)(**{**fields, **{name: _one_or_mean(pick, field, states, parts) for name, field in own.items()}})


def _one_or_mean(pick: Pick, values: Floats, states: GroupStates, parts: int) -> Floats:
    return values if parts == 1 else pick.pick(values.reshape(-1, parts, *values.shape[1:]), states)


def _assemble(parts: list[Value], back: Ints) -> Value:
    """Puts the values of groups of slices together in the slices' own order."""
    first = parts[0]
    if isinstance(first, np.ndarray):
        return np.concatenate(parts)[back]

    fields = []
    for name in first._fields:
        of_parts = [getattr(part, name) for part in parts]
        fields.append(of_parts[0] if name in SHARED_FIELDS else np.concatenate(of_parts)[back])
    return type(first)(*fields)


def with_differences(values: Mapping[MetricKey, Value], baseline: str) -> dict[MetricKey, Value]:
    """The values of all models, and candidate minus baseline for each metric that both have."""
    differences: dict[MetricKey, Value] = {}
    for key, value in values.items():
        other = values.get(key._replace(model_name=baseline))
        if key.model_name != baseline and other is not None:
            difference = minus(value, other)
            if difference is not None:
                differences[key._replace(is_diff=True)] = difference
    return {**values, **differences}


def minus(value: Value, other: Value) -> Value | None:
    """One value minus another of its form; None of those that are no numbers."""
    if isinstance(value, Matrices) and isinstance(other, Matrices):
        return Matrices(value.thresholds, *(a - b for a, b in zip(value[1:], other[1:], strict=True)))
    if isinstance(value, MultiClassMatrices) and isinstance(other, MultiClassMatrices):
        return MultiClassMatrices(value.thresholds, _cells_minus(value.cells, other.cells))
    if isinstance(value, np.ndarray) and isinstance(other, np.ndarray):
        return value - other
    return None


def _cells_minus(cells: Objects, others: Objects) -> Objects:
    """Cell by cell; one that is missing is 0."""
    differences = np.empty(len(cells), object)
    for i, (own, other) in enumerate(zip(cells, others, strict=True)):
        places, at = np.unique(np.concatenate([own, other])[:, :3], axis=0, return_inverse=True)
        signed = np.concatenate([own[:, 3], -other[:, 3]])
        differences[i] = np.column_stack([places, sums_by_bin(at.reshape(-1), signed, len(places))])
    return differences


class ByKey(NamedTuple):
    """Values by what they are; plots of one key belong to one record."""

    metrics: dict[MetricKey, Value]
    plots: dict[PlotKey, list[Value]]
    attributions: dict[AttributionsKey, Value]


def by_key(values: Values) -> ByKey:
    """Splits values into metrics, plots and attributions."""
    split = ByKey({}, {}, {})
    for metric, value in values.items():
        if isinstance(metric.key, PlotKey):
            split.plots.setdefault(metric.key, []).append(value)
        elif isinstance(metric.key, AttributionsKey):
            split.attributions[metric.key] = value
        else:
            split.metrics[metric.key] = value
    return split
