"""Metrics and plots by name: a declaration (what state it needs) and a pure function (state -> value)."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any, Literal, TypeVar

from assay.metrics.computations.table import Computation

Function = TypeVar("Function", bound=Callable[..., Any])
Better = Literal["higher", "lower"]

FAMILIES = (
    "binary",
    "calibration",
    "counts",
    "curves",
    "discrimination",
    "features",
    "loss",
    "plots",
    "regression",
)
"""The modules of this package that register metrics."""


CHOSEN = "chosen"
"""Field of a computation that, where there is one, takes the names of the fields that a config has set."""


@dataclass(frozen=True)
class Definition:
    """One registered metric or plot.

    Attributes:
        class_name: what a config calls it.
        needs: the state it takes, with default settings. Fields that have a default are settings of the metric, but for
            `chosen`.
        function: state, settings -> value; elementwise, reducing over the last axis only.
        name: default output name; `{setting}` in it stands for that field of `needs`, joined by dots.
        renames: setting of the config -> field of `needs`, where they differ.
        fixed: fields of `needs` that are no settings.
        required: fields of `needs` that a config has to set.
        checks: setting of the function -> what turns its JSON value into the argument, or raises ValueError.
        example: settings that make a working metric, as in a config; "" if none are needed.
        better: which values are good ones; None if neither.
        range: where values lie.
        follows_roc: settings of the function with which a value is as doubtful as the area under the ROC curve, where
            scores are too close together to tell their order; None if it has a doubt of its own. None are asked of a
            threshold, whose own place is exact.
        at_most: settings of the function -> an upper bound of its doubt that costs less to compute, see `Doubts.of`.
        is_plot: whether the value goes to the plots.
        kept_name: whether a plot keeps its name in its key (the two classic plots do not).
    """

    class_name: str
    needs: Computation
    function: Callable[..., Any]
    name: str
    renames: Mapping[str, str] = field(default_factory=dict)
    fixed: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    checks: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    example: str = ""
    better: Better | None = None
    range: str = ""
    follows_roc: Mapping[str, Any] | None = None
    at_most: Callable[..., Any] | None = None
    is_plot: bool = False
    kept_name: bool = True

    def name_of(self, needs: Computation) -> str:
        """Default output name with these settings."""
        return self.name.format(**{k: ".".join(map(str, v)) for k, v in vars(needs).items() if isinstance(v, tuple)})

    @property
    def settings(self) -> Mapping[str, Any]:
        """The function's own settings and their defaults; `inspect.Parameter.empty` where a config has to set one."""
        parameters = inspect.signature(self.function).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}

    @property
    def state_settings(self) -> Mapping[str, Any]:
        """The settings of the state, by the name that a config uses, and their defaults."""
        to_config = {v: k for k, v in self.renames.items()}
        return {
            to_config.get(f.name, f.name): inspect.Parameter.empty
            if f.name in self.required
            else getattr(self.needs, f.name)
            for f in dataclasses.fields(self.needs)  # type: ignore[arg-type]
            if f.default is not dataclasses.MISSING and f.name not in (*self.fixed, CHOSEN)
        }


_DEFINITIONS: dict[str, Definition] = {}


def metric(*class_names: str, needs: Computation, name: str = "", **declared: Any) -> Callable[[Function], Function]:
    """Registers a function as a metric under one or more class names (further ones are aliases).

    Args:
        class_names: what a config calls it.
        needs: the state it takes.
        name: default output name, where it is not the class name in snake case.
        declared: other attributes of `Definition`.
    """
    return _register(*class_names, needs=needs, name=name, **declared)


def plot(class_name: str, *, needs: Computation, **declared: Any) -> Callable[[Function], Function]:
    """Registers a function as a plot; as `metric`."""
    return _register(class_name, needs=needs, name="", is_plot=True, **declared)


def _register(*class_names: str, name: str, **declared: Any) -> Callable[[Function], Function]:
    def register(function: Function) -> Function:
        for class_name in class_names:
            own_name = name or snake_case(class_name)
            _DEFINITIONS[class_name] = Definition(class_name, function=function, name=own_name, **declared)
        return function

    return register


@cache
def definitions() -> Mapping[str, Definition]:
    """Every definition by class name."""
    for family in FAMILIES:
        import_module(f"assay.metrics.families.{family}")
    return _DEFINITIONS


def snake_case(name: str) -> str:
    """AUCPrecisionRecall -> auc_precision_recall."""
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
