"""Metrics and plots by name: a declaration (what state it needs) and a pure function (state -> value)."""

from __future__ import annotations

import dataclasses
import inspect
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, Literal, TypedDict, TypeVar, Unpack

from assay.errors import ConfigError
from assay.metrics.computations.own_objects import OfObjects
from assay.metrics.computations.steps import StepArea
from assay.metrics.computations.table import Computation, Prepared
from assay.metrics.spreads.spread import Spread
from assay.metrics.values import Floats
from assay.text.near_miss import one_of
from assay.text.words import snake_case

OWN = ("class_id", "top_k")
"""Settings with which a metric asks for a part by itself."""

Function = TypeVar("Function", bound=Callable[..., Any])
Better = Literal["higher", "lower"]

FAMILIES = (
    "attributions",
    "binary",
    "calibration",
    "counts",
    "curves",
    "detection",
    "discrimination",
    "features",
    "loss",
    "matches",
    "multiclass",
    "multilabel",
    "plots",
    "ranking",
    "regression",
    "segmentation",
    "texts",
    "two_models",
)
"""The modules of this package that register metrics."""


_INTERVAL = re.compile(r"[\[(](-?[\d.]+|-∞|-inf), (-?[\d.]+|∞|inf)[\])]")
CHOSEN = "chosen"
"""Field of a computation that, where there is one, takes the names of the fields that a config has set."""


class Facts(TypedDict, total=False):
    """What a declaration may tell about a metric or plot; `Definition` has the defaults.

    Attributes:
        renames: setting of the config -> field of `needs`, where they differ.
        fixed: fields of `needs` that are no settings.
        required: fields of `needs` that a config has to set.
        checks: setting of the function -> what turns its JSON value into the argument, or raises ValueError.
        example: settings that make a working metric, as in a config; "" if none are needed.
        better: which values are good ones; None if neither.
        range: where values lie.
        undefined: why a value is NaN, where there is only one reason; "" where there are several. The gate tells it.
        is_estimate: whether a value estimates something about the model or the data, and so has a confidence interval.
            A count of the rows, or some of their values, only describe them.
        adds_up: whether the values of two sets of rows add up to the value of both.
        is_count: whether a value that does not add up is a number of rows all the same, such as the largest of some.
        shows_data: whether a value is some values of the data instead of a number.
        is_of_column: whether a value is one of a column of the data, which belongs to no model.
        top_k: of a measure of ranked lists, whether it looks at the first k rows of a query: "optional", "required", or
            "" if it looks at all.
        keyed_by_class: whether the class that its config asks for is part of its key.
        follows_roc: settings of the function with which a value is as doubtful as the area under the ROC curve, where
            scores are too close together to tell their order; None if it has a doubt of its own. None are asked of a
            threshold, whose own position is exact.
        spread: the formula of its confidence interval; None if there is none.
        spread_when: settings of the function with which that formula holds.
        at_most: settings of the function -> an upper bound of its doubt that costs less to compute, see `Doubts.of`.
        steps: settings of the function -> how samples get it with less work, see `StepArea`; None where they cannot.
    """

    renames: Mapping[str, str]
    fixed: tuple[str, ...]
    required: tuple[str, ...]
    checks: Mapping[str, Callable[[Any], Any]]
    example: str
    better: Better | None
    range: str
    undefined: str
    is_estimate: bool
    adds_up: bool
    is_count: bool
    shows_data: bool
    is_of_column: bool
    top_k: Literal["", "optional", "required"]
    keyed_by_class: bool
    follows_roc: Mapping[str, Any] | None
    spread: Spread | None
    spread_when: Mapping[str, Any]
    at_most: Callable[..., Any] | None
    steps: Callable[..., StepArea | None] | None


