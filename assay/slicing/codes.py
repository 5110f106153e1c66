"""Slicing specs -> the slices that each row of a batch is in, as integer codes.

For each slicing the Extracts carry one Arrow column: a dictionary array whose dictionary holds the slice keys that
occur in the batch (a struct with a field for each feature) and whose index is null where the row is in no slice; or,
where a row can be in several slices, a list of such. The column explains itself, so batches need no shared vocabulary.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assay.extracts.columns import Column, is_list, plain, stored_type
from assay.slicing.specs import Slicing
from assay.slicing.text import MISSING
from assay.slicing.values import distinct, meant_by, numbers_or_texts, still_read_from, to_python, values_of
from assay.types import SliceKey

Ints = npt.NDArray[np.int64]


_LARGEST_FLAG_TABLE = 1 << 22
"""Crosses with fewer possible combinations are numbered by a table of flags, which beats sorting the rows."""

_FIRST_CODES = 1 << 12
"""Codes of a batch that are looked at first: where there are few, all of them mostly occur here."""


class Codes(NamedTuple):
    """Slices of the rows of a batch.

    `rows` is None: `codes` has shape (n,), one code a row, -1 where the row is in no slice; or `codes` is None too:
    every row is in the only slice. Else entry i says that row `rows[i]` is in slice `codes[i]`; `rows` ascends.
    `counts` (k,) are the rows in each slice, where there are codes.
    """

    rows: Ints | None
    codes: Ints | None
    keys: list[SliceKey]
    counts: Ints | None = None


class _Coded(NamedTuple):
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


class Sliced(NamedTuple):
    """The rows of a batch under one slicing.

    Attributes:
        column: the slices that each row is in, as the module's docstring describes.
        left_out: rows that have no value of one of the features, and so are in no slice.
    """

    column: pa.Array
    left_out: int


def slice_rows(
    slicings: Sequence[Slicing],
    features: Mapping[str, Column],
    rows: int,
    texts: Mapping[str, pa.Array] | None = None,
) -> dict[str, Sliced]:
    """Puts the rows of a batch into slices.

    Args:
        slicings: the ways to cut the data.
        features: columns of n rows; those that are not there have no values.
        rows: n.
        texts: of some of the columns, what the file had where the number does not say it; see `TEXTS_KEY`.

    Returns:
        Name of the slicing -> where its rows are.

    Raises:
        ColumnTypeError: a feature of a type without slices (objects, lists of lists), text that is not UTF-8, or a text
            of `feature_values` that means no value of the column's type.
    """
    names = dict.fromkeys(name for slicing in slicings for name in slicing.features if name in features)
    coded = {name: _code(features[name], name) for name in names}
    for name in coded if texts else ():
        if texts and name in texts:
            coded[name] = _with_texts(coded[name], features[name], texts[name])._replace(is_guessed=True)
    return {slicing.name: _sliced(slicing, coded, rows) for slicing in slicings}


def _sliced(slicing: Slicing, features: Mapping[str, _Coded], rows: int) -> Sliced:
    names, fixed = slicing.features, dict(slicing.values)
    if not names:
        only = pa.array([{}], pa.struct([]))
        return Sliced(pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int8)), only, safe=False), 0)
    if slicing.missing:
        completed = {n: _with_missing(features.get(n), rows) for n in names if n in slicing.keys or fixed[n] == MISSING}
        features = {**features, **completed}
    if any(name not in features for name in names):
        none = pa.array([], pa.struct([(n, pa.string()) for n in names]))
        return Sliced(pa.DictionaryArray.from_arrays(pa.nulls(rows, pa.int32()), none), rows)

    coded = [_only(features[n], fixed[n], n) if n in fixed else features[n] for n in names]
    entry_rows, codes, keys = _crossed(coded, names)
    left_out = _left_out([features[name] for name in names], rows)
    return Sliced(_as_column(codes, keys, entry_rows, rows), left_out)


def _crossed(coded: Sequence[_Coded], names: Sequence[str]) -> tuple[Ints | None, Ints, pa.StructArray]:
    """Rows and codes as in `Codes`, and the keys that occur."""
    crossed = coded[0]
    if len(coded) == 1:
        return crossed.rows, crossed.codes, pa.StructArray.from_arrays([crossed.values], list(names))
    for other in coded[1:]:
        crossed = _cross(crossed, other)
    sizes = [len(one.values) for one in coded]
    codes, present = _compact(crossed.codes, int(np.prod(sizes, dtype=np.int64)))
    parts = np.unravel_index(present, sizes) if len(present) else [np.zeros(0, np.int64)] * len(sizes)
    taken = [one.values.take(pa.array(part)) for one, part in zip(coded, parts, strict=True)]
    return crossed.rows, codes, pa.StructArray.from_arrays(taken, list(names))


def _left_out(features: Sequence[_Coded], rows: int) -> int:
    """Rows without a value of one of the features."""
    if len(features) == 1 and features[0].rows is None:
        return int(np.count_nonzero(features[0].codes < 0))
    known = np.ones(rows, bool)
    for feature in features:
        if feature.rows is None:
            known &= feature.codes >= 0
        else:
            known &= np.bincount(feature.rows, minlength=rows) > 0
    return rows - int(known.sum())


def _as_column(codes: Ints, keys: pa.StructArray, entry_rows: Ints | None, rows: int) -> pa.Array:
    missing = codes < 0
    indices = pa.array(codes.astype(np.int32), mask=missing if missing.any() else None)
    entries = pa.DictionaryArray.from_arrays(indices, keys, safe=False)  # each code is that of a key
    if entry_rows is None:
        return entries
    offsets = np.searchsorted(entry_rows, np.arange(rows + 1)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), entries)


class KeysOfLast:
    """The keys of the batch before, which mostly are those of the next one: to make thousands takes a while."""

    def __init__(self) -> None:
        self._dictionary: pa.StructArray | None = None
        self._keys: list[SliceKey] = []

    def keys(self, dictionary: pa.StructArray) -> list[SliceKey]:
        """The keys of a dictionary; the very list of the last call, if that had the same dictionary."""
        if self._dictionary is None or not dictionary.equals(self._dictionary):
            self._dictionary, self._keys = dictionary, _keys(dictionary)
        return self._keys


def codes_of(column: pa.Array, last: KeysOfLast | None = None) -> Codes:
    """Reads a column of `slice_rows`, also after rows were taken from it. Only keys that occur are listed.

    Args:
        column: where the rows of a batch are.
        last: of the batches before, under the same slicing.
    """
    entries, rows = column, None
    if pa.types.is_list(column.type):
        entries = column.flatten()
        rows = np.repeat(np.arange(len(column)), column.value_lengths().to_numpy(zero_copy_only=False))
    if not entries.type.value_type.num_fields:
        return Codes(None, None, [()])

    # A null is a row in no slice.
    has_nulls = entries.null_count > 0
    indices = (entries.indices.fill_null(-1) if has_nulls else entries.indices).to_numpy().astype(np.int64)
    counts = np.bincount(indices[indices >= 0] if has_nulls else indices, minlength=len(entries.dictionary))

    # A filter leaves the dictionary whole, though some of its keys may not occur any more.
    codes, keys = indices, entries.dictionary
    if not counts.all():
        codes, present = _compact(indices, len(counts))
        counts, keys = counts[present], keys.take(pa.array(present))

    return Codes(rows, codes, _keys(keys) if last is None else last.keys(keys), counts)


def _keys(dictionary: pa.StructArray) -> list[SliceKey]:
    names = [field.name for field in dictionary.type]
    values = [to_python(column) for column in dictionary.flatten()]
    return [tuple(zip(names, key, strict=True)) for key in zip(*values, strict=True)]


def joined(parts: Sequence[Codes], sizes: Sequence[int]) -> Codes:
    """The slices of the rows of several batches after one another.

    Args:
        parts: of the batches, under one slicing.
        sizes: rows of each.
    """
    if parts[0].codes is None:
        return parts[0]
    number: dict[SliceKey, int] = {}
    rows, codes, first = [], [], 0
    for part, size in zip(parts, sizes, strict=True):
        assert part.codes is not None
        own = np.array([number.setdefault(key, len(number)) for key in part.keys], np.int64)
        inside = part.codes >= 0
        rows.append((np.arange(size) if part.rows is None else part.rows)[inside] + first)
        codes.append(own[part.codes[inside]])
        first += size
    all_codes = np.concatenate(codes)
    return Codes(np.concatenate(rows), all_codes, list(number), np.bincount(all_codes, minlength=len(number)))


def of_groups(codes: Codes, group: Ints) -> Codes:
    """The slices of groups of rows: each group is in all those that its rows are in.

    Args:
        codes: of n rows; with their rows, where there are codes.
        group: (n,) the number of each row's group.
    """
    if codes.codes is None or codes.rows is None:
        return codes
    count = max(len(codes.keys), 1)
    groups, own = np.divmod(np.unique(group[codes.rows] * count + codes.codes), count)
    return Codes(groups, own, codes.keys, np.bincount(own, minlength=len(codes.keys)))


def without(codes: Codes, others: Collection[SliceKey]) -> Codes:
    """Leaves out some slices: those that another slicing of the same batch, over the same features, makes already."""
    keep = np.array([key not in others for key in codes.keys], bool)
    if codes.codes is None or codes.counts is None or keep.all():
        return codes
    renumbered = np.append(np.where(keep, np.cumsum(keep) - 1, -1), -1)[codes.codes]
    keys = [key for key, kept in zip(codes.keys, keep, strict=True) if kept]
    counts = codes.counts[keep]
    if codes.rows is None:
        return Codes(None, renumbered, keys, counts)
    return Codes(codes.rows[renumbered >= 0], renumbered[renumbered >= 0], keys, counts)


def column_of_keys(keys: Sequence[Sequence[SliceKey]]) -> pa.Array:
    """The column that says that row i is in the slices keys[i]; the inverse of `codes_of`."""
    index: dict[SliceKey, int] = {}
    entries = [index.setdefault(key, len(index)) for row in keys for key in row]
    names = [feature for feature, _ in next(iter(index), ())]
    if index and not names:
        return pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(keys), np.int8)), pa.array([{}], pa.struct([])))
    parts = [_values_of_keys([key[i][1] for key in index]) for i in range(len(names))]
    dictionary = pa.StructArray.from_arrays(parts, names) if parts else pa.array([], pa.struct([("", pa.string())]))
    offsets = np.cumsum([0, *(len(row) for row in keys)]).astype(np.int32)
    return pa.ListArray.from_arrays(
        pa.array(offsets), pa.DictionaryArray.from_arrays(pa.array(entries, pa.int32()), dictionary)
    )


def _values_of_keys(values: list[str | int | float | None]) -> pa.Array:
    """Values of a feature as an array; texts beside numbers come from a column where each text may be a number."""
    if len({isinstance(value, str) for value in values if value is not None}) > 1:
        texts = pa.array([None if value is None else str(value) for value in values])
        return numbers_or_texts(pa.nulls(0, pa.string()), texts)
    return pa.array(values)


def _code(column: Column, name: str) -> _Coded:
    """Codes one feature; a row's repeated values count once."""
    if isinstance(column, np.ndarray):
        column = pa.array(column) if column.ndim == 1 else _list_array(column)
    column = plain(column)
    if not is_list(column.type):
        return _Coded(None, *_encode(column, name), kind=stored_type(column.type))
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    codes, values = _encode(column.flatten(), name)
    rows = np.repeat(np.arange(len(column)), lengths)
    known = codes >= 0
    pairs = np.unique(rows[known] * max(len(values), 1) + codes[known])
    entries = np.divmod(pairs, max(len(values), 1))
    return _Coded(*entries, values, kind=stored_type(column.type.value_type))


