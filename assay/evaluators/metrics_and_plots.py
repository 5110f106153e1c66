"""Metrics and plots of every slice, in one pass over the batches.

Batches are added to tables in place; what meets in Beam's combine is one small partial state for each block of slices
and each subtree of the splits of the input. Rows are never shuffled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.metrics import Metrics
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from assay.errors import PipelineError
from assay.extracts.columns import row_count, take
from assay.metrics import certainty
from assay.metrics.binding.bound import Metric, asked_of, metrics_of
from assay.metrics.entries.bad_rows import faults, first_fault, where
from assay.metrics.entries.domains import Asked, common
from assay.metrics.entries.examples import Examples, Stream, examples_of
from assay.metrics.entries.misfits import refuse_other_lengths, refuse_other_shapes, refuse_other_values
from assay.metrics.entries.tallies import Tally, merged, tally_of
from assay.metrics.evaluate import by_key, evaluate, only, whole, with_differences
from assay.metrics.keys import MetricKey
from assay.metrics.states.forest import UNPLACED, Forest, Node, Partial
from assay.metrics.states.layout import layout_of
from assay.metrics.states.resampling import Resampling, resampling_of
from assay.metrics.states.slice_limit import SliceLimit
from assay.metrics.states.slices import Draw, SliceStates, block_count, place
from assay.metrics.values import ErrorBounds, Floats, Interval, Value
from assay.plan.plan import MOST_SLICES
from assay.proto.config_pb2 import EvalConfig
from assay.results.records import metric_records, plot_records, too_small_records
from assay.slicing.codes import codes_of, without
from assay.slicing.specs import Slicing, slicings_of
from assay.slicing.text import check_apart
from assay.types import (
    METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME,
    METRICS_KEY,
    PLOTS_KEY,
    SLICE_KEY_EXTRACTOR_STAGE_NAME,
    SLICE_KEY_TYPES_KEY,
    SOURCE_KEY,
    Evaluator,
    Extracts,
)

_STATES, _TALLIES = "states", "tallies"
"""Outputs of the pass over the batches: sums of slices, and what the columns hold."""

_SLICES_AT_ONCE = 512
"""Slices whose values and plots are in memory together."""


def MetricsAndPlotsEvaluator(
    eval_config: EvalConfig,
    *,
    run_after: str = SLICE_KEY_EXTRACTOR_STAGE_NAME,
    skip_bad_rows: bool = False,
    seed: int = 0,
    max_slices: int = MOST_SLICES,
) -> Evaluator:
    """Evaluator of every metric and plot of a resolved config.

    Outputs: `metrics` and `plots`, serialised MetricsForSlice and PlotsForSlice, one of each for every slice.

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


class EvaluateMetricsAndPlots(beam.PTransform):
    """PCollection[Extracts] -> {"metrics": PCollection[bytes], "plots": PCollection[bytes]}."""

    def __init__(
        self,
        eval_config: EvalConfig,
        skip_bad_rows: bool = False,
        seed: int = 0,
        max_slices: int = MOST_SLICES,
    ) -> None:
        super().__init__()
        self._max_slices = max_slices
        self._metrics = metrics_of(eval_config)
        self._resampling = resampling_of(eval_config, seed)
        self._slicings = slicings_of(eval_config)
        self._skip_bad_rows = skip_bad_rows
        self._baseline = next((spec.name for spec in eval_config.model_specs if spec.is_baseline), None)
        self._min_slice_size = eval_config.options.min_slice_size.value
        self._disabled = frozenset(eval_config.options.disabled_outputs.values)

    def expand(self, extracts: beam.PCollection[Extracts]) -> dict[str, beam.PCollection[bytes]]:
        """Accumulate, merge, judge the columns, evaluate."""
        limit = SliceLimit(self._slicings, self._max_slices)
        accumulate = _Accumulate(self._metrics, self._slicings, self._resampling, self._skip_bad_rows, limit)
        evaluate = _Records(self._metrics, self._baseline, self._min_slice_size, self._resampling, limit)
        states, tallies = extracts | "Accumulate" >> beam.ParDo(accumulate).with_outputs(_TALLIES, main=_STATES)
        judged = (
            tallies
            | "Tallies" >> beam.GroupByKey()  # a global combine would be a dozen transforms, for a few small values
            | "JudgeColumns" >> beam.Map(_judged, asked=asked_of(self._metrics))
        )
        is_judged = beam.pvalue.AsSingleton(judged, True)
        records = (
            states
            | "Merge" >> beam.CombinePerKey(_MergeFn())
            | "Evaluate" >> beam.ParDo(evaluate, is_judged).with_outputs(METRICS_KEY, PLOTS_KEY)
        )
        return {key: records[key] for key in (METRICS_KEY, PLOTS_KEY) if key not in self._disabled}


