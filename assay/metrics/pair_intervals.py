"""Confidence intervals by formula of differences: candidate minus baseline, on the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from assay.metrics.analysis import Analysis
from assay.metrics.binding.metric import one_number
from assay.metrics.binding.spreads import Pair
from assay.metrics.computations.table import States, Table
from assay.metrics.group_states import GroupStates, StreamStates
from assay.metrics.keys import MetricKey
from assay.metrics.layout import Layout
from assay.metrics.spreads.spread import PairStates
from assay.metrics.states.partial import Partial
from assay.metrics.values import Floats, Interval, Ints


class _BothModels:
    """What the formulas of some differences read; see `PairStates`."""

    def __init__(self, part: Partial, pair: Pair, layout: Layout) -> None:
        self._part, self._pair, self._layout = part, pair, layout
        states = StreamStates(part, pair.stream, layout)
        widest = max((width for _, width in states.groups()), default=1)
        self._of_pairs = GroupStates(states, np.arange(states.lanes), widest)

    def __call__(self, table: Table) -> tuple[Any, Any]:
        return self._of_pairs(table)

    def of_model(self, number: int) -> Iterator[tuple[Ints, States]]:
        states = StreamStates(self._part, self._pair.models[number], self._layout)
        for lanes, width in states.groups():
            yield lanes, GroupStates(states, lanes, width)


def pair_intervals(part: Partial, analysis: Analysis) -> dict[MetricKey, Interval]:
    """The intervals of s slices, by the key of the difference."""
    found: dict[MetricKey, Interval] = {}
    with np.errstate(all="ignore"):
        for models in dict.fromkeys((pair.stream, pair.models) for pair in analysis.pairs):
            pairs = [pair for pair in analysis.pairs if (pair.stream, pair.models) == models]
            states = _BothModels(part, pairs[0], analysis.layout)
            found.update((pair.key, _interval(pair, states)) for pair in pairs)
    return found


def _interval(pair: Pair, states: PairStates) -> Interval:
    fields = [one_number(np.asarray(field)) for field in pair.spread.interval(*pair.spread.read(states))]
    return Interval(*(_of_part(field, pair, pair.stream.view.parts) for field in fields))


def _of_part(field: Floats, pair: Pair, parts: int) -> Floats:
    return field.reshape(-1, parts, *field.shape[1:])[:, pair.pick.part]