def _list_array(array: npt.NDArray[Any]) -> pa.Array:
    rows, width = len(array), int(np.prod(array.shape[1:]))
    return pa.ListArray.from_arrays(np.arange(rows + 1, dtype=np.int32) * width, pa.array(array.reshape(-1)))


def _encode(column: pa.Array, name: str) -> tuple[Ints, pa.Array]:
    """Codes (n,), -1 for a missing value, and the values that occur, each once, as `values_of` gives them."""
    encoded = column if pa.types.is_dictionary(column.type) else _by_stored_value(column)
    indices = encoded.indices.fill_null(-1) if encoded.indices.null_count else encoded.indices
    codes, present = _compact(indices.to_numpy().astype(np.int64), len(encoded.dictionary))
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


def _with_texts(coded: _Coded, column: Column, texts: pa.Array) -> _Coded:
    """A column of numbers that were texts: where a text says more than its number, it is the value.

    A text counts only as long as the column still holds the number that was read from it.
    """
    encoded = texts.dictionary_encode()
    is_text = still_read_from(encoded, column, coded.kind)
    if not is_text.any():
        return coded
    at = encoded.indices.fill_null(0).to_numpy().astype(np.int64) + len(coded.values)
    values = numbers_or_texts(coded.values, encoded.dictionary)
    codes, present = _compact(np.where(is_text, at, coded.codes), len(values))
    return coded._replace(codes=codes, values=values.take(pa.array(present)))


