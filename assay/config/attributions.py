"""Metrics of what features contributed, which have an output of their own. No Arrow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ATTRIBUTIONS = frozenset(
    {"MeanAbsoluteAttributions", "MeanAttributions", "TotalAbsoluteAttributions", "TotalAttributions"}
)
"""Their class names."""


def has_attributions(config: Mapping[str, Any]) -> bool:
    """Whether an eval config, as canonical JSON, asks for one of them."""
    metrics = [metric for spec in config.get("metrics_specs", ()) for metric in spec.get("metrics", ())]
    return any(metric.get("class_name") in ATTRIBUTIONS for metric in metrics)
