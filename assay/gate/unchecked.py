"""The change thresholds of an eval config as text, to say which were not checked for want of a baseline. No Arrow."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.message import Message

from assay.config.fields import messages_in
from assay.config.metric_settings import settings_of
from assay.gate.bounds import bound_text
from assay.proto.config_pb2 import EvalConfig, MetricThreshold


def change_thresholds(config: EvalConfig) -> tuple[str, ...]:
    """Each distinct one: `AUC (a change of at least -0.01)`. Metrics have the names that the config gives them."""
    found = (
        f"{name} ({bound_text(threshold.change_threshold)})"
        for name, message in _by_metric(config)
        for _, threshold in messages_in(message, MetricThreshold)
        if threshold.HasField("change_threshold")
    )
    return tuple(dict.fromkeys(found))


def _by_metric(config: EvalConfig) -> Iterator[tuple[str, Message]]:
    """Names of metrics, and messages that have their thresholds somewhere inside."""
    for spec in config.metrics_specs:
        for metric in spec.metrics:
            settings = settings_of(metric.config, f"config of {metric.class_name}")
            yield settings.get("name") or metric.class_name, metric
        for by_name in (spec.thresholds, spec.per_slice_thresholds, spec.cross_slice_thresholds):
            yield from sorted(by_name.items())