def _with_missing(coded: _Coded | None, rows: int) -> _Coded:
    """Gives rows without a value the value null; of a column that is not there, all rows."""
    if coded is None:
        coded = _Coded(None, np.full(rows, -1), pa.array([], pa.string()), kind=pa.null())
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


def _only(coded: _Coded, text: str, name: str) -> _Coded:
    """Keeps the entries whose value is the one that a config's text means."""
    means_missing = coded.with_missing and text == MISSING
    meant = None if means_missing else meant_by(text, coded.kind, name, is_guessed=coded.is_guessed)
    same = np.array([value == meant and (value is None) == means_missing for value in to_python(coded.values)], bool)
    hit = np.append(same, False)[coded.codes]
    values = coded.values.filter(pa.array(same))[:1]  # texts of a file may mean one number twice: 1 and 1.0
    if coded.rows is None:
        return coded._replace(codes=np.where(hit, 0, -1), values=values)
    return coded._replace(rows=coded.rows[hit], codes=np.zeros(int(hit.sum()), np.int64), values=values)


def _cross(left: _Coded, right: _Coded) -> _Coded:
    """Pairs the values of two features within each row; the code is left * size of right + right."""
    size = len(right.values)
    if left.rows is None and right.rows is None:
        both = (left.codes >= 0) & (right.codes >= 0)
        return right._replace(codes=np.where(both, left.codes * size + right.codes, -1))
    (left_rows, left_codes), (right_rows, right_codes) = _entries(left), _entries(right)
    i, j = pairs_within_rows(left_rows, right_rows)
    return right._replace(rows=left_rows[i], codes=left_codes[i] * size + right_codes[j])


def _entries(coded: _Coded) -> tuple[Ints, Ints]:
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


def _compact(codes: Ints, size: int) -> tuple[Ints, Ints]:
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
