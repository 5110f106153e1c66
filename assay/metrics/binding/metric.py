"""A metric or plot that a config asks for, bound to its key, its state, its settings and what it sees."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, TypeAlias

import numpy as np

from assay.metrics.computations.steps import StepArea
from assay.metrics.computations.table import Computation, Table
from assay.metrics.declare import Definition
from assay.metrics.entries.domains import Asked
from assay.metrics.entries.streams import Stream
from assay.metrics.keys import AttributionsKey, MetricKey, PlotKey
from assay.metrics.own_modules import definition_of
from assay.metrics.picks import ONE, Pick
from assay.metrics.spreads.spread import Spread
from assay.metrics.values import Floats, Value

Key: TypeAlias = MetricKey | PlotKey | AttributionsKey


@dataclass(frozen=True)
class Metric:
    """A metric or plot of a config, for one model, output and weighting.

    Holds names instead of functions, so that it is equal to itself after a journey to a worker.
    """

    key: Key
    class_name: str
    needs: Computation
    stream: Stream
    settings: tuple[tuple[str, Any], ...] = ()
    pick: Pick = ONE
    module: str = ""
    """Where the user has it; "" if it is one of ours."""
    spread: Spread | None = None
    """The formula of its confidence interval; None if nobody asks for one, or there is none."""

    @property
    def definition(self) -> Definition:
        """What is declared of it; ConfigError where the module of the user's own is not there."""
        definition = definition_of(self.class_name, self.module)
        assert definition is not None
        return definition

    @property
    def described(self) -> str:
        """The metric for errors, with the module that it comes from."""
        return f"metric {self.class_name} of module {self.module}" if self.module else f"metric {self.class_name}"

    def value(self, state: Any) -> Value:
        """Computes the value for all slices, and parts, from the state that `needs` reads.

        A list of one setting gives a number.
        """
        value: Value = self.definition.function(state, **dict(self.settings))
        return one_number(value) if isinstance(value, np.ndarray) else value

    @cached_property
    def squares(self) -> Computation | None:
        """What the formula of its interval reads beside its state; None if there is nothing."""
        return None if self.spread is None else self.spread.squares(self.needs, weighted=self.stream.weighted)

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables that it reads."""
        squares = self.squares
        of_interval = () if squares is None else squares.tables()
        return (*self.needs.tables(), *self.pick.tables(), *of_interval)

    @property
    def is_estimate(self) -> bool:
        """Whether a value is an estimate, which has a confidence interval; see `Facts`."""
        return self.definition.is_estimate

    @property
    def follows_roc(self) -> bool:
        """Whether a value is as doubtful as the area under the ROC curve; see `Facts`."""
        definition = self.definition
        settings = {**definition.settings, **dict(self.settings)}
        wanted = definition.follows_roc
        return wanted is not None and all(settings[name] == value for name, value in wanted.items())

    @property
    def at_most(self) -> Any:
        """An upper bound of the doubt, which takes curve and mask; None if there is none. See `Facts`."""
        at_most = self.definition.at_most
        return at_most and partial(at_most, **dict(self.settings))

    @property
    def steps(self) -> StepArea | None:
        """How samples get it with less work; None if they cannot. See `Facts`."""
        steps = self.definition.steps
        return steps and steps(**dict(self.settings))

    @property
    def has_error_bound(self) -> bool:
        """Whether its doubt bounds the error of its value; not of a threshold, which is exact."""
        return self.definition.follows_roc != {}


def one_number(value: Floats) -> Floats:
    """Of a list of one setting, a number."""
    return value[:, 0] if value.ndim == 2 and value.shape[1] == 1 else value


def asked_of(metrics: Iterable[Metric]) -> dict[Stream, list[Asked]]:
    """The metrics that the columns of each source serve."""
    asked: dict[Stream, list[Asked]] = {}
    for metric in metrics:
        one = Asked(metric.class_name, metric.needs.domain, metric.stream.view)
        for source in metric.stream.sources:
            of_source = asked.setdefault(source, [])
            if one not in of_source:
                of_source.append(one)
    return asked


def has_attributions(metrics: Iterable[Metric]) -> bool:
    """Whether some values are attributions by feature, which have an output of their own."""
    return any(isinstance(metric.key, AttributionsKey) for metric in metrics)
