"""Metrics and losses of Keras 3, whose state variables add up, or whose losses of rows have a mean.

A batch adds, slice by slice, what the variables of a fresh metric are after it. So only arrays of numbers are held, and
merged, whatever the metric is. The numbers have 64 bits, unless the config sets another `dtype`.
"""

from __future__ import annotations

import inspect
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from typing import Any, ClassVar

import numpy as np

from assay.config.own_modules import is_keras
from assay.errors import ConfigError, MetricError
from assay.metrics.computations.own_rows import checked_values
from assay.metrics.computations.score_bins import ScoreBins
from assay.metrics.computations.table import States, Table
from assay.metrics.computations.terms import TERMS, ErrorTerms, Term, TermTable
from assay.metrics.entries.domains import NUMBERS, Domain
from assay.metrics.entries.examples import Examples
from assay.metrics.entries.streams import Reads
from assay.metrics.entries.views import Vectors
from assay.metrics.states.failures import SliceFailure, described, of_number
from assay.metrics.states.objects import Rows
from assay.metrics.states.vector_sums import VectorStore
from assay.metrics.values import Floats
from assay.text.near_miss import one_of

_TERM = "keras_loss"
_CHECKED_ROWS = 512
_TOLERANCE = 1e-5
_HEAD = 2
"""Numbers of a vector before the variables: rows, and rows times the numbers of each."""