@dataclass(frozen=True)
class Definition:
    """One registered metric or plot.

    Attributes:
        class_name: what a config calls it.
        needs: the state it takes, with default settings. Fields that have a default are settings of the metric, but for
            `chosen`.
        function: state, settings -> value; elementwise, reducing over the last axis only.
        name: default output name; `{setting}` in it stands for that field of `needs`, joined by dots.
        is_plot: whether the value goes to the plots.
        is_by_feature: whether the value goes to the attributions.
        kept_name: whether a plot keeps its name in its key (the two classic plots do not).

    All other attributes are facts; see `Facts`.
    """

    class_name: str
    needs: Computation
    function: Callable[..., Any]
    name: str
    is_plot: bool = False
    is_by_feature: bool = False
    kept_name: bool = True
    renames: Mapping[str, str] = field(default_factory=dict)
    fixed: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    checks: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    example: str = ""
    better: Better | None = None
    range: str = ""
    undefined: str = ""
    is_estimate: bool = True
    adds_up: bool = False
    is_count: bool = False
    shows_data: bool = False
    is_of_column: bool = False
    top_k: Literal["", "optional", "required"] = ""
    keyed_by_class: bool = False
    follows_roc: Mapping[str, Any] | None = None
    spread: Spread | None = None
    spread_when: Mapping[str, Any] = field(default_factory=dict)
    at_most: Callable[..., Any] | None = None
    steps: Callable[..., StepArea | None] | None = None

    def name_of(self, needs: Computation) -> str:
        """Default output name with these settings."""
        values = {k: ".".join(map(str, v)) if isinstance(v, tuple) else v for k, v in vars(needs).items()}
        return self.name.format(**values)

    @property
    def interval(self) -> tuple[float, float]:
        """Least and greatest value, where `range` is an interval; all numbers, where it says something else."""
        bounds = _INTERVAL.fullmatch(self.range)
        ends = [float(end.replace("∞", "inf")) for end in bounds.groups()] if bounds else [-math.inf, math.inf]
        return ends[0], ends[1]

    @property
    def is_number(self) -> bool:
        """Whether a value is a number or an array of them, which have a mean."""
        return not self.is_plot and inspect.signature(self.function).return_annotation in ("Floats", Floats)

    @property
    def holds_counts(self) -> bool:
        """Whether values are numbers of rows or sums of their weights, or matrices or buckets of these."""
        return self.is_count or (self.adds_up and not self.is_by_feature)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The function's own settings and their defaults; `inspect.Parameter.empty` where a config has to set one."""
        parameters = inspect.signature(self.function).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}

    @property
    def state_settings(self) -> Mapping[str, Any]:
        """The settings of the state, by the name that a config uses, and their defaults."""
        if isinstance(self.needs, OfObjects):
            return self.needs.arguments
        if isinstance(self.needs, Prepared):
            return {}
        to_config = {v: k for k, v in self.renames.items()}
        return {
            to_config.get(f.name, f.name): inspect.Parameter.empty
            if f.name in self.required
            else getattr(self.needs, f.name)
            for f in dataclasses.fields(self.needs)
            if f.default is not dataclasses.MISSING and f.name not in (*self.fixed, CHOSEN)
        }


_DEFINITIONS: dict[str, Definition] = {}
_OF_OTHERS: dict[tuple[str, str], Definition] = {}
"""Module and class name -> definition, of modules of the user's own: a name of ours may be one of theirs too."""
_GROUPS: dict[str, Group] = {}


def metric(
    *class_names: str, needs: Computation, name: str = "", **facts: Unpack[Facts]
) -> Callable[[Function], Function]:
    """Registers a function as a metric under one or more class names (further ones are aliases).

    Args:
        class_names: what a config calls it.
        needs: the state it takes.
        name: default output name, where it is not the class name in snake case.
        facts: what else there is to tell about it.

    Raises:
        ConfigError: a fact that does not exist, or a class name that another function has.
    """
    _check(class_names, facts)

    def register(function: Function) -> Function:
        for class_name in class_names:
            _add(Definition(class_name, needs, function, name or snake_case(class_name), **facts))
        return function

    return register


