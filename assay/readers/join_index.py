"""An index of a table by key: sorted hashes, so that the rows of many keys are found at once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assay.extracts.keys import Hashes, alike, hashes, is_whole
from assay.readers.batches import Numbers

_HASHED_AT_ONCE = 262_144


@dataclass(frozen=True)
class Index:
    """Keys of m rows; those with a missing part are never found.

    Attributes:
        keys: the parts of the keys, (m,) each, as `join_keys.comparable` gives them.
        salt: the one with which different keys have different hashes.
        hashes: sorted.
        rows: row of each hash.
        repeated: (k, 2) pairs of rows with equal keys, in the order of the table; empty if all keys are different.
    """

    keys: tuple[pa.Array, ...]
    salt: int
    hashes: Hashes
    rows: Numbers
    repeated: Numbers

    def find(self, keys: Sequence[pa.Array]) -> Numbers:
        """Returns the row (n,) of each of n keys, -1 where there is none.

        Args:
            keys: comparable parts, of the same kinds as those of the index if it has any row.
        """
        matches = np.full(len(keys[0]), -1, np.int64)
        if not len(self.rows):
            return matches

        keys = [alike(key, own.type) for key, own in zip(keys, self.keys, strict=True)]
        asked = np.flatnonzero(is_whole(keys))
        if not len(asked):
            return matches

        wanted = hashes(keys, self.salt)[asked]
        order = np.argsort(wanted)  # so that the search walks through memory in one direction
        asked, wanted = asked[order], wanted[order]
        at = np.minimum(np.searchsorted(self.hashes, wanted), len(self.hashes) - 1)
        near = self.hashes[at] == wanted
        asked, rows = asked[near], self.rows[at[near]]

        # Another key may have the same hash.
        same = _equal(keys, asked, self.keys, rows)
        matches[asked[same]] = rows[same]
        return matches


def index_of(keys: Sequence[pa.Array]) -> Index:
    """Sorts keys by their hashes; if two different keys have the same hash, tries another salt."""
    whole = np.flatnonzero(is_whole(keys))
    for salt in itertools.count():
        hashed = _hashed(keys, salt)[whole]
        order = np.argsort(hashed, kind="stable")
        hashed, rows = hashed[order], whole[order]
        at = np.flatnonzero(hashed[1:] == hashed[:-1])
        same = _equal(keys, rows[at], keys, rows[at + 1])
        if same.all():
            break

    pairs = np.stack([rows[at], rows[at + 1]], axis=1)
    return Index(tuple(keys), salt, hashed, rows, pairs[np.argsort(pairs[:, 1])])


def _hashed(keys: Sequence[pa.Array], salt: int) -> Hashes:
    """Hashes of keys, computed in blocks, as that takes several times the memory of a block."""
    starts = range(0, max(len(keys[0]), 1), _HASHED_AT_ONCE)
    return np.concatenate([hashes([key.slice(start, _HASHED_AT_ONCE) for key in keys], salt) for start in starts])


def _equal(
    keys: Sequence[pa.Array], rows: Numbers, others: Sequence[pa.Array], other_rows: Numbers
) -> npt.NDArray[np.bool_]:
    """Whether keys[rows] and others[other_rows] are equal, (n,); none of them is missing."""
    same = np.ones(len(rows), bool)
    for key, other in zip(keys, others, strict=True):
        equal = pc.equal(key.take(pa.array(rows)), other.take(pa.array(other_rows)))
        same &= equal.to_numpy(zero_copy_only=False)
    return same
