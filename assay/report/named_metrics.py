"""What is known of metrics by the names that they have in results, where a config may set the name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from assay.config.metric_settings import settings_of
from assay.errors import EvalConfigError
from assay.metrics.computations.scores import Confusion
from assay.metrics.computations.set_counts import SetCounts
from assay.metrics.declare import Better, Definition, definitions
from assay.metrics.own_modules import known_definition
from assay.proto.config_pb2 import EvalConfig


def definitions_by_name(config: EvalConfig) -> dict[str, Definition]:
    """Name of a metric -> its definition: the default names, and those that a config sets."""
    known = definitions()
    named = {definition.name: definition for definition in known.values()}
    for asked in (asked for spec in config.metrics_specs for asked in spec.metrics):
        definition, name = known_definition(asked), _name(_settings(asked.config))
        if definition is not None:
            named[name or definition.name] = definition
    return named


_BETTER: Mapping[str, Better] = {"higher": "higher", "lower": "lower"}


class OwnFacts(NamedTuple):
    """What a metric of the user's own module declares, as far as a report goes by it."""

    better: Better | None
    adds_up: bool


def own_facts_in(results: Mapping[str, Any]) -> dict[str, OwnFacts]:
    """Name of a metric of the user's own -> its facts, as `results.json` tells them."""
    told = results.get("own_metrics")
    facts = {}
    for name, one in told.items() if isinstance(told, dict) else ():
        if isinstance(one, dict):
            facts[name] = OwnFacts(_BETTER.get(str(one.get("better"))), one.get("adds_up") is True)
    return facts


def points_by_name(config: EvalConfig) -> dict[str, tuple[float, ...]]:
    """Name of a metric whose values are several numbers -> what each of them is at, such as its thresholds.

    A name that stands for different ones, in specs of different models, is left out.
    """
    named: dict[str, set[tuple[float, ...]]] = {}
    for asked in (asked for spec in config.metrics_specs for asked in spec.metrics):
        definition = known_definition(asked)
        if definition is not None:
            settings = _settings(asked.config)
            named.setdefault(_name(settings) or definition.name, set()).add(_points(settings, definition))
    return {name: next(iter(points)) for name, points in named.items() if len(points) == 1}


def _points(settings: Mapping[str, Any], definition: Definition) -> tuple[float, ...]:
    """The setting that makes an array of the value: one of the function's own; else thresholds of fixed counts."""
    at_thresholds = ("thresholds", "threshold") if isinstance(definition.needs, Confusion | SetCounts) else ()
    for setting in (*definition.settings, *at_thresholds):
        points = settings.get(setting)
        if isinstance(points, list) and all(isinstance(point, int | float) for point in points):
            return tuple(points)
    return ()


def names_of_samples(config: EvalConfig) -> frozenset[str]:
    """Names of the metrics whose values are values of the data."""
    return frozenset(name for name, metric in definitions_by_name(config).items() if metric.needs.reads.shown)


def _settings(config: str) -> Mapping[str, Any]:
    """The settings of a config; none where only the library that wrote the results can read them."""
    try:
        return settings_of(config, "config")
    except EvalConfigError:
        return {}


def _name(settings: Mapping[str, Any]) -> str:
    """The name that a config sets, or ""."""
    name = settings.get("name", "")
    return name if isinstance(name, str) else ""
