"""Slicing specs -> the slices that each row of a batch is in, as integer codes.

For each slicing the Extracts carry one Arrow column: a dictionary array whose dictionary holds the slice keys that
occur in the batch (a struct with a field for each feature) and whose index is null where the row is in no slice; or,
where a row can be in several slices, a list of such. The column explains itself, so batches need no shared vocabulary.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from assay.extracts.columns import Column
from assay.slicing.coded import Coded, Ints, code, compact, cross, only, with_missing, with_texts
from assay.slicing.feature_bins import Bins
from assay.slicing.specs import Slicing
from assay.slicing.sql import entries_by
from assay.slicing.sql_text import Query
from assay.slicing.values import numbers_or_texts, to_python
from assay.types import MISSING, SliceKey


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
    bins: Mapping[str, Bins] | None = None,
) -> dict[str, Sliced]:
    """Puts the rows of a batch into slices.

    Args:
        slicings: the ways to cut the data.
        features: columns of n rows; those that are not there have no values.
        rows: n.
        texts: of some of the columns, what the file had where the number does not say it; see `TEXTS_KEY`.
        bins: of some of the columns, which values are one slice together.

    Returns:
        Name of the slicing -> where its rows are.

    Raises:
        ColumnTypeError: a feature of a type without slices (objects, lists of lists) or without such bins, text that is
            not UTF-8, or a text of `feature_values` that means no value of the column's type.
        EvalConfigError: DuckDB does not take a query.
        MissingPackageError: there is a query, and no DuckDB.
    """
    of_features = [slicing for slicing in slicings if slicing.query is None]
    names = dict.fromkeys(name for slicing in of_features for name in slicing.features if name in features)
    bins = bins or {}
    coded = {name: code(features[name], name, bins.get(name)) for name in names}
    for name in coded if texts else ():
        if texts and name in texts and name not in bins:
            coded[name] = with_texts(coded[name], features[name], texts[name])._replace(is_guessed=True)
    return {
        slicing.name: _sliced(slicing, coded, rows)
        if slicing.query is None
        else _sliced_by(slicing.query, features, rows)
        for slicing in slicings
    }


def _sliced_by(query: Query, features: Mapping[str, Column], rows: int) -> Sliced:
    """What a query leaves out, it leaves out on purpose."""
    entry_rows, codes, keys = entries_by(query, features, rows)
    return Sliced(_as_column(codes, keys, entry_rows, rows), 0)


def _sliced(slicing: Slicing, features: Mapping[str, Coded], rows: int) -> Sliced:
    names, fixed = slicing.features, dict(slicing.values)
    if not names:
        whole = pa.array([{}], pa.struct([]))
        return Sliced(pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int8)), whole, safe=False), 0)
    if slicing.missing:
        completed = {n: with_missing(features.get(n), rows) for n in names if n in slicing.keys or fixed[n] == MISSING}
        features = {**features, **completed}
    if any(name not in features for name in names):
        none = pa.array([], pa.struct([(n, pa.string()) for n in names]))
        return Sliced(pa.DictionaryArray.from_arrays(pa.nulls(rows, pa.int32()), none), rows)

    coded = [only(features[n], fixed[n], n) if n in fixed else features[n] for n in names]
    entry_rows, codes, keys = _crossed(coded, names)
    left_out = _left_out([features[name] for name in names], rows)
    return Sliced(_as_column(codes, keys, entry_rows, rows), left_out)


def _crossed(coded: Sequence[Coded], names: Sequence[str]) -> tuple[Ints | None, Ints, pa.StructArray]:
    """Rows and codes as in `Codes`, and the keys that occur."""
    crossed = coded[0]
    if len(coded) == 1:
        return crossed.rows, crossed.codes, pa.StructArray.from_arrays([crossed.values], list(names))
    for other in coded[1:]:
        crossed = cross(crossed, other)
    sizes = [len(one.values) for one in coded]
    codes, present = compact(crossed.codes, int(np.prod(sizes, dtype=np.int64)))
    parts = np.unravel_index(present, sizes) if len(present) else [np.zeros(0, np.int64)] * len(sizes)
    taken = [one.values.take(pa.array(part)) for one, part in zip(coded, parts, strict=True)]
    return crossed.rows, codes, pa.StructArray.from_arrays(taken, list(names))


def _left_out(features: Sequence[Coded], rows: int) -> int:
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
        codes, present = compact(indices, len(counts))
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
