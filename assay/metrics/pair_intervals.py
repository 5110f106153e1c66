"""Confidence intervals by formula of differences: candidate minus baseline, on the same rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay.metrics.analysis import Analysis
from assay.metrics.binding.metric import one_number
from assay.metrics.binding.spreads import Pair
from assay.metrics.entries.streams import Stream
from assay.metrics.group_states import GroupStates, StreamStates
from assay.metrics.keys import MetricKey
from assay.metrics.states.partial import Partial
from assay.metrics.values import Floats, Interval


def pair_intervals(part: Partial, analysis: Analysis) -> dict[MetricKey, Interval]:
    """The intervals of s slices, by the key of the difference."""
    found: dict[MetricKey, Interval] = {}
    with np.errstate(all="ignore"):
        for stream in dict.fromkeys(pair.stream for pair in analysis.pairs):
            of_stream = [pair for pair in analysis.pairs if pair.stream == stream]
            found.update(_of_stream(StreamStates(part, stream, analysis.layout), of_stream, stream))
    return found


def _of_stream(states: StreamStates, pairs: Sequence[Pair], stream: Stream) -> dict[MetricKey, Interval]:
    everything = GroupStates(states, np.arange(states.lanes), max((width for _, width in states.groups()), default=1))
    found = {}
    for pair in pairs:
        fields = [one_number(np.asarray(field)) for field in pair.spread.interval(*pair.spread.read(everything))]
        found[pair.key] = Interval(*(_of_part(field, pair, stream.view.parts) for field in fields))
    return found


def _of_part(field: Floats, pair: Pair, parts: int) -> Floats:
    return field.reshape(-1, parts, *field.shape[1:])[:, pair.pick.part]
