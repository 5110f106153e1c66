"""What metrics of a user's own modules declare, as results tell it to whoever does not have the modules."""

from __future__ import annotations

from typing import Any

from assay.config.metric_settings import chosen_settings
from assay.config.own_modules import module_of
from assay.metrics.own_modules import known_definition
from assay.proto.config_pb2 import EvalConfig

_TOLD = ("better", "range", "undefined", "adds_up")


def own_facts(config: EvalConfig) -> dict[str, dict[str, Any]]:
    """Name of each value of such a metric -> its facts, those that it has; nothing of modules that nobody imported."""
    facts = {}
    for asked in (asked for spec in config.metrics_specs for asked in spec.metrics):
        definition = known_definition(asked) if module_of(asked) else None
        if definition is not None:
            settings = chosen_settings(asked, f"config of {asked.class_name}")
            told = {name: getattr(definition, name) for name in _TOLD}
            facts[settings.get("name") or definition.name] = {name: fact for name, fact in told.items() if fact}
    return facts