def plot(
    class_name: str, *, needs: Computation, kept_name: bool = True, **facts: Unpack[Facts]
) -> Callable[[Function], Function]:
    """Registers a function as a plot; as `metric`.

    Args:
        class_name: what a config calls it.
        needs: the state it takes.
        kept_name: whether the plot keeps its name in its key.
        facts: what else there is to tell about it.

    Raises:
        ConfigError: as `metric`.
    """
    _check([class_name], facts)

    def register(function: Function) -> Function:
        own_name = snake_case(class_name)
        _add(Definition(class_name, needs, function, own_name, is_plot=True, kept_name=kept_name, **facts))
        return function

    return register


def attributions(class_name: str, *, needs: Computation, **facts: Unpack[Facts]) -> Callable[[Function], Function]:
    """Registers a function as attributions by feature; as `metric`.

    Args:
        class_name: what a config calls it.
        needs: the state it takes.
        facts: what else there is to tell about it.

    Raises:
        ConfigError: as `metric`.
    """
    _check([class_name], facts)

    def register(function: Function) -> Function:
        _add(Definition(class_name, needs, function, snake_case(class_name), is_by_feature=True, **facts))
        return function

    return register


@dataclass(frozen=True)
class Group:
    """Several metrics under one name, which share the settings that all of them have.

    Attributes:
        members: class name of each metric -> the setting of the group that names its value; without `_name`, the
            default of that setting. With a prefix or thresholds: -> what its value is called in the names of values.
        prefix: the setting whose value stands before the names of values; `name` of the group takes its place.
        thresholds: the default thresholds; each metric has a value `NAME/VALUE@THRESHOLD` at each.
        name: the default of NAME.
    """

    members: Mapping[str, str]
    prefix: str = ""
    thresholds: tuple[float, ...] = ()
    name: str = ""


def group(class_name: str, group: Group) -> None:
    """Registers a class name that stands for several metrics."""
    _GROUPS[class_name] = group


def _check(class_names: Sequence[str], facts: Iterable[str]) -> None:
    """Refuses facts that mypy would have refused, where nobody runs it."""
    for name in facts:
        if name not in Facts.__annotations__:
            known = sorted(Facts.__annotations__)
            raise ConfigError(f"metric {class_names[0]}: there is no fact {name!r}{one_of(name, known)}")


def _add(definition: Definition) -> None:
    """Takes in a definition. Another one of the same function replaces it, since a module may be loaded again."""
    function = definition.function
    known, key = _register_of(function, definition.class_name)
    earlier = known.get(key)
    if earlier is not None and _origin(earlier.function) != _origin(function):
        raise ConfigError(
            f"metric {definition.class_name}: {_origin(function)} declares a class name that "
            f"{_origin(earlier.function)} has already; expected another one"
        )
    known[key] = definition


def _register_of(function: Callable[..., Any], class_name: str) -> tuple[dict[Any, Definition], Any]:
    """Where a function's definition belongs, and under which key."""
    is_ours = function.__module__.startswith("assay.")
    return (_DEFINITIONS, class_name) if is_ours else (_OF_OTHERS, (function.__module__, class_name))


def declared_in(module: ModuleType) -> dict[str, Definition]:
    """The definitions of a module of the user's own, by class name; those too that it takes from its submodules."""
    return {
        class_name: definition
        for (owner, class_name), definition in _OF_OTHERS.items()
        if owner == module.__name__ or getattr(module, definition.function.__name__, None) is definition.function
    }


def names_of(function: Callable[..., Any]) -> list[str]:
    """The class names that a function of the user's own has."""
    return [class_name for (_, class_name), known in _OF_OTHERS.items() if known.function is function]


def _origin(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


@cache
def definitions() -> Mapping[str, Definition]:
    """Every definition by class name."""
    for family in FAMILIES:
        import_module(f"assay.metrics.families.{family}")
    return _DEFINITIONS


@cache
def groups() -> Mapping[str, Group]:
    """Every group of metrics by class name."""
    definitions()
    return _GROUPS


@cache
def reasons_undefined() -> Mapping[str, str]:
    """Default name of a metric -> why its value is NaN, of the metrics that are undefined for one reason only."""
    return {definition.name: definition.undefined for definition in definitions().values() if definition.undefined}
