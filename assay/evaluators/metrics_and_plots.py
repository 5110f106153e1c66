"""Metrics and plots of every slice, in one pass over the batches.

Batches are added to tables in place; what meets is one small partial state for each block of slices and each subtree of
the splits of the input. Rows are never shuffled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from assay.config.baselines import baseline_name
from assay.engine import progress
from assay.engine.counting import COUNTS
from assay.errors import EvalConfigError
from assay.evaluators.block_states import COUNTED, Share, SumBlocks, merged
from assay.evaluators.cross_slices import CompareSlices, CrossSlices, WithDisparities
from assay.evaluators.withheld import FIGURES, ROWS, Withhold
from assay.metrics import certainty, own_values
from assay.metrics.analysis import Analysis
from assay.metrics.binding.bound import metrics_of, output_means_of
from assay.metrics.binding.metric import Metric, has_attributions
from assay.metrics.binding.output_means import with_bounds, with_means
from assay.metrics.binding.rounding import multiple_of, not_rounded
from assay.metrics.computations.table import Prepared
from assay.metrics.evaluate import Values, by_key, evaluate, with_differences
from assay.metrics.flat_values import FlatValues, flat_values
from assay.metrics.keys import MetricKey
from assay.metrics.named_classes import NamedClasses, named_classes
from assay.metrics.no_intervals import NoIntervals, no_intervals
from assay.metrics.pair_intervals import pair_intervals
from assay.metrics.row_checks import Tallies, judge_columns
from assay.metrics.slice_pairs import Figures
from assay.metrics.split_states import BlockKey
from assay.metrics.states.partial import Partial
from assay.metrics.states.resampling import is_analytic, resampling_of
from assay.metrics.states.slice_limit import SliceLimit
from assay.metrics.values import ErrorBounds, Floats, Interval, Value
from assay.plan.plan import MOST_SLICES
from assay.privacy.rounding import rounded_degrees, rounded_value
from assay.proto.config_pb2 import EvalConfig
from assay.results.attribution_records import attribution_records
from assay.results.records import metric_records, plot_records, too_small_records
from assay.slicing.disparities import disparities_of
from assay.slicing.pairs import cross_slicings_of
from assay.slicing.specs import slicings_of
from assay.slicing.text import check_apart
from assay.text.multiples import to_multiple
from assay.types import (
    ATTRIBUTIONS_KEY,
    METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME,
    METRICS_KEY,
    PLOTS_KEY,
    SLICE_KEY_EXTRACTOR_STAGE_NAME,
    Evaluator,
    Extracts,
    SliceKey,
)
from assay.verdict import total

_SLICES_AT_ONCE = 512
"""Slices whose values and plots are in memory together."""

_ENGINE_BLOCKS = 16, 32
"""Blocks that slices by one feature are spread over on an engine, and those by several."""


class _Told(NamedTuple):
    """What the columns of the whole run say about values, for people who read them."""

    flat: FlatValues
    classes: NamedClasses
    no_intervals: NoIntervals


def MetricsAndPlotsEvaluator(
    eval_config: EvalConfig,
    *,
    run_after: str = SLICE_KEY_EXTRACTOR_STAGE_NAME,
    skip_bad_rows: bool = False,
    seed: int = 0,
    max_slices: int = MOST_SLICES,
) -> Evaluator:
    """Evaluator of every metric and plot of a resolved config.

    Outputs: `metrics` and `plots`, serialised MetricsForSlice and PlotsForSlice, one of each for every slice; and one
    MetricsForSlice for every pair of slices of `cross_slicing_specs`.

    Args:
        eval_config: a resolved config.
        run_after: the extractor whose Extracts hold labels, predictions, weights and slice keys.
        skip_bad_rows: drop and count rows that no metric can take, instead of failing.
        seed: of the resamples behind confidence intervals, where the config asks for them.
        max_slices: slices that one slicing spec may make; more are an error, told before memory runs out.

    Raises:
        EvalConfigError: a metric or setting that does not exist.
    """
    transform = EvaluateMetricsAndPlots(eval_config, skip_bad_rows, seed, max_slices)
    return Evaluator(METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME, run_after, transform)


def analysis_of(eval_config: EvalConfig, skip_bad_rows: bool, seed: int, max_slices: int) -> Analysis:
    """What a resolved config asks to compute; arguments as for `MetricsAndPlotsEvaluator`."""
    return Analysis(
        metrics_of(eval_config),
        SliceLimit(slicings_of(eval_config), max_slices),
        resampling_of(eval_config, seed),
        skip_bad_rows,
        output_means_of(eval_config),
        is_analytic(eval_config),
        baseline_name(eval_config),
        multiple_of(eval_config.options),
    )


class EvaluateMetricsAndPlots(beam.PTransform):
    """PCollection[Extracts] -> {"metrics": PCollection[bytes], "plots": PCollection[bytes]}, maybe `attributions`.

    Args:
        eval_config: as for `MetricsAndPlotsEvaluator`.
        skip_bad_rows: likewise.
        seed: likewise.
        max_slices: likewise.
        is_second: whether it takes rows that another one takes as well, which counts them, and few slices.
    """

    def __init__(
        self,
        eval_config: EvalConfig,
        skip_bad_rows: bool = False,
        seed: int = 0,
        max_slices: int = MOST_SLICES,
        *,
        is_second: bool = False,
    ) -> None:
        super().__init__()
        self._is_second = is_second
        if eval_config.options.include_default_metrics.value:
            raise EvalConfigError(
                "options.include_default_metrics: an evaluator knows no models; give it the config that "
                "assay.run.default_metrics.with_default_metrics returns"
            )
        self._baseline = baseline_name(eval_config)
        self._analysis = analysis_of(eval_config, skip_bad_rows, seed, max_slices)
        for needs in dict.fromkeys(metric.needs for metric in self._analysis.metrics):
            if isinstance(needs, Prepared):
                needs.prepare()
        is_told = self._analysis.round_counts_to > 1 and not is_second
        for line in not_rounded(self._analysis.metrics) if is_told else ():
            progress.say(line)
        self._pairs = CrossSlices(
            cross_slicings_of(eval_config),
            disparities_of(eval_config),
            self._analysis.resampling,
            eval_config.options.min_slice_size.value,
            max_slices,
        )
        self._disabled = frozenset(eval_config.options.disabled_outputs.values)

    def expand(self, extracts: beam.PCollection[Extracts]) -> dict[str, beam.PCollection[bytes]]:
        """Sum up, merge, judge the columns, evaluate."""
        analysis = self._analysis_for(extracts.pipeline.runner)
        evaluate = _Records(analysis, self._baseline, self._pairs)
        more = [ATTRIBUTIONS_KEY] if has_attributions(self._analysis.metrics) else []
        outputs, counts = (METRICS_KEY, PLOTS_KEY, *more), () if self._is_second else (COUNTS,)
        evaluated = (
            extracts
            | "Sum" >> SumBlocks(analysis, counts=not self._is_second)
            | "Evaluate" >> beam.ParDo(evaluate).with_outputs(*outputs, *counts, FIGURES, ROWS)
        )
        for tag in counts:  # which are there for those who look for them, see `counted_in`
            _ = evaluated[tag]
        shown = {key: evaluated[key] for key in (*outputs, FIGURES)}
        if self._pairs.min_slice_size > 1:
            shown = {**shown, ROWS: evaluated[ROWS]} | "Withhold" >> Withhold(self._pairs.min_slice_size)
        records = {key: shown[key] for key in outputs if key not in self._disabled}
        if self._pairs.slicings and METRICS_KEY in records:
            of_pairs = shown[FIGURES] | "CompareSlices" >> CompareSlices(self._pairs)
            records[METRICS_KEY] = (records[METRICS_KEY], of_pairs) | "WithPairs" >> beam.Flatten()
        if self._pairs.disparities and METRICS_KEY in records:
            both = records[METRICS_KEY], shown[FIGURES]
            records[METRICS_KEY] = both | "WithDisparities" >> WithDisparities(self._pairs)
        return records

    def _analysis_for(self, runner: Any) -> Analysis:
        """Engines get smaller elements, and more of them: those of all slices by a feature may be 100 MB together."""
        if isinstance(runner, FnApiRunner) or self._is_second:
            return self._analysis
        of_one, of_several = _ENGINE_BLOCKS
        limit = replace(self._analysis.limit, blocks_of_one=of_one, blocks_of_several=of_several)
        return replace(self._analysis, limit=limit)


def _judged(of_bundles: Iterable[Tallies], analysis: Analysis) -> _Told:
    """Raises ColumnTypeError where a column, over the whole run, holds something else than a metric is for."""
    tallies = judge_columns(of_bundles, analysis.asked)
    of_classes = named_classes(analysis.metrics, tallies)
    return _Told(flat_values(analysis.metrics, tallies), of_classes, no_intervals(analysis, tallies))


class _Records(beam.DoFn):
    """All that bundles hold of a block of slices -> serialised records; all that they count -> counts."""

    def __init__(self, analysis: Analysis, baseline: str | None, pairs: CrossSlices) -> None:
        self._analysis, self._baseline, self._pairs = analysis, baseline, pairs
        self._multiple = analysis.round_counts_to
        estimates = [m for m in analysis.metrics if isinstance(m.key, MetricKey) and m.is_estimate]
        self._estimates = [m for m in estimates if not self._is_rounded(m)]

    def process(self, element: tuple[BlockKey, Iterable[Any]]) -> Iterator[beam.pvalue.TaggedOutput]:
        key, held = element
        if key == COUNTED:
            yield beam.pvalue.TaggedOutput(COUNTS, total(held))
            return
        shares: list[Share] = list(held)
        judged = _judged((share.tallies for share in shares), self._analysis)
        part = merged(shares, self._analysis)
        del shares, held, element
        if part is not None:
            self._analysis.limit.check_block(key[0], len(part.keys))
            check_apart(part.keys)
            yield from self._records(part, judged)

    def _records(self, part: Partial, told: _Told) -> Iterator[beam.pvalue.TaggedOutput]:
        resampling = self._analysis.resampling
        rows = part.rows if resampling is None else resampling.rows(part)
        if self._pairs.min_slice_size > 1:
            yield beam.pvalue.TaggedOutput(ROWS, dict(zip(part.keys, rows.tolist(), strict=True)))
        large = (rows >= self._pairs.min_slice_size) | np.array([not key for key in part.keys])
        small = np.flatnonzero(~large)
        keys = [part.keys[i] for i in small]
        records = too_small_records(keys, self._pairs.min_slice_size, told.classes)
        yield from (beam.pvalue.TaggedOutput(METRICS_KEY, record) for record in records)
        yield from self._to_compare(Figures(keys, rows[small]), told)

        most_parts = max(metric.stream.view.parts for metric in self._analysis.metrics)
        resamples = 1 if resampling is None else resampling.samples_at_once
        chosen, step = np.flatnonzero(large), max(1, _SLICES_AT_ONCE // (resamples * most_parts))
        for first in range(0, len(chosen), step):
            some = part.take(chosen[first : first + step])
            yield from self._evaluated(iter([some]) if resampling is None else resampling.samples(some), told)

    def _evaluated(self, samples: Iterator[Partial], told: _Told) -> Iterator[beam.pvalue.TaggedOutput]:
        first = next(samples)
        part = first if first.resamples == 1 else first.first_of_resamples()
        values, doubts, by_formula = evaluate(part, self._analysis.metrics, self._analysis.layout)
        values, rows = self._rounded(values), to_multiple(part.rows, self._multiple)
        metrics, plots, attributions = by_key(values)
        metrics = self._with_derived(metrics)
        bounds = self._error_bounds(doubts, metrics)
        drawn = {} if first.resamples == 1 else self._drawn(chain([first], samples))
        intervals = self._intervals(drawn, metrics)
        formulas = self._formulas(part, by_formula, metrics, told)
        intervals |= formulas
        refusals = {**own_values.reasons(values), **certainty.refusals(doubts)}
        for record in metric_records(part.keys, rows, metrics, intervals, refusals, bounds, *told):
            yield beam.pvalue.TaggedOutput(METRICS_KEY, record)
        for record in plot_records(part.keys, plots):
            yield beam.pvalue.TaggedOutput(PLOTS_KEY, record)
        for record in attribution_records(part.keys, attributions) if attributions else ():
            yield beam.pvalue.TaggedOutput(ATTRIBUTIONS_KEY, record)
        yield from self._to_compare(Figures(part.keys, rows, metrics, drawn, bounds, refusals, formulas), told)

    def _is_rounded(self, metric: Metric) -> bool:
        return self._multiple > 1 and metric.definition.holds_counts

    def _rounded(self, values: Values) -> Values:
        """The values with rounded counts, if that is asked for; all that is made of them comes after."""
        return {
            metric: rounded_value(value, self._multiple) if self._is_rounded(metric) else value
            for metric, value in values.items()
        }

    def _formulas(
        self, part: Partial, of_metrics: Mapping[Metric, Interval], metrics: Mapping[MetricKey, Value], told: _Told
    ) -> dict[MetricKey, Interval]:
        """The intervals by formula, of values and of differences."""
        of_values = {metric.key: one for metric, one in of_metrics.items() if isinstance(metric.key, MetricKey)}
        pairs = pair_intervals(part, self._analysis)
        of_differences = {key: one.where(~np.isnan(np.asarray(metrics[key]))) for key, one in pairs.items()}
        both = {**of_values, **of_differences}
        allowed = {key: interval for key, interval in both.items() if key not in told.no_intervals}
        if self._multiple == 1:
            return allowed
        return {key: rounded_degrees(interval, self._multiple) for key, interval in allowed.items()}

    def _to_compare(self, figures: Figures[SliceKey], told: _Told) -> Iterator[beam.pvalue.TaggedOutput]:
        at = self._pairs.positions(figures.keys)
        if at:
            yield beam.pvalue.TaggedOutput(FIGURES, (figures.take(np.array(at)), told))

    def _error_bounds(
        self, doubts: Mapping[Metric, Floats], metrics: Mapping[MetricKey, Value]
    ) -> dict[MetricKey, ErrorBounds]:
        bounds = with_bounds(certainty.error_bounds(doubts), self._analysis.output_means)
        differences = {key: value for key, value in metrics.items() if key.is_diff}
        return bounds if self._baseline is None else certainty.with_differences(bounds, differences, self._baseline)

    def _with_derived(self, metrics: dict[MetricKey, Value]) -> dict[MetricKey, Value]:
        """The values, their means over outputs, and candidate minus baseline."""
        metrics = with_means(metrics, self._analysis.output_means)
        return metrics if self._baseline is None else with_differences(metrics, self._baseline)

    def _drawn(self, samples: Iterable[Partial]) -> dict[MetricKey, Floats]:
        """Values (s, 1 + samples, ...) of the data as it is and of its resamples."""
        drawn: dict[MetricKey, list[Floats]] = {}
        for some in samples:
            evaluated = evaluate(some, self._estimates, self._analysis.layout, has_doubts=False)
            for key, value in self._with_derived(by_key(evaluated.values).metrics).items():
                if isinstance(value, np.ndarray):
                    drawn.setdefault(key, []).append(value.reshape(-1, some.resamples, *value.shape[1:]))
        return {key: np.concatenate(parts, axis=1) for key, parts in drawn.items()}

    def _intervals(
        self, drawn: Mapping[MetricKey, Floats], metrics: Mapping[MetricKey, Value]
    ) -> dict[MetricKey, Interval]:
        resampling = self._analysis.resampling
        if resampling is None:
            return {}
        return {key: resampling.interval(value).where(~np.isnan(metrics[key])) for key, value in drawn.items()}
