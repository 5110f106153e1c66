"""State -> values: every metric of every slice, slices of similar size at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from assay.metrics.binding.bound import Metric
from assay.metrics.certainty import certain, doubt_of
from assay.metrics.computations.derived import SOURCES, derived
from assay.metrics.computations.scores import ScoreCurve
from assay.metrics.computations.table import Computation, Sums, Table
from assay.metrics.computations.terms import Term, TermTable
from assay.metrics.entries.examples import Stream
from assay.metrics.keys import MetricKey, PlotKey
from assay.metrics.states.forest import Partial, with_resamples
from assay.metrics.states.layout import Layout, needs_of
from assay.metrics.states.slices import entries_of, group_by_size
from assay.metrics.states.sums import Sparse, rows_of
from assay.metrics.values import Floats, Ints, Matrices, Value

Values = dict[Metric, Value]

_SHARED_FIELDS = ("thresholds", "lower", "upper")


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
    groups = _groups(part, stream, layout)
    pieces: dict[Metric, list[Value]] = {}
    doubtful: dict[Metric, list[Value]] = {}
    for slices, width in groups:
        view = _View(part, stream, layout, slices, width)
        for needs, users in shared.items():
            state = needs.read(view)
            doubts = needs.doubts(view, state) if isinstance(needs, ScoreCurve) else None
            for metric in users:
                value = metric.value(state)
                if doubts is not None:
                    value = np.asarray(value)
                    doubt = doubt_of(metric, doubts, value)
                    value = certain(metric, value, doubt)
                    doubtful.setdefault(metric, []).append(doubt)
                pieces.setdefault(metric, []).append(value)
    back = np.argsort(np.concatenate([slices for slices, _ in groups]))
    return Evaluated(_assembled(pieces, back), _assembled(doubtful, back))  # type: ignore[arg-type]


def _assembled(pieces: Mapping[Metric, list[Value]], back: Ints) -> Values:
    return {metric: _assemble(parts, back) for metric, parts in pieces.items()}


def _groups(part: Partial, stream: Stream, layout: Layout) -> list[tuple[Ints, int]]:
    """Slices grouped by their entries in whichever of the stream's tables has most; all at once without such tables."""
    entries = [
        np.diff(sums.start)
        for (owner, _), sums in zip(layout.tables, part.sums, strict=True)
        if owner == stream and isinstance(sums, Sparse)
    ]
    if not entries:
        return [(np.arange(len(part.rows)), 1)]
    return list(group_by_size(np.maximum.reduce(entries)))


class _View:
    """What a computation reads of one group of slices."""

    def __init__(self, part: Partial, stream: Stream, layout: Layout, slices: Ints, width: int) -> None:
        self._part, self._stream, self._layout = part, stream, layout
        self._slices, self._width = slices, width
        self._taken: dict[int, Any] = {}

    def __call__(self, table: Table) -> tuple[Any, Any]:
        if isinstance(table, TermTable):
            return table, np.stack([self._term(term) for term in table.terms], axis=1)
        at = self._layout.serving(self._stream, table)
        if at not in self._taken:
            self._taken[at] = self._take(self._part.sums[at])
        return self._layout.tables[at][1], self._taken[at]

    def _term(self, term: Term) -> Floats:
        for at, (owner, table) in enumerate(self._layout.tables):
            if owner == self._stream and isinstance(table, TermTable) and term in table.terms:
                sums: Floats = self._take(self._part.sums[at])
                return sums[:, table.terms.index(term)]
        return derived(term, self(SOURCES[term]())[1])

    def _take(self, sums: Sums) -> Any:
        return entries_of(sums, self._slices, self._width) if isinstance(sums, Sparse) else sums[self._slices]


def _assemble(parts: list[Value], back: Ints) -> Value:
    """Puts the values of groups of slices together in the slices' own order."""
    first = parts[0]
    if isinstance(first, np.ndarray):
        return np.concatenate(parts)[back]
    return type(first)(
        *(
            getattr(first, field)
            if field in _SHARED_FIELDS
            else np.concatenate([getattr(part, field) for part in parts])[back]
            for field in first._fields
        )
    )


def with_differences(values: Mapping[MetricKey, Value], baseline: str) -> dict[MetricKey, Value]:
    """The values of all models, and candidate minus baseline for each metric that both have."""
    differences = {}
    for key, value in values.items():
        other = values.get(key._replace(model_name=baseline))
        if key.model_name != baseline and other is not None and not _is_shown(value):
            differences[key._replace(is_diff=True)] = _minus(value, other)
    return {**values, **differences}


def _is_shown(value: Value) -> bool:
    """Whether a value is a sample of the data rather than a number."""
    return isinstance(value, np.ndarray) and value.dtype == object


def _minus(value: Value, other: Value) -> Value:
    if isinstance(value, Matrices) and isinstance(other, Matrices):
        return Matrices(value.thresholds, *(a - b for a, b in zip(value[1:], other[1:], strict=True)))
    return value - other  # type: ignore[operator]


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


def only(part: Partial, slices: Ints) -> Partial:
    """The state of some of the slices, with all their resamples."""
    places = with_resamples(slices, len(part.rows) // max(len(part.keys), 1))
    return Partial([part.keys[i] for i in slices], part.rows[places], [_rows(s, places) for s in part.sums])


def whole(samples: Partial, count: int) -> Partial:
    """The data as it is, of a state with `count` resamples of which it is the first."""
    first = np.arange(0, len(samples.rows), count)
    return Partial(samples.keys, samples.rows[first], [_rows(s, first) for s in samples.sums])


def _rows(sums: Sums, slices: Ints) -> Sums:
    return rows_of(sums, slices) if isinstance(sums, Sparse) else sums[slices]
