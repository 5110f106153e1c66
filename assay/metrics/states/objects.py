"""Objects of a class of the user's own, one for each slice, which are updated with its rows and merge.

Objects are never changed once a store has handed them out: what merges is a copy.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from assay.metrics.states.combining import Combining
from assay.metrics.states.failures import SliceFailure, described, of_number
from assay.metrics.states.state import Chosen
from assay.metrics.values import Floats, Ints


class Rows(NamedTuple):
    """For a table of objects: m entries; `times` how often each counts, None: once."""

    labels: Floats
    predictions: Floats
    weights: Floats
    entries: Ints | None
    times: Ints | None = None

    def drawn(self, chosen: Chosen, times: Ints | None) -> Rows:
        """The chosen ones, each `times`; weights stay, as an object may not read them."""
        return Rows(self.labels[chosen], self.predictions[chosen], self.weights[chosen], None, times)

    def by_slice(self, slices: Ints | None) -> Iterator[tuple[int, Rows]]:
        """Yields (slice, its rows in their order), of those that have weight, each as often as it counts."""
        times = (self.weights > 0).astype(np.int64) * (1 if self.times is None else self.times)
        at = np.arange(len(times)) if (times == 1).all() else np.repeat(np.arange(len(times)), times)
        if not len(at):
            return
        if slices is None:
            yield 0, self._at(at)
            return
        at = at[np.argsort(slices[at], kind="stable")]
        owner = slices[at]
        first = np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))
        for start, stop in zip(first, [*first[1:], len(at)], strict=True):
            yield int(owner[start]), self._at(at[start:stop])

    def _at(self, at: Ints) -> Rows:
        return Rows(self.labels[at], self.predictions[at], self.weights[at], None)

    def cut(self, start: int, stop: int) -> Rows:
        """Some of the rows."""
        return self._at(np.arange(start, min(stop, len(self.weights))))


class Kind(Protocol):
    """How objects are made and used; a frozen dataclass that travels."""

    @property
    def metric(self) -> str:
        """The metric for errors, with its module."""

    def new(self) -> Any:
        """An object that has seen no row."""

    def update(self, held: Any, rows: Rows) -> None:
        """Adds rows to an object."""

    def merge(self, held: Any, other: Any) -> Any:
        """The first object, which may be changed, with what the other holds."""

    def check(self, rows: Rows) -> None:
        """Looks, on a few rows of one slice, whether objects travel and merge; raises what they raise."""


@dataclass(frozen=True)
class ObjectStates:
    """The objects of s slices; None where no row was added."""

    kind: Kind
    held: tuple[Any, ...]

    @property
    def entry_counts(self) -> None:
        """It makes no difference how much an object holds."""

    def take(self, slices: Ints) -> ObjectStates:
        """The objects of the given slices, in that order."""
        return ObjectStates(self.kind, self.read(slices, 1))

    def read(self, slices: Ints, width: int) -> tuple[Any, ...]:
        """The objects of the given slices."""
        return tuple(self.held[i] for i in slices.tolist())

    def resampled(self, combining: Combining) -> ObjectStates:
        """See `State`."""
        samples: list[Any] = []
        parts = combining.parts
        for number in range(len(self.held) // parts):
            of_slice = self.held[number * parts : (number + 1) * parts]
            samples += combining.folded(of_slice, partial(self._merged, number))
        return ObjectStates(self.kind, tuple(samples))

    def _merged(self, number: int, held: Sequence[Any]) -> Any:
        """One object of several, in their order; `number` is the slice, for errors."""
        some = [one for one in held if one is not None]
        if len(some) < 2:
            return some[0] if some else None
        try:
            merged = copy.deepcopy(some[0])
            for other in some[1:]:
                merged = self.kind.merge(merged, other)
        except Exception as error:  # whatever code of the user's own may raise
            raise SliceFailure(number, self.kind.metric, f"merge {described(error)}") from error
        return merged

    @classmethod
    def merged(cls, states: Sequence[ObjectStates], slices: Sequence[Ints], count: int) -> ObjectStates:
        """The objects of several states; see `State`."""
        held: list[list[Any]] = [[] for _ in range(count)]
        for state, at in zip(states, slices, strict=True):
            for number, one in zip(at.tolist(), state.held, strict=True):
                held[number].append(one)
        first = states[0]
        return ObjectStates(first.kind, tuple(first._merged(number, ones) for number, ones in enumerate(held)))


class ObjectStore:
    """The objects of every slice so far."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._held: list[Any] = []

    def add(self, slices: Ints | None, count: int, added: Rows) -> None:
        """Updates the object of each slice with its rows; see `Store`."""
        self._reserve(count)
        for number, rows in added.by_slice(slices):
            with of_number(number):
                self._update(number, rows)

    def _update(self, number: int, rows: Rows) -> None:
        try:
            self._kind.check(rows)
            if self._held[number] is None:
                self._held[number] = self._kind.new()
            self._kind.update(self._held[number], rows)
        except SliceFailure:
            raise
        except Exception as error:  # whatever code of the user's own may raise
            raise SliceFailure(number, self._kind.metric, f"update {described(error)}") from error

    def take(self, slices: Ints) -> ObjectStates:
        """The objects of the given slices."""
        self._reserve(int(slices.max(initial=-1)) + 1)
        return ObjectStates(self._kind, tuple(self._held[i] for i in slices.tolist()))

    def _reserve(self, count: int) -> None:
        self._held += [None] * (count - len(self._held))
