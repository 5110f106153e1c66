"""The mean of a function of the user's own over rows: only the function is theirs, its sums are as all others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import numpy as np

from assay.errors import MetricError
from assay.metrics.computations.table import States, Table
from assay.metrics.computations.terms import TERMS, ErrorTerms, Term, TermTable
from assay.metrics.entries.domains import NUMBERS, Domain
from assay.metrics.entries.examples import Examples
from assay.metrics.entries.streams import Reads
from assay.metrics.entries.views import Vectors
from assay.metrics.states.failures import described
from assay.metrics.values import Floats

_TERM = "own_rows"


def mean_of(function: Callable[[Floats, Floats], Any], *, of_vectors: bool = False) -> OwnRows:
    """What a metric needs that is the mean of a function over rows, by weight.

    Args:
        function: of a module, from labels and predictions, (m,) each, to a finite number for each row, (m,).
        of_vectors: give it labels and predictions (m, c), with a number for each class, instead.
    """
    return OwnRows(f"{function.__module__}:{function.__qualname__}", of_vectors)


def _weighted(e: Examples, path: str) -> Floats:
    values = _values(e, path)
    return np.where(e.weights > 0, e.weights * values, 0.0)


def _values(e: Examples, path: str) -> Floats:
    module, _, name = path.partition(":")
    who = f"function {name} of module {module}"
    try:
        values = np.asarray(getattr(import_module(module), name)(e.labels, e.predictions), np.float64)
    except Exception as error:  # whatever code of the user's own may raise
        raise MetricError(f"{who} {described(error)}, on {len(e.weights)} rows") from error
    return checked_values(values, e, who)


def checked_values(values: Floats, e: Examples, who: str) -> Floats:
    """The values (m,) of m entries.

    Raises:
        MetricError: they are not so many, or one that counts is not finite; the message starts with `who`.
    """
    count = len(e.weights)
    if values.shape != (count,):
        raise MetricError(f"{who}: expected a number for each of {count} rows, found the shape {values.shape}")
    odd = np.flatnonzero(~np.isfinite(values) & (e.weights > 0))
    if len(odd):
        found = f"{values[odd[0]]} for label {e.labels[odd[0]]} and prediction {e.predictions[odd[0]]}"
        raise MetricError(f"{who}: expected finite numbers, found {found}")
    return values


TERMS[_TERM] = _weighted


@dataclass(frozen=True)
class OwnRows:
    """Sum of a function of the user's own over rows, and of the weights.

    Attributes:
        path: `module:function`, which is looked up wherever rows are added.
        of_vectors: whether it sees a number for each class.
    """

    path: str
    of_vectors: bool
    reads: ClassVar[Reads] = Reads()

    @property
    def domain(self) -> Domain:
        """Finite numbers of any kind; or vectors of them, beside which labels may be class ids."""
        return NUMBERS._replace(view=Vectors(), class_ids=True) if self.of_vectors else NUMBERS

    @property
    def _term(self) -> Term:
        return (_TERM, self.path)

    def tables(self) -> tuple[Table, ...]:
        """Weights and the function."""
        return (TermTable(("weight", self._term)),)

    def read(self, states: States) -> ErrorTerms:
        """The two sums."""
        table, sums = states(*self.tables())
        return ErrorTerms(*(sums[:, table.terms.index(term)] for term in ("weight", self._term)))
