"""What tests need to know of a metric: which values are good ones, and how wide their range is."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

from assay.proto.config_pb2 import EvalConfig

if TYPE_CHECKING:
    from assay.metrics.declare import Better

_CLOSED = re.compile(r"\[(-?\d+(?:\.\d+)?), (-?\d+(?:\.\d+)?)\]")


class MetricFacts(NamedTuple):
    """Facts of a metric.

    Attributes:
        better: "higher" or "lower"; None if neither.
        width: of the range of its values; infinite if they have no bounds.
        is_estimate: whether it has a confidence interval.
        compares: whether it is a value of both models together, which has no difference.
    """

    better: Better | None
    width: float
    is_estimate: bool
    compares: bool


def facts_of(config: EvalConfig) -> dict[str, MetricFacts]:
    """Name of a metric -> its facts; metrics of the user's own modules, which are not imported here, are left out."""
    from assay.metrics.binding.bound import metrics_of  # here, because it brings Arrow
    from assay.metrics.keys import MetricKey

    return {
        metric.key.name: MetricFacts(
            metric.definition.better, _width(metric.definition.range), metric.is_estimate, metric.key.compares
        )
        for metric in metrics_of(config, own_modules=False)
        if isinstance(metric.key, MetricKey)
    }


def _width(text: str) -> float:
    """Of `[0, 1]`, with whatever follows, 1."""
    ends = _CLOSED.match(text)
    return float(ends[2]) - float(ends[1]) if ends else math.inf
