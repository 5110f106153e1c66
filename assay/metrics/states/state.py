"""What a metric's table holds: what a worker adds to, and what travels and merges.

A *contribution* is what a batch adds to a table. A *store* is where a worker adds it, in place. A *state* is what is
taken out of a store: it travels, merges with those of other workers, and is read by computations. A new kind of table
brings one of each, and nothing else has to know it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self, TypeAlias

from assay.metrics.states.combining import Combining
from assay.metrics.values import Ints

Chosen: TypeAlias = Ints | slice
"""Which additions: their numbers (k,), or a slice of all of them."""


class Contribution(Protocol):
    """What a batch adds to a table, whatever the slices: m additions."""

    @property
    def entries(self) -> Ints | None:
        """(m,) ascending: the entry that each addition comes from; None where addition i comes from entry i."""

    def drawn(self, chosen: Chosen, times: Ints | None) -> Self:
        """The chosen additions, not their entries; the i-th counts `times[i]` times, or once where that is None."""


class Store(Protocol):
    """Where a worker adds to the table of every slice that has occurred so far."""

    def add(self, slices: Ints | None, count: int, added: Any) -> None:
        """Adds a batch.

        Args:
            slices: (m,) the slice of each addition; None: all are of slice 0.
            count: slices that are known.
            added: the table's own kind of contribution, m additions.
        """

    def take(self, slices: Ints) -> State:
        """What is held of the given slices, in that order; a slice to which nothing was added is empty."""


class State(Protocol):
    """What is held of s slices. It is never changed."""

    @property
    def entry_counts(self) -> Ints | None:
        """(s,) entries of each slice, where slices with about as many are read together; None where it is all one."""

    def take(self, slices: Ints) -> State:
        """The given slices, in that order."""

    def read(self, slices: Ints, width: int) -> Any:
        """What computations see of the given slices, of which none has more than `width` entries."""

    def resampled(self, combining: Combining) -> State:
        """From the parts of each slice, which stand in a row, to its samples.

        What does not add up may stand with the first sample only.
        """

    @classmethod
    def merged(cls, states: Sequence[Self], slices: Sequence[Ints], count: int) -> State:
        """Merges states in the order given.

        Args:
            states: the states, the i-th of s_i slices.
            slices: (s_i,) which of the `count` slices those of state i are.
            count: slices of the result; one that no state has is empty.
        """
