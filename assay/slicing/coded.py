"""One feature of a batch as integer codes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assay.extracts.columns import Column, is_list, plain, stored_type
from assay.slicing.bins import binned
from assay.slicing.feature_bins import Bins
from assay.slicing.values import distinct, meant_by, numbers_or_texts, still_read_from, to_python, values_of
from assay.types import MISSING

Ints = npt.NDArray[np.int64]

_LARGEST_FLAG_TABLE = 1 << 22
"""Crosses with fewer possible combinations are numbered by a table of flags, which beats sorting the rows."""

_FIRST_CODES = 1 << 12
"""Codes of a batch that are looked at first: where there are few, all of them mostly occur here."""


class Coded(NamedTuple):
    """One feature: as `Codes`, with the values as an Arrow array in place of keys."""

    rows: Ints | None
    codes: Ints
    values: pa.Array
    """All of them occur."""
    kind: pa.DataType
    """Type of the values as the column holds them."""
    is_guessed: bool = False
    """Whether that type was only told from the texts of a file."""
    with_missing: bool = False
    """Whether rows without a value have the value null."""


def code(column: Column, name: str, bins: Bins | None = None) -> Coded:
    """Codes one feature; a row's repeated values count once."""
    if isinstance(column, np.ndarray):
        column = pa.array(column) if column.ndim == 1 else _list_array(column)
    column = plain(column)
    if not is_list(column.type):
        column = column if bins is None else binned(column, bins, name)
        return Coded(None, *encode(column, name), kind=stored_type(column.type))
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    flat = column.flatten()
    codes, values = encode(flat if bins is None else binned(flat, bins, name), name)
    rows = np.repeat(np.arange(len(column)), lengths)
    known = codes >= 0
    pairs = np.unique(rows[known] * max(len(values), 1) + codes[known])
    entries = np.divmod(pairs, max(len(values), 1))
    return Coded(*entries, values, kind=stored_type(column.type.value_type if bins is None else pa.string()))


def _list_array(array: npt.NDArray[Any]) -> pa.Array:
    rows, width = len(array), int(np.prod(array.shape[1:]))
    return pa.ListArray.from_arrays(np.arange(rows + 1, dtype=np.int32) * width, pa.array(array.reshape(-1)))


def encode(column: pa.Array, name: str) -> tuple[Ints, pa.Array]:
    """Codes (n,), -1 for a missing value, and the values that occur, each once, as `values_of` gives them."""
    encoded = column if pa.types.is_dictionary(column.type) else _by_stored_value(column)
    indices = encoded.indices.fill_null(-1) if encoded.indices.null_count else encoded.indices
    codes, present = compact(indices.to_numpy().astype(np.int64), len(encoded.dictionary))
    stored = encoded.dictionary
    if len(present) < len(stored):
        stored = stored.take(pa.array(present))

    # Several stored values may be one, such as -0.0 and 0.0, and a dictionary may hold null or NaN.
    positions, values = distinct(values_of(stored, name))
    of_stored = positions.fill_null(-1).to_numpy().astype(np.int64)
    if np.array_equal(of_stored, np.arange(len(of_stored))):
        return codes, values
    return np.append(of_stored, -1)[codes], values


def _by_stored_value(column: pa.Array) -> pa.DictionaryArray:
    """The column as a dictionary array, so that what follows is done once for each value rather than for each row."""
    try:
        return column.dictionary_encode()
    except pa.ArrowNotImplementedError:  # of a few types, such as float16
        return pa.DictionaryArray.from_arrays(np.arange(len(column), dtype=np.int32), column)


def with_texts(coded: Coded, column: Column, texts: pa.Array) -> Coded:
    """A column of numbers that were texts: where a text says more than its number, it is the value.

    A text counts only as long as the column still holds the number that was read from it.
    """
    encoded = texts.dictionary_encode()
    is_text = still_read_from(encoded, column, coded.kind)
    if not is_text.any():
        return coded
    at = encoded.indices.fill_null(0).to_numpy().astype(np.int64) + len(coded.values)
    values = numbers_or_texts(coded.values, encoded.dictionary)
    codes, present = compact(np.where(is_text, at, coded.codes), len(values))
    return coded._replace(codes=codes, values=values.take(pa.array(present)))


