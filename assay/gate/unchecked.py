"""What of an eval config needs a baseline, as text, to say what was not checked for want of one. No Arrow."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.message import Message

from assay.config.comparisons import COMPARISONS, comparisons
from assay.config.fields import messages_in
from assay.config.metric_settings import settings_of
from assay.gate.bounds import bound_text
from assay.proto.config_pb2 import EvalConfig, MetricThreshold


def change_thresholds(config: EvalConfig) -> tuple[str, ...]:
    """Each distinct one: `AUC (a change of at least -0.01)`. Metrics have the names that the config gives them.

    With them the metrics that compare with the baseline, which have no value without one.
    """
    changes = (
        f"{name} ({bound_text(threshold.change_threshold)})"
        for name, message in _by_metric(config)
        for _, threshold in messages_in(message, MetricThreshold)
        if threshold.HasField("change_threshold")
    )
    compared = (f"{metric.class_name} (compares with the baseline)" for metric, _ in comparisons(config))
    return tuple(dict.fromkeys([*changes, *compared]))


def _by_metric(config: EvalConfig) -> Iterator[tuple[str, Message]]:
    """Names of metrics, and messages that have their thresholds somewhere inside. Not of those that compare."""
    compared = {name for _, names in comparisons(config) for name in names}
    for spec in config.metrics_specs:
        for metric in spec.metrics:
            if metric.class_name in COMPARISONS:
                continue
            settings = settings_of(metric.config, f"config of {metric.class_name}")
            yield settings.get("name") or metric.class_name, metric
        for by_name in (spec.thresholds, spec.per_slice_thresholds, spec.cross_slice_thresholds):
            yield from sorted((name, message) for name, message in by_name.items() if name not in compared)
