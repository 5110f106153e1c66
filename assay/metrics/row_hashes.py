"""A number for each row that follows from where it comes from, or from a column, never from the order of arrival."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from assay.extracts.contents import checksum
from assay.extracts.keys import hashes, key_of
from assay.types import SOURCE_KEY, Extracts

Hashes = npt.NDArray[np.uint64]


def row_hashes(extracts: Extracts, rows: int, seed: int) -> Hashes:
    """A number (n,) for each row, from the file and row that it comes from and the seed.

    Where a reader of the user's own does not say whence a row comes, it is known by its batch and its position there.
    """
    source = extracts.get(SOURCE_KEY, {})
    numbers = source.get("row", np.arange(rows)).astype(np.uint64)
    return mixed(mixed(_file_ids(source, extracts) + np.uint64(seed)) + numbers)


def key_hashes(extracts: Extracts, column: str, seed: int) -> Hashes:
    """A number (n,) for each row, from what it has in a column and the seed: equal values have equal numbers."""
    return mixed(hashes([key_of(extracts, column, "resample_by")], 1) + mixed(np.full(1, seed, np.uint64)))


def _file_ids(source: Mapping[str, Any], extracts: Extracts) -> Hashes:
    """What tells the files of rows apart, or else the batches: (n,), or one number for all rows."""
    if "file_id" in source:
        ids: Hashes = source["file_id"].astype(np.uint64)
        return ids
    if "file" in source:
        names = [zlib.crc32(name.encode()) for name in source["file"].dictionary.to_pylist()]
        return np.array(names, np.uint64)[source["file"].indices.to_numpy()]
    return np.array(checksum(extracts), np.uint64)


def mixed(numbers: Hashes) -> Hashes:
    """SplitMix64's finaliser (Steele, Lea and Flood 2014)."""
    with np.errstate(over="ignore"):
        x = numbers + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))
