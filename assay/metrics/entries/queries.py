"""Rows by query: which rows belong together, in which order a query ranks them."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pyarrow as pa

from assay.extracts.keys import hashes
from assay.metrics.values import Floats, Ints


class Queries:
    """Rows sorted by query, then by falling prediction; of equal predictions the first row comes first.

    Attributes:
        gains: (n,) what a row is worth; above 0 it is relevant.
        start: (q + 1,) where each query begins; each has a row.
    """

    def __init__(self, gains: Floats, start: Ints) -> None:
        self.gains, self.start = gains, start

    @cached_property
    def sizes(self) -> Ints:
        """(q,) rows of each query."""
        return np.diff(self.start)

    @cached_property
    def rank(self) -> Ints:
        """(n,) position within the query, from 1 on."""
        return np.arange(1, len(self.gains) + 1) - np.repeat(self.start[:-1], self.sizes)

    @cached_property
    def best_gains(self) -> Floats:
        """(n,) gains in the best order that there could be: falling, query by query."""
        query = np.repeat(np.arange(len(self.sizes)), self.sizes)
        return self.gains[np.lexsort((-self.gains, query))]

    @cached_property
    def discounts(self) -> Floats:
        """(n,) 1 / log2(rank + 1)."""
        longest = int(self.sizes.max(initial=0))
        return (1 / np.log2(np.arange(longest) + 2))[self.rank - 1]

    def sums(self, values: Floats) -> Floats:
        """(q,) sums over the rows of each query."""
        return np.add.reduceat(values, self.start[:-1]) if len(self.sizes) else np.zeros(0)


def bucket_of(keys: pa.Array, count: int) -> Ints:
    """One of `count` buckets (n,) for each key; equal keys have the same one, whatever worker asks."""
    return (hashes([keys], 1) % np.uint64(count)).astype(np.int64)


def numbered(keys: pa.Array) -> Ints:
    """Which of the different keys each is (n,), in order of first occurrence; none is missing."""
    numbers: Ints = keys.dictionary_encode().indices.to_numpy().astype(np.int64)
    return numbers
