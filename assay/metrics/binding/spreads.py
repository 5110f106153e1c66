"""Which metrics have a confidence interval by formula, and why others have none."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from assay.metrics.binding.metric import Metric
from assay.metrics.declare import Definition
from assay.metrics.entries.streams import Reads, Stream
from assay.metrics.entries.views import Classes, Flat, Highest, Vectors, WholeRows
from assay.metrics.keys import MetricKey
from assay.metrics.picks import Only
from assay.metrics.spreads.spread import PairedSpread
from assay.types import EXAMPLE_WEIGHTS_KEY, LABELS_KEY

SEVERAL_A_ROW = "several numbers of a row count, and the formula is for numbers that do not depend on each other"

_ONE_ENTRY_A_ROW = (Classes, Flat, Highest, Vectors, WholeRows)
"""Views of which a row has one entry in each part; `Flat` if a prediction is one number."""


def with_spreads(metrics: Iterable[Metric]) -> list[Metric]:
    """The metrics, each with its formula where there is one."""
    return [metric if why_none(metric) else _with_spread(metric) for metric in metrics]


def _with_spread(metric: Metric) -> Metric:
    return dataclasses.replace(metric, spread=metric.definition.spread)


def why_none(metric: Metric) -> str:
    """Why there is no formula for the interval of a metric; "" where there is one."""
    if not _has_formula(metric.definition, metric):
        return "there is no formula for it"
    if metric.stream.query_key:
        return "rows of one query depend on each other, and the formula is for rows that do not"
    if not isinstance(metric.stream.view, _ONE_ENTRY_A_ROW):
        return SEVERAL_A_ROW
    if not isinstance(metric.pick, Only):
        return "there is no formula for a mean over classes"
    return ""


def _has_formula(definition: Definition, metric: Metric) -> bool:
    settings = {**definition.settings, **dict(metric.settings)}
    holds = all(settings[name] == value for name, value in definition.spread_when.items())
    return definition.spread is not None and holds


@dataclass(frozen=True)
class Pair:
    """A difference, candidate minus baseline, that has an interval by formula.

    Attributes:
        key: of the difference.
        stream: the rows with both models' predictions.
        models: the streams of the candidate and of the baseline.
        spread: the formula.
        pick: which part it is.
    """

    key: MetricKey
    stream: Stream
    models: tuple[Stream, Stream]
    spread: PairedSpread
    pick: Only

    def with_origins(self, origins: bool) -> Pair:
        """The same with entries that tell where rows come from, or not: the entries are made once for all formulas."""
        reads = dataclasses.replace(self.stream.reads, origins=origins)
        return dataclasses.replace(self, stream=dataclasses.replace(self.stream, reads=reads))


def pairs_of(metrics: Iterable[Metric], baseline: str | None) -> tuple[Pair, ...]:
    """The differences that have a formula, each once."""
    pairs = [pair for pair in _pairs(metrics, baseline).values() if isinstance(pair, Pair)]
    return tuple(pair.with_origins(any(pair.spread.origins for pair in pairs)) for pair in pairs)


def why_no_pair(metrics: Iterable[Metric], baseline: str | None) -> dict[MetricKey, str]:
    """Key of a difference -> why it has no formula."""
    return {key: pair for key, pair in _pairs(metrics, baseline).items() if isinstance(pair, str)}


def _pairs(metrics: Iterable[Metric], baseline: str | None) -> dict[MetricKey, Pair | str]:
    by_key = {metric.key: metric for metric in metrics if isinstance(metric.key, MetricKey)}
    pairs: dict[MetricKey, Pair | str] = {}
    for key, metric in by_key.items():
        twin = None if baseline is None else by_key.get(key._replace(model_name=baseline))
        if twin is not None and twin is not metric and metric.is_estimate and metric.definition.is_number:
            difference = key._replace(is_diff=True)
            pairs[difference] = why_none(metric) or _pair(difference, metric, twin)
    return pairs


def _pair(difference: MetricKey, metric: Metric, twin: Metric) -> Pair | str:
    own, other = metric.stream, twin.stream
    if any(own.names.get(name, ())[:1] != other.names.get(name, ())[:1] for name in (LABELS_KEY, EXAMPLE_WEIGHTS_KEY)):
        return "the two models have labels or weights in different columns"
    if own.reads != Reads() or not isinstance(metric.pick, Only) or metric.spread is None:
        return "there is no formula for its difference"
    if (metric.needs, metric.settings) != (twin.needs, twin.settings):
        return "the metric has other settings for the baseline than for the model"
    spread = metric.spread.paired(metric.needs, weighted=own.weighted)
    if isinstance(spread, str):
        return spread
    both = dataclasses.replace(own, reads=Reads(baseline=True), baseline=other.source)
    return Pair(difference, both, (own, other), spread, metric.pick)
