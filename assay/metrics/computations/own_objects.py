"""Classes of the user's own with `update`, `merge` and `result`: an object of the class for each slice."""

from __future__ import annotations

import inspect
import json
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, ClassVar, cast
from weakref import WeakKeyDictionary

import numpy as np

from assay.metrics.computations.score_bins import ScoreBins
from assay.metrics.computations.table import States, Table
from assay.metrics.entries.domains import NUMBERS, Domain
from assay.metrics.entries.examples import Examples
from assay.metrics.entries.streams import Reads
from assay.metrics.entries.views import Vectors
from assay.metrics.states.failures import SliceFailure, described, of_number
from assay.metrics.states.objects import ObjectStore, Rows
from assay.metrics.values import Floats

METHODS = ("update", "merge", "result")
"""What a class must have."""

_CHECKED_ROWS = 512
_TOLERANCE = 1e-6
"""By how much, relative, results may differ with the way in which rows were merged, unless the class says more."""

_checked: WeakKeyDictionary[type, set[str]] = WeakKeyDictionary()
"""Class -> settings with which this process has looked at its objects."""


@dataclass(frozen=True)
class ObjectKind:
    """A class of the user's own and the settings of its objects; holds names, so that it is equal after a journey.

    Attributes:
        module: of the class.
        class_name: its name there.
        settings: arguments of the class, as canonical JSON.
    """

    module: str
    class_name: str
    settings: str = "{}"

    @property
    def metric(self) -> str:
        """See `Kind`."""
        return f"metric {self.class_name} of module {self.module}"

    @property
    def own_class(self) -> type[Any]:
        """The class itself."""
        return cast(type[Any], getattr(import_module(self.module), self.class_name))

    def new(self) -> Any:
        """See `Kind`."""
        return self.own_class(**json.loads(self.settings))

    def update(self, held: Any, rows: Rows) -> None:
        """See `Kind`."""
        arrays = [rows.labels, rows.predictions, rows.weights]
        held.update(*(arrays if takes_weights(self.own_class) else arrays[:2]))

    def merge(self, held: Any, other: Any) -> Any:
        """See `Kind`. A merge that returns nothing has changed its object."""
        merged = held.merge(other)
        return held if merged is None else merged

    def result(self, held: Any) -> float:
        """The value of an object.

        Raises:
            SliceFailure: it raises, or is not one number.
        """
        try:
            found = held.result()
        except Exception as error:  # whatever code of the user's own may raise
            raise SliceFailure(0, self.metric, f"result {described(error)}") from error
        array = np.asarray(found)
        if array.shape != () or array.dtype.kind not in "fiu":
            form = f"an array of the shape {array.shape}" if array.shape else f"a {type(found).__name__}"
            raise SliceFailure(0, self.metric, f"result gave {form}; expected one number")
        return float(array)

    def check(self, rows: Rows) -> None:
        """See `Kind`: once for each class and process, on the first slice of several rows."""
        done = _checked.setdefault(self.own_class, set())
        if self.settings in done or len(rows.weights) < 2:
            return
        rows = rows.cut(0, _CHECKED_ROWS)
        cut = -(-len(rows.weights) // 3)  # not in the middle: a mean of means would seem right
        whole, first, second = (self._of(some) for some in (rows, rows.cut(0, cut), rows.cut(cut, _CHECKED_ROWS)))
        merged = self._merged(self._travelled(first), second)
        together, at_once = self.result(merged), self.result(whole)
        tolerance = getattr(self.own_class, "tolerance", _TOLERANCE)
        if not np.isclose(together, at_once, rtol=tolerance, atol=tolerance * 1e-3, equal_nan=True):
            raise SliceFailure(
                0,
                self.metric,
                f"does not merge: {len(rows.weights)} rows give {at_once:.9g} at once, and {together:.9g} as two "
                "parts that are merged; correct merge, or set `tolerance` of the class if its result is approximate",
            )
        done.add(self.settings)

    def _of(self, rows: Rows) -> Any:
        held = self.new()
        self.update(held, rows)
        return held

    def _travelled(self, held: Any) -> Any:
        try:
            return pickle.loads(pickle.dumps(held))
        except Exception as error:  # whatever an attribute may raise
            what = f"its objects cannot be pickled ({described(error)}), as they travel between processes"
            raise SliceFailure(0, self.metric, f"{what}; keep numbers and arrays in their attributes") from error

    def _merged(self, held: Any, other: Any) -> Any:
        try:
            return self.merge(held, other)
        except Exception as error:  # whatever code of the user's own may raise
            raise SliceFailure(0, self.metric, f"merge {described(error)}") from error


def takes_weights(own_class: type[Any]) -> bool:
    """Whether `update` takes weights behind labels and predictions."""
    parameters = list(inspect.signature(own_class.update).parameters.values())
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return len(positional) > 3 or any(p.kind is p.VAR_POSITIONAL for p in parameters)


@dataclass(frozen=True)
class ObjectTable:
    """The objects of one kind."""

    kind: ObjectKind

    def join(self, other: ObjectTable) -> ObjectTable | None:
        """Only equal kinds share objects."""
        return self if self == other else None

    def empty(self) -> ObjectStore:
        """No objects."""
        return ObjectStore(self.kind)

    def contribution(self, examples: Examples, bins: ScoreBins) -> Rows:
        """All entries."""
        return Rows(examples.labels, examples.predictions, examples.weights, None)


@dataclass(frozen=True)
class OfObjects:
    """The results of objects of a class of the user's own.

    Attributes:
        kind: the class and its settings.
        of_vectors: whether it sees a number for each class, (n, c), instead of one number a row.
        adds_up: whether the result without rows is 0 rather than NaN.
        may_be_undefined: whether a result may be NaN.
    """

    kind: ObjectKind
    of_vectors: bool
    adds_up: bool
    may_be_undefined: bool
    reads: ClassVar[Reads] = Reads()

    @property
    def domain(self) -> Domain:
        """Finite numbers of any kind; or vectors of them, beside which labels may be class ids."""
        return NUMBERS._replace(view=Vectors(), class_ids=True) if self.of_vectors else NUMBERS

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments of the class and their defaults."""
        parameters = inspect.signature(self.kind.own_class).parameters.values()
        return {p.name: p.default for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}

    def with_settings(self, settings: Mapping[str, Any]) -> OfObjects:
        """The same of objects that are made with these arguments.

        Raises:
            ValueError: the class does not take them.
        """
        kind = replace(self.kind, settings=json.dumps(settings, sort_keys=True))
        try:
            kind.new()
        except Exception as error:  # whatever code of the user's own may raise
            raise ValueError(f"{self.kind.class_name}(...) {described(error)}") from error
        return replace(self, kind=kind)

    def tables(self) -> tuple[Table, ...]:
        """The objects."""
        return (ObjectTable(self.kind),)

    def read(self, states: States) -> Floats:
        """The results, (s,)."""
        _, held = states(*self.tables())
        return np.array([self._value(number, one) for number, one in enumerate(held)], np.float64)

    def _value(self, number: int, held: Any) -> float:
        if held is None:
            return 0.0 if self.adds_up else np.nan
        with of_number(number):
            value = self.kind.result(held)
        if np.isnan(value) and not self.may_be_undefined:
            cure = "return a number, or set `undefined` of the class to text that says when there is none"
            raise SliceFailure(number, self.kind.metric, f"result is NaN; {cure}")
        return value


def results(values: Floats) -> Floats:
    """The results of the objects."""
    return values


def missing_methods(own_class: Any) -> Sequence[str]:
    """The methods that a class would need, and has not."""
    return [name for name in METHODS if not callable(getattr(own_class, name, None))]
