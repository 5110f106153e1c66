"""Metrics and plots by name: a declaration (what state it needs) and a pure function (state -> value)."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any, TypeVar

from assay.metrics.computations.table import Computation

Function = TypeVar("Function", bound=Callable[..., Any])

FAMILIES = ("binary", "calibration", "counts", "curves", "plots", "regression")
"""The modules of this package that register metrics."""


@dataclass(frozen=True)
class Definition:
    """One registered metric or plot.

    Attributes:
        class_name: what a config calls it; also gives its output name.
        needs: the state it takes, with default settings.
        function: state, settings -> value; elementwise, reducing over the last axis only.
        renames: setting of the config -> field of `needs`, where they differ.
        is_plot: whether the value goes to the plots.
        kept_name: whether a plot keeps its name in its key (the two classic plots do not).
    """

    class_name: str
    needs: Computation
    function: Callable[..., Any]
    renames: Mapping[str, str] = field(default_factory=dict)
    is_plot: bool = False
    kept_name: bool = True

    @property
    def name(self) -> str:
        """Default output name."""
        return snake_case(self.class_name)

    @property
    def settings(self) -> tuple[str, ...]:
        """Names of the function's own settings."""
        return tuple(n for n, p in inspect.signature(self.function).parameters.items() if p.kind is p.KEYWORD_ONLY)


_DEFINITIONS: dict[str, Definition] = {}


def metric(
    *class_names: str, needs: Computation, renames: Mapping[str, str] | None = None
) -> Callable[[Function], Function]:
    """Registers a function as a metric under one or more class names (further ones are aliases)."""
    return _register(*class_names, needs=needs, renames=renames or {})


def plot(class_name: str, *, needs: Computation, kept_name: bool = True) -> Callable[[Function], Function]:
    """Registers a function as a plot."""
    return _register(class_name, needs=needs, renames={}, is_plot=True, kept_name=kept_name)


def _register(*class_names: str, **declared: Any) -> Callable[[Function], Function]:
    def register(function: Function) -> Function:
        for class_name in class_names:
            _DEFINITIONS[class_name] = Definition(class_name, function=function, **declared)
        return function

    return register


@cache
def definitions() -> Mapping[str, Definition]:
    """Every definition by class name."""
    for family in FAMILIES:
        import_module(f"assay.metrics.{family}")
    return _DEFINITIONS


def near_miss(name: str) -> str:
    """A hint at the class name that was probably meant; "" if none is near."""
    close = difflib.get_close_matches(name, definitions(), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def snake_case(name: str) -> str:
    """AUCPrecisionRecall -> auc_precision_recall."""
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
