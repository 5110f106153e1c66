"""Which metrics have a confidence interval by formula, and why others have none."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from assay.metrics.binding.metric import Metric
from assay.metrics.declare import Definition
from assay.metrics.entries.views import Classes, Flat, Highest, Vectors, WholeRows
from assay.metrics.picks import Only

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
    if not isinstance(metric.stream.view, _ONE_ENTRY_A_ROW):
        return SEVERAL_A_ROW
    if not isinstance(metric.pick, Only):
        return "there is no formula for a mean over classes"
    return ""


def _has_formula(definition: Definition, metric: Metric) -> bool:
    settings = {**definition.settings, **dict(metric.settings)}
    holds = all(settings[name] == value for name, value in definition.spread_when.items())
    return definition.spread is not None and holds
