"""What tables and computations have in common."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol, Self, TypeAlias, runtime_checkable

from assay.metrics.computations.score_bins import ScoreBins
from assay.metrics.entries.domains import Domain
from assay.metrics.entries.examples import Examples
from assay.metrics.entries.streams import Reads
from assay.metrics.states.state import Contribution, Store


class Table(Protocol):
    """The physical side of computations."""

    def join(self, other: Any) -> Any:
        """One table that serves the users of both; None if there is none."""

    def empty(self) -> Store:
        """Where its contributions are added."""

    def contribution(self, examples: Examples, bins: ScoreBins) -> Contribution:
        """What a batch adds; `bins` has what several tables need of it."""


States: TypeAlias = Callable[[Table], tuple[Any, Any]]
"""Takes a table that a computation needs; returns (the joined table that serves it, what its state reads)."""


class Computation(Protocol):
    """The logical side; a frozen dataclass."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    @property
    def domain(self) -> Domain:
        """The labels and predictions that it is defined for."""

    @property
    def reads(self) -> Reads:
        """Which columns it reads."""

    def tables(self) -> tuple[Table, ...]:
        """The tables that it reads."""

    def read(self, states: States) -> Any:
        """The state that metrics take: named arrays with a leading slice axis."""


@runtime_checkable
class Configured(Computation, Protocol):
    """A computation of another library, whose settings are those of the library."""

    def with_settings(self, settings: Mapping[str, Any]) -> Self:
        """The same with these settings; ValueError if it does not take them."""


@runtime_checkable
class Prepared(Configured, Protocol):
    """One that is checked only where it is computed, as the library may not be elsewhere."""

    def prepare(self) -> None:
        """Raises ConfigError if the library does not take its settings."""
