"""Values that have no confidence interval by formula, and why: whoever asked for intervals is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from assay.metrics.analysis import Analysis
from assay.metrics.binding.spreads import SEVERAL_A_ROW, why_no_pair, why_none
from assay.metrics.entries.streams import Stream
from assay.metrics.entries.tallies import Tally
from assay.metrics.entries.views import FLAT
from assay.metrics.flat_values import widths_of
from assay.metrics.keys import MetricKey

NoIntervals = dict[MetricKey, str]
"""Metric -> why it has no interval, and what to do."""

_ROUNDED = "counts are rounded, and an interval would tell the exact one"
_CURE = "the method JACKKNIFE or POISSON_BOOTSTRAP of confidence_intervals gives one"


def no_intervals(analysis: Analysis, tallies: Mapping[Stream, Tally]) -> NoIntervals:
    """The values of metrics that are estimates and have no interval; none where nobody asked for intervals.

    Args:
        analysis: the metrics, and whether their intervals are by formula.
        tallies: what the columns of each source hold over the whole run.
    """
    without_formula = with_cure(dict(_reasons(analysis, tallies))) if analysis.has_formulas else {}
    return {**without_formula, **dict.fromkeys(_rounded(analysis), _ROUNDED)}


def _rounded(analysis: Analysis) -> Iterator[MetricKey]:
    """The counts, and their differences, that would have an interval if they were not rounded."""
    if analysis.round_counts_to > 1 and (analysis.has_formulas or analysis.resampling is not None):
        for metric in analysis.metrics:
            key, one = metric.key, metric.definition
            if isinstance(key, MetricKey) and one.is_estimate and one.holds_counts and one.is_number:
                yield key
                if analysis.baseline is not None and key.model_name != analysis.baseline:
                    yield key._replace(is_diff=True)


def with_cure(reasons: Mapping[MetricKey, str]) -> NoIntervals:
    """The reasons, each with what to do."""
    return {key: f"{why}; {_CURE}" for key, why in reasons.items()}


def _reasons(analysis: Analysis, tallies: Mapping[Stream, Tally]) -> Iterator[tuple[MetricKey, str]]:
    widths = widths_of(tallies)
    for metric in analysis.metrics:
        if isinstance(metric.key, MetricKey) and metric.is_estimate and metric.definition.is_number:
            is_flat = metric.stream.view == FLAT and widths.get(metric.stream.source, 1) > 1
            why = SEVERAL_A_ROW if metric.spread and is_flat else why_none(metric)
            if why:
                yield metric.key, why
            if is_flat and analysis.baseline is not None:
                yield metric.key._replace(is_diff=True), SEVERAL_A_ROW
    yield from why_no_pair(analysis.metrics, analysis.baseline).items()
    for mean in analysis.output_means:
        yield mean.key, "there is no formula for a mean over outputs"
