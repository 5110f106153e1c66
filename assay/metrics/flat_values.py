"""Values of two classes over predictions of several: each number counts as a row of its own, which has to be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from assay.metrics.binding.metric import Metric
from assay.metrics.entries.streams import Stream
from assay.metrics.entries.tallies import Tally
from assay.metrics.entries.views import FLAT
from assay.metrics.keys import MetricKey
from assay.types import PREDICTIONS_KEY

FlatValues = dict[MetricKey, int]
"""Metric -> numbers of a prediction."""


def widths_of(tallies: Mapping[Stream, Tally]) -> dict[Stream, int]:
    """The most numbers that a prediction of each source has."""
    return {source: max(tally.lengths.get(PREDICTIONS_KEY, {}), default=1) for source, tally in tallies.items()}


def flat_values(metrics: Iterable[Metric], tallies: Mapping[Stream, Tally]) -> FlatValues:
    """The metrics of two classes for which nobody has asked for a class or an average, though there are several.

    Args:
        metrics: all metrics.
        tallies: what the columns of each source hold over the whole run.
    """
    widths = widths_of(tallies)
    flat = FlatValues()
    for metric in metrics:
        width = widths.get(metric.stream.source, 1)
        is_of_two_classes = metric.needs.domain.shares and metric.stream.view == FLAT
        if width > 1 and is_of_two_classes and isinstance(metric.key, MetricKey):
            flat[metric.key] = width
    return flat
