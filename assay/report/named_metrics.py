"""The definitions of metrics by the names that they have in results, where a config may set the name."""

from __future__ import annotations

from assay.config.metric_settings import settings_of
from assay.errors import EvalConfigError
from assay.metrics.declare import Definition, definitions
from assay.proto.config_pb2 import EvalConfig


def definitions_by_name(config: EvalConfig) -> dict[str, Definition]:
    """Name of a metric -> its definition: the default names, and those that a config sets."""
    known = definitions()
    named = {definition.name: definition for definition in known.values()}
    for asked in (asked for spec in config.metrics_specs for asked in spec.metrics):
        name = _own_name(asked.config)
        if name and asked.class_name in known:
            named[name] = known[asked.class_name]
    return named


def names_of_samples(config: EvalConfig) -> frozenset[str]:
    """Names of the metrics whose values are values of the data."""
    return frozenset(name for name, metric in definitions_by_name(config).items() if metric.needs.reads.shown)


def _own_name(config: str) -> str:
    """The name that a config sets; "" for none, or for settings that only the library that wrote the results reads."""
    try:
        name = settings_of(config, "config").get("name", "")
    except EvalConfigError:
        return ""
    return name if isinstance(name, str) else ""