def with_missing(coded: Coded | None, rows: int) -> Coded:
    """Gives rows without a value the value null; of a column that is not there, all rows."""
    if coded is None:
        coded = Coded(None, np.full(rows, -1), pa.array([], pa.string()), kind=pa.null())
    values = pa.concat_arrays([coded.values, pa.nulls(1, coded.values.type)])
    if coded.rows is None:
        is_missing = coded.codes < 0
        codes = np.where(is_missing, len(coded.values), coded.codes)
        return coded._replace(codes=codes, values=values if is_missing.any() else coded.values, with_missing=True)

    missing = np.flatnonzero(np.bincount(coded.rows, minlength=rows) == 0)
    owners = np.concatenate([coded.rows, missing])
    codes = np.concatenate([coded.codes, np.full(len(missing), len(coded.values))])
    order = np.argsort(owners, kind="stable")
    values = values if len(missing) else coded.values
    return coded._replace(rows=owners[order], codes=codes[order], values=values, with_missing=True)


def only(coded: Coded, text: str, name: str) -> Coded:
    """Keeps the entries whose value is the one that a config's text means."""
    means_missing = coded.with_missing and text == MISSING
    meant = None if means_missing else meant_by(text, coded.kind, name, is_guessed=coded.is_guessed)
    same = np.array([value == meant and (value is None) == means_missing for value in to_python(coded.values)], bool)
    hit = np.append(same, False)[coded.codes]
    values = coded.values.filter(pa.array(same))[:1]  # texts of a file may mean one number twice: 1 and 1.0
    if coded.rows is None:
        return coded._replace(codes=np.where(hit, 0, -1), values=values)
    return coded._replace(rows=coded.rows[hit], codes=np.zeros(int(hit.sum()), np.int64), values=values)


def cross(left: Coded, right: Coded) -> Coded:
    """Pairs the values of two features within each row; the code is left * size of right + right."""
    size = len(right.values)
    if left.rows is None and right.rows is None:
        both = (left.codes >= 0) & (right.codes >= 0)
        return right._replace(codes=np.where(both, left.codes * size + right.codes, -1))
    (left_rows, left_codes), (right_rows, right_codes) = _entries(left), _entries(right)
    i, j = pairs_within_rows(left_rows, right_rows)
    return right._replace(rows=left_rows[i], codes=left_codes[i] * size + right_codes[j])


def _entries(coded: Coded) -> tuple[Ints, Ints]:
    if coded.rows is not None:
        return coded.rows, coded.codes
    rows = np.flatnonzero(coded.codes >= 0)
    return rows, coded.codes[rows]


def pairs_within_rows(left: Ints, right: Ints) -> tuple[Ints, Ints]:
    """Indices (i, j) of all pairs with left[i] == right[j]; both ascend; the result ascends in left."""
    first, last = np.searchsorted(right, left, "left"), np.searchsorted(right, left, "right")
    count = last - first
    i = np.repeat(np.arange(len(left)), count)
    j = np.arange(len(i)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    return i, j


def compact(codes: Ints, size: int) -> tuple[Ints, Ints]:
    """Renumbers the codes that occur 0, 1, ... in ascending order (-1 stays); returns (codes, those that occurred)."""
    if size > _LARGEST_FLAG_TABLE:
        present, inverse = np.unique(codes, return_inverse=True)
        missing = int(len(present) > 0 and present[0] < 0)
        return inverse.astype(np.int64) - missing, present[missing:]
    occurs = np.zeros(size + 1, bool)
    occurs[codes[:_FIRST_CODES]] = True  # -1 falls on the last flag
    if not occurs[:size].all():
        occurs[codes[_FIRST_CODES:]] = True
    occurs[size] = False
    present = np.flatnonzero(occurs)
    if len(present) == size:
        return codes, present
    renumber = np.full(size + 1, -1)
    renumber[present] = np.arange(len(present))
    return renumber[codes], present