@dataclass(frozen=True)
class KerasKind:
    """A metric or loss of Keras and its settings; holds names, so that it is equal after a journey.

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
        """The metric for errors, with its module."""
        return f"metric {self.class_name} of module {self.module}"

    def made(self, **more: Any) -> Any:
        """The object of Keras, one for all slices.

        Raises:
            ConfigError: Keras has no such class, or it does not take the settings.
        """
        if is_keras(self.module):
            from assay.models.tensorflow import import_tensorflow  # which Keras computes with

            import_tensorflow()
        own = getattr(import_module(self.module), self.class_name, None)
        if not isinstance(own, type):
            raise ConfigError(f"module {self.module!r} has no {self.class_name!r}")
        return _made(own, json.dumps({**json.loads(self.settings), **more}))


@lru_cache(maxsize=64)
def _made(own: type[Any], settings: str) -> Any:
    chosen, arguments = json.loads(settings), inspect.signature(own).parameters
    unknown = next((name for name in chosen if name not in arguments), None)
    if unknown is not None and not any(one.kind is one.VAR_KEYWORD for one in arguments.values()):
        raise ConfigError(
            f"config of {own.__name__}: Keras has no setting {unknown!r} for it{one_of(unknown, sorted(arguments))}; "
            "correct it, or remove it"
        )
    if "dtype" in arguments:
        chosen = {"dtype": "float64", **chosen}
    try:
        return own(**chosen)
    except Exception as error:  # whatever Keras raises
        raise ConfigError(f"{own.__name__} of Keras {described(error)}; found {json.loads(settings)}") from error


def _columns(values: Floats) -> Floats:
    """Keras reduces the last axis: a row has one number there, or one for each class."""
    return values if values.ndim > 1 else values[:, None]


def _numbers(value: Any) -> Floats:
    return np.asarray(value.numpy() if hasattr(value, "numpy") else value, np.float64)


@dataclass(frozen=True)
class KerasTable:
    """The sums of the variables of one metric."""

    kind: KerasKind

    def join(self, other: KerasTable) -> KerasTable | None:
        """Only equal kinds share variables."""
        return self if self == other else None

    def empty(self) -> VectorStore:
        """No slices."""
        return VectorStore(self.vector_of)

    def contribution(self, examples: Examples, bins: ScoreBins) -> Rows:
        """All entries."""
        return Rows(examples.labels, examples.predictions, examples.weights, None)

    def vector_of(self, rows: Rows) -> Floats:
        """Rows, their numbers, and the variables that they add.

        Raises:
            SliceFailure: Keras raises, or its variables do not add up.
        """
        _check(self.kind, rows)
        return _variables(self.kind, rows)


_in_use = threading.Lock()
"""There is one object of a metric in a process, whose variables one thread uses at a time; Beam has several."""


def _variables(kind: KerasKind, rows: Rows) -> Floats:
    held, labels, predictions = kind.made(), _columns(rows.labels), _columns(rows.predictions)
    try:
        with _in_use:
            held.reset_state()
            held.update_state(labels, predictions, sample_weight=rows.weights)
            variables = [_numbers(variable).reshape(-1).copy() for variable in held.variables]
    except Exception as error:  # whatever Keras raises
        raise SliceFailure(0, kind.metric, f"update_state {described(error)}") from error
    return np.concatenate([[len(labels), labels.size], *variables])


_checked: set[KerasKind] = set()
"""The kinds whose variables this process has looked at."""


def _check(kind: KerasKind, rows: Rows) -> None:
    """Refuses a metric whose variables do not add up, once for each process."""
    if kind in _checked or len(rows.weights) < 3:
        return
    rows = rows.cut(0, _CHECKED_ROWS)
    cut = -(-len(rows.weights) // 3)
    whole, first, second = (_variables(kind, r) for r in (rows, rows.cut(0, cut), rows.cut(cut, _CHECKED_ROWS)))
    if not np.allclose(first + second, whole, rtol=_TOLERANCE, atol=_TOLERANCE):
        raise SliceFailure(
            0,
            kind.metric,
            "its state variables do not add up, so that parts of the data cannot be merged; expected another "
            "metric, or a class with update, merge and result",
        )
    _checked.add(kind)


def _result(kind: KerasKind, vector: Floats) -> float:
    """The value of one slice from the sums of its variables; NaN without rows."""
    if not len(vector) or vector[0] == 0:
        return np.nan
    held = kind.made()
    try:
        with _in_use:
            _build(held, round(vector[1] / vector[0]))
            at = _HEAD
            for variable in held.variables:
                size = int(np.prod(tuple(variable.shape)))
                variable.assign(vector[at : at + size].reshape(tuple(variable.shape)))
                at += size
            value = _numbers(held.result())
    except Exception as error:  # whatever Keras raises
        raise SliceFailure(0, kind.metric, f"result {described(error)}") from error
    if value.shape != ():
        raise SliceFailure(0, kind.metric, f"result gave an array of the shape {value.shape}; expected one number")
    return float(value)


def _build(held: Any, columns: int) -> None:
    """Some metrics make their variables when they see how many numbers a row has."""
    if not held.variables or getattr(held, "_built", True) is False:
        held.update_state(np.zeros((1, columns)), np.zeros((1, columns)))


@dataclass(frozen=True)
class OfKeras:
    """The values of a metric of Keras.

    Attributes:
        kind: the metric and its settings.
        of_vectors: whether it sees a number for each class, (n, c), instead of one number a row.
    """

    kind: KerasKind
    of_vectors: bool
    reads: ClassVar[Reads] = Reads()

    @property
    def domain(self) -> Domain:
        """Finite numbers of any kind; or vectors of them, beside which labels may be class ids."""
        return _domain(of_vectors=self.of_vectors)

    def with_settings(self, settings: Mapping[str, Any]) -> OfKeras:
        """The same with these arguments, which only Keras can check."""
        return replace(self, kind=replace(self.kind, settings=json.dumps(settings, sort_keys=True)))

    def prepare(self) -> None:
        """Makes the object of Keras; see `KerasKind.made`."""
        self.kind.made()

    def tables(self) -> tuple[Table, ...]:
        """The variables."""
        return (KerasTable(self.kind),)

    def read(self, states: States) -> Floats:
        """The results, (s,)."""
        _, sums = states(*self.tables())
        values = []
        for number, vector in enumerate(sums):
            with of_number(number):
                values.append(_result(self.kind, vector))
        return np.array(values, np.float64)


@dataclass(frozen=True)
class KerasLoss:
    """The mean of a loss of Keras over rows, by weight; attributes as in `OfKeras`."""

    kind: KerasKind
    of_vectors: bool
    reads: ClassVar[Reads] = Reads()

    @property
    def domain(self) -> Domain:
        """As that of `OfKeras`."""
        return _domain(of_vectors=self.of_vectors)

    def with_settings(self, settings: Mapping[str, Any]) -> KerasLoss:
        """The same with these arguments.

        Raises:
            ValueError: a reduction, which is always the mean.
        """
        if "reduction" in settings:
            raise ValueError("reduction: a loss is always the mean over rows by weight; remove it")
        return replace(self, kind=replace(self.kind, settings=json.dumps(settings, sort_keys=True)))

    def prepare(self) -> None:
        """Makes the object of Keras; see `KerasKind.made`."""
        self.kind.made(reduction=None)

    @property
    def _term(self) -> Term:
        return (_TERM, self.kind)

    def tables(self) -> tuple[Table, ...]:
        """Weights and the loss."""
        return (TermTable(("weight", self._term)),)

    def read(self, states: States) -> ErrorTerms:
        """The two sums."""
        table, sums = states(*self.tables())
        return ErrorTerms(*(sums[:, table.terms.index(term)] for term in ("weight", self._term)))


def _domain(*, of_vectors: bool) -> Domain:
    return NUMBERS._replace(view=Vectors(), class_ids=True) if of_vectors else NUMBERS


def _weighted_loss(e: Examples, kind: KerasKind) -> Floats:
    loss = kind.made(reduction=None)
    try:
        values = _numbers(loss(_columns(e.labels), _columns(e.predictions)))
    except Exception as error:  # whatever Keras raises
        raise MetricError(f"{kind.metric} {described(error)}, on {len(e.weights)} rows") from error
    checked = checked_values(values, e, kind.metric)
    return np.where(e.weights > 0, e.weights * checked, 0.0)


TERMS[_TERM] = _weighted_loss


def kind_of_class(own: type[Any]) -> str:
    """`Metric` or `Loss` if a class is one of Keras', else ""."""
    names = {base.__name__ for base in own.__mro__ if base.__module__.split(".")[0] in ("keras", "tf_keras")}
    return next((name for name in ("Metric", "Loss") if name in names), "")
