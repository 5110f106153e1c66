"""Rows by query: which rows belong together, in which order a query ranks them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from assay.errors import MissingColumnError
from assay.extracts.columns import Column, plain
from assay.extracts.keys import comparable, hashes
from assay.metrics.values import Floats, Ints
from assay.types import FEATURES_KEY, Extracts


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


def key_of(extracts: Extracts, query_key: str) -> pa.Array:
    """The column that identifies queries (n,), int64 or bytes, missing where a row has none.

    Raises:
        MissingColumnError: there is no such column.
        ColumnTypeError: it holds neither text nor whole numbers.
    """
    features: Mapping[str, Column] = extracts.get(FEATURES_KEY, {})
    if query_key not in features:
        raise MissingColumnError(f"no column {query_key!r} (query_key) in the data; there are {sorted(features)}")
    column: Any = features[query_key]
    column = pa.array(column) if isinstance(column, np.ndarray) else column
    return comparable(plain(column), f"column {query_key!r} (query_key)")


def bucket_of(keys: pa.Array, count: int) -> Ints:
    """One of `count` buckets (n,) for each key; equal keys have the same one, whatever worker asks."""
    return (hashes([keys], 1) % np.uint64(count)).astype(np.int64)


def numbered(keys: pa.Array) -> Ints:
    """Which of the different keys each is (n,), in order of first occurrence; none is missing."""
    numbers: Ints = keys.dictionary_encode().indices.to_numpy().astype(np.int64)
    return numbers
