"""What a pass over the data computes: metrics, slicings, resamples; and the passes that it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from assay.metrics.binding.metric import Metric, asked_of
from assay.metrics.binding.output_means import OutputMean
from assay.metrics.binding.spreads import Pair, pairs_of
from assay.metrics.entries.domains import Asked
from assay.metrics.entries.streams import Stream
from assay.metrics.layout import Layout, layout_of
from assay.metrics.states.resampling import Resampling
from assay.metrics.states.slice_limit import SliceLimit
from assay.slicing.specs import Slicing


@dataclass(frozen=True)
class Pass:
    """The metrics that one pass over the data serves.

    Attributes:
        query_key: column by which rows are grouped; "" where they stay as they are.
        metrics: the metrics and plots.
        pairs: the differences whose intervals are by formula.
    """

    query_key: str
    metrics: tuple[Metric, ...]
    pairs: tuple[Pair, ...] = ()

    @cached_property
    def layout(self) -> Layout:
        """The tables that its metrics read."""
        return layout_of(self.metrics, self.pairs)

    @cached_property
    def streams(self) -> Sequence[Stream]:
        """The streams that its metrics and differences see, each once."""
        of_metrics = [metric.stream for metric in self.metrics]
        return list(dict.fromkeys(of_metrics + [pair.stream for pair in self.pairs]))


@dataclass(frozen=True)
class Analysis:
    """What a pass over the batches computes.

    Attributes:
        metrics: the metrics and plots, bound to their settings.
        limit: the slicings, and how many slices one of them may make.
        resampling: the resamples behind confidence intervals; None without.
        skip_bad_rows: drop and count rows that no metric can take, instead of failing.
        output_means: means over outputs of the metrics' values.
        has_formulas: whether confidence intervals are by formula.
        baseline: name of the baseline; None if there is none.
        round_counts_to: what counts are told as multiples of; 1 if they are told as they are.
    """

    metrics: tuple[Metric, ...]
    limit: SliceLimit
    resampling: Resampling | None = None
    skip_bad_rows: bool = False
    output_means: tuple[OutputMean, ...] = ()
    has_formulas: bool = False
    baseline: str | None = None
    round_counts_to: int = 1

    @property
    def slicings(self) -> Sequence[Slicing]:
        """The slicings of the eval config."""
        return self.limit.slicings

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """The differences whose intervals are by formula."""
        return pairs_of(self.metrics, self.baseline) if self.has_formulas else ()

    @cached_property
    def passes(self) -> Sequence[Pass]:
        """The pass over rows, which counts them whatever is asked for, then one for each `query_key`."""
        by_key: dict[str, list[Metric]] = {"": []}
        for metric in self.metrics:
            by_key.setdefault(metric.stream.query_key, []).append(metric)
        return [Pass(key, tuple(metrics), () if key else self.pairs) for key, metrics in by_key.items()]

    def pass_of(self, query_key: str) -> Pass:
        """The pass over rows that are grouped by this column."""
        return next(one for one in self.passes if one.query_key == query_key)

    @cached_property
    def layout(self) -> Layout:
        """The tables that all metrics read: those of each pass after one another."""
        return Layout(tuple(table for one in self.passes for table in one.layout.tables))

    @cached_property
    def asked(self) -> Mapping[Stream, Sequence[Asked]]:
        """The metrics that the columns of each source serve."""
        return asked_of(self.metrics)

    @cached_property
    def twins(self) -> Sequence[Sequence[int]]:
        """For each slicing, the earlier ones by the same features, which may have made some of its slices already."""
        twins = []
        for i, slicing in enumerate(self.slicings):
            twins.append([at for at, earlier in enumerate(self.slicings[:i]) if earlier.features == slicing.features])
        return twins
