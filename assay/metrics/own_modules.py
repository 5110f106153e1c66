"""Metrics of modules of the user's own, found by module and class name. Only whoever computes metrics imports them."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from assay.config.own_modules import is_keras, module_of
from assay.errors import ConfigError
from assay.metrics.computations.keras_metrics import kind_of_class
from assay.metrics.computations.own_objects import METHODS, ObjectKind, OfObjects, missing_methods, results
from assay.metrics.declare import OWN, Definition, declared_in, definitions
from assay.metrics.keras_definitions import of_keras, of_keras_class
from assay.metrics.ranking_definitions import OF_RANKING
from assay.proto.config_pb2 import MetricConfig
from assay.text.near_miss import one_of
from assay.text.words import snake_case

_FACTS = {"better": str, "range": str, "undefined": str, "adds_up": bool, "is_estimate": bool, "of_vectors": bool}
"""What a class of the user's own may tell of itself, by attributes; see `Facts` and `OfObjects`."""
_NO_ROWS = "no row with a weight"


def definition_of(class_name: str, module: str = "") -> Definition | None:
    """The definition of a metric; None of one of ours that there is not.

    Args:
        class_name: what a config calls it.
        module: that it is imported from; "" if it is one of ours.

    Raises:
        ConfigError: the module cannot be imported, or has no such metric.
    """
    if is_keras(module):
        return of_keras(class_name, module)
    if module:
        return _in_module(class_name, _imported(module))
    return definitions().get(class_name) or OF_RANKING.get(class_name)


def known_definition(asked: MetricConfig) -> Definition | None:
    """The same without importing anything: None where nobody has imported the module of the metric so far."""
    module = module_of(asked)
    if not module or is_keras(module):
        return definition_of(asked.class_name, module)
    loaded = sys.modules.get(module)
    try:
        return None if loaded is None else _in_module(asked.class_name, loaded)
    except ConfigError:
        return None


def _imported(module: str) -> ModuleType:
    try:
        return import_module(module)
    except Exception as error:  # whatever code of the user's own may raise
        is_absent = isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}.")
        why = "there is none of that name" if is_absent else f"{type(error).__name__}: {error}"
        raise ConfigError(
            f"module {module!r} cannot be imported: {why}; it must be installed, on PYTHONPATH, or in the folder where "
            "you call assay, wherever metrics are computed"
        ) from error


def _in_module(class_name: str, module: ModuleType) -> Definition:
    declared = declared_in(module)
    if class_name in declared:
        return declared[class_name]
    own = getattr(module, class_name, None)
    if isinstance(own, type):
        kind = kind_of_class(own)
        return of_keras_class(own, module.__name__, kind) if kind else _of_class(own, class_name, module.__name__)
    classes = [name for name, value in vars(module).items() if isinstance(value, type) and not missing_methods(value)]
    raise ConfigError(
        f"module {module.__name__!r} has no metric {class_name!r}{one_of(class_name, sorted({*declared, *classes}))}; "
        f'expected a function declared by @metric("{class_name}", ...), or a class of that name with '
        f"{', '.join(METHODS)}"
    )


def _of_class(own: type[Any], class_name: str, module: str) -> Definition:
    """The definition of a class of the user's own, which has its facts as attributes."""
    missing, who = missing_methods(own), f"{module}.{class_name}"
    if missing:
        raise ConfigError(f"{who} has no {missing[0]}; expected a class with {', '.join(METHODS)}")
    facts = {name: getattr(own, name) for name in _FACTS if hasattr(own, name)}
    for name, value in facts.items():
        if not isinstance(value, _FACTS[name]):
            raise ConfigError(
                f"{who}.{name}: expected {_FACTS[name].__name__} as a fact of the metric, found {value!r}"
            )
    if facts.get("better", "higher") not in ("higher", "lower"):
        raise ConfigError(f"{who}.better: expected 'higher' or 'lower', found {facts['better']!r}")
    of_vectors, undefined = facts.pop("of_vectors", False), facts.pop("undefined", "")
    needs = OfObjects(
        ObjectKind(module, class_name), of_vectors, facts.get("adds_up", False), may_be_undefined=bool(undefined)
    )
    for name in ("name", *OWN):
        if name in needs.arguments:
            raise ConfigError(f"{who} has an argument {name!r}, which every metric has already; rename it")
    return Definition(class_name, needs, results, snake_case(class_name), undefined=undefined or _NO_ROWS, **facts)
