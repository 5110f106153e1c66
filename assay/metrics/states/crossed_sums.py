"""Sums by slice and key, where a value is added at many keys: some at a time, as all together would fill the memory."""

from __future__ import annotations

import numpy as np

from assay.metrics.states.contributions import Crossed, Keyed
from assay.metrics.states.keyed_sums import KeyedStore, KeyedSums
from assay.metrics.values import Ints

_KEYS_AT_ONCE = 1 << 20


class CrossedStore:
    """[slice, key] sums; additions are spread out to all their keys here."""

    def __init__(self) -> None:
        self._store = KeyedStore(1)

    def add(self, slices: Ints | None, count: int, added: Crossed) -> None:
        """Adds m values, each at k keys; see `Store`."""
        each = added.others.shape[1]
        step = max(1, _KEYS_AT_ONCE // each)
        for start in range(0, len(added.keys), step):
            some = slice(start, start + step)
            keys = added.keys[some, None] + added.others[added.rows[some]]
            values = np.repeat(added.values[some], each)[:, None]
            owner = None if slices is None else np.repeat(slices[some], each)
            self._store.add(owner, count, Keyed(keys.reshape(-1), values, None))

    def take(self, slices: Ints) -> KeyedSums:
        """The sums of the given slices; see `Store`."""
        return self._store.take(slices)