class _Accumulate(beam.DoFn):
    """Extracts -> ((slicing, block), (node of the split tree, Partial)), as few of the latter as possible.

    Beside it goes one tally of each stream.
    """

    def __init__(
        self,
        metrics: tuple[Metric, ...],
        slicings: tuple[Slicing, ...],
        resampling: Resampling | None,
        skip_bad_rows: bool,
        limit: SliceLimit,
    ) -> None:
        self._limit = limit
        self._slicings, self._resampling, self._skip = slicings, resampling, skip_bad_rows
        self._twins = [
            [at for at, earlier in enumerate(slicings[:i]) if earlier.features == slicing.features]
            for i, slicing in enumerate(slicings)
        ]
        self._layout = layout_of(metrics)
        self._asked = asked_of(metrics)

    def start_bundle(self) -> None:
        self._node: Node | None = None
        self._states: list[SliceStates] = []
        self._forests: dict[tuple[int, int], Forest] = {}
        self._tallies: dict[Stream, Tally] = {}

    def process(self, extracts: Extracts) -> None:
        rows = row_count(extracts)
        if not rows:
            return
        node = _node_of(extracts)
        if node != self._node:
            self._flush()
            resamples = self._resampling.states if self._resampling else 1
            self._node, self._states = node, [SliceStates(self._layout, resamples) for _ in self._slicings]
        extracts, examples = self._checked(extracts, rows)
        kept = row_count(extracts)
        if not kept:
            return
        contributions, columns = place(self._layout, examples), _slice_columns(extracts)
        draws = list(self._resampling.draws(extracts, kept)) if self._resampling else [Draw()]
        codes = [codes_of(columns[slicing.name]) for slicing in self._slicings]
        for i, (own, states, twins) in enumerate(zip(codes, self._states, self._twins, strict=True)):
            made = {key for twin in twins for key in codes[twin].keys}
            states.add(without(own, made) if made else own, contributions, kept, draws)
            self._limit.check(i, len(states))

    def _checked(self, extracts: Extracts, rows: int) -> tuple[Extracts, dict[Stream, Examples]]:
        """The batch without its bad rows, and what each stream sees of it."""
        examples = {stream: examples_of(extracts, stream) for stream in self._asked}
        good = np.ones(rows, bool)
        for stream, seen in examples.items():
            asked = self._asked[stream]
            refuse_other_shapes(seen, stream, asked)
            found = faults(seen, stream, common(asked), rows=rows)
            tally = tally_of(seen, found, rows=rows, where=where(extracts, 0), values=bool(found) or self._skip)
            if found and not self._skip:
                refuse_other_values(tally, stream, asked)
                raise first_fault(found, extracts, seen, stream, asked)
            self._tallies[stream] = merged([self._tallies.get(stream, Tally()), tally])
            for reason, mask in found.items():
                Metrics.counter("assay", f"bad_rows/{reason}").inc(int((mask & good).sum()))
                good &= ~mask
        if good.all():
            return extracts, examples
        kept = take(extracts, good)
        return kept, {stream: examples_of(kept, stream) for stream in self._asked} if good.any() else {}

    def _flush(self) -> None:
        """Moves the states of the split that has ended into the forests, and lets go of each as it is taken out."""
        while self._states and self._node is not None:
            states = self._states.pop()
            i = len(self._states)
            for block, part in states.partials(block_count(len(self._slicings[i].features))):
                forest = self._forests.setdefault((i, block), Forest())
                forest.add(self._node, part)
                self._limit.check_block(i, max(len(merged.keys) for merged in forest.nodes.values()))

    def finish_bundle(self) -> Iterator[WindowedValue | beam.pvalue.TaggedOutput]:
        self._flush()
        window = GlobalWindow()
        while self._forests:
            key, forest = self._forests.popitem()
            for element in forest.nodes.items():
                yield WindowedValue((key, element), window.max_timestamp(), [window])
        tallies = WindowedValue((_TALLIES, self._tallies), window.max_timestamp(), [window])
        yield beam.pvalue.TaggedOutput(_TALLIES, tallies)
        self.start_bundle()


def _node_of(extracts: Extracts) -> Node:
    source = extracts.get(SOURCE_KEY)
    return (0, int(source["split"][0])) if source is not None else UNPLACED


def _slice_columns(extracts: Extracts) -> dict[str, Any]:
    if SLICE_KEY_TYPES_KEY not in extracts:
        raise PipelineError(
            f"{METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME}: the Extracts have no slice keys, only {sorted(extracts)}; "
            f"set run_after to {SLICE_KEY_EXTRACTOR_STAGE_NAME!r} or a later extractor"
        )
    columns: dict[str, Any] = extracts[SLICE_KEY_TYPES_KEY]
    return columns


class _MergeFn(beam.CombineFn):
    """(node, Partial) -> Partial, whatever order they come in; see `Forest`."""

    def create_accumulator(self) -> Forest:
        return Forest()

    def add_input(self, forest: Forest, element: tuple[Node, Partial]) -> Forest:
        forest.add(*element)
        return forest

    def merge_accumulators(self, forests: Iterable[Forest]) -> Forest:
        merged = Forest()
        for forest in forests:
            for node, part in forest.nodes.items():
                merged.add(node, part)
        return merged

    def extract_output(self, forest: Forest) -> Partial:
        return forest.total()


def _merged_tallies(tallies: Iterable[Mapping[Stream, Tally]]) -> dict[Stream, Tally]:
    total: dict[Stream, Tally] = {}
    for of_streams in tallies:
        total |= {stream: merged([total.get(stream, Tally()), tally]) for stream, tally in of_streams.items()}
    return total


def _judged(of_bundles: tuple[str, Iterable[Mapping[Stream, Tally]]], asked: Mapping[Stream, Sequence[Asked]]) -> bool:
    """True; raises ColumnTypeError where a column, over the whole run, holds something else than a metric is for."""
    tallies = _merged_tallies(of_bundles[1])
    for stream, metrics in asked.items():
        tally = tallies.get(stream, Tally())
        refuse_other_lengths(tally, stream)
        refuse_other_values(tally, stream, metrics)
    return True


class _Records(beam.DoFn):
    """Merged state of a block of slices -> serialised records."""

    def __init__(
        self,
        metrics: tuple[Metric, ...],
        baseline: str | None,
        min_slice_size: int,
        resampling: Resampling | None,
        limit: SliceLimit,
    ) -> None:
        self._limit = limit
        self._metrics, self._baseline, self._min_slice_size = metrics, baseline, min_slice_size
        self._resampling = resampling
        self._resampled = [m for m in metrics if isinstance(m.key, MetricKey) and m.is_estimate]
        self._layout = layout_of(metrics)

    def process(self, element: tuple[tuple[int, int], Partial], judged: bool) -> Iterator[beam.pvalue.TaggedOutput]:
        (slicing, _), part = element  # there are no records before the columns are judged
        self._limit.check_block(slicing, len(part.keys))
        check_apart(part.keys)
        samples = element[1] if self._resampling is None else self._resampling.samples(element[1])
        count = len(samples.rows) // len(samples.keys)
        rows = samples.rows[::count]
        large = (rows >= self._min_slice_size) | np.array([not key for key in samples.keys])
        small = np.flatnonzero(~large)
        records = too_small_records([samples.keys[i] for i in small], rows[small], self._min_slice_size)
        yield from (beam.pvalue.TaggedOutput(METRICS_KEY, record) for record in records)
        chosen, step = np.flatnonzero(large), max(1, _SLICES_AT_ONCE // count)
        for first in range(0, len(chosen), step):
            yield from self._evaluated(only(samples, chosen[first : first + step]), count)

    def _evaluated(self, samples: Partial, count: int) -> Iterator[beam.pvalue.TaggedOutput]:
        part = samples if count == 1 else whole(samples, count)
        values, doubts = evaluate(part, self._metrics, self._layout)
        metrics, plots = by_key(values)
        metrics = self._with_differences(metrics)
        told = self._error_bounds(doubts, metrics)
        intervals = {} if count == 1 else self._intervals(samples, count)
        for record in metric_records(part.keys, part.rows, metrics, intervals, certainty.refusals(doubts), told):
            yield beam.pvalue.TaggedOutput(METRICS_KEY, record)
        for record in plot_records(part.keys, plots):
            yield beam.pvalue.TaggedOutput(PLOTS_KEY, record)

    def _error_bounds(self, doubts: Mapping[Metric, Floats], keys: Iterable[MetricKey]) -> dict[MetricKey, ErrorBounds]:
        told = certainty.error_bounds(doubts)
        differences = [key for key in keys if key.is_diff]
        return told if self._baseline is None else certainty.with_differences(told, differences, self._baseline)

    def _with_differences(self, metrics: dict[MetricKey, Value]) -> dict[MetricKey, Value]:
        return metrics if self._baseline is None else with_differences(metrics, self._baseline)

    def _intervals(self, samples: Partial, count: int) -> dict[MetricKey, Interval]:
        assert self._resampling is not None
        values, _ = by_key(evaluate(samples, self._resampled, self._layout).values)
        return {
            key: self._resampling.interval(value.reshape(-1, count, *value.shape[1:]))
            for key, value in self._with_differences(values).items()
            if isinstance(value, np.ndarray)
        }
