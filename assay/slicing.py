"""Slicing specs -> the slices that each row of a batch is in, as integer codes.

For each slicing the Extracts carry one Arrow column: a dictionary array whose dictionary holds the slice keys that
occur in the batch (a struct with a field for each feature) and whose index is null where the row is in no slice; or,
where a row can be in several slices, a list of such. The column explains itself, so batches need no shared vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assay.columns import Column
from assay.errors import ColumnTypeError, EvalConfigError
from assay.proto.config_pb2 import EvalConfig, SlicingSpec
from assay.types import SliceKey

Ints = npt.NDArray[np.int64]

_LARGEST_FLAG_TABLE = 1 << 22
"""Crosses with fewer possible combinations are numbered by a table of flags, which beats sorting the rows."""


@dataclass(frozen=True)
class Slicing:
    """One way to cut the data: every value of `keys`, only the given values of `values`, crossed within a row.

    Both are sorted by feature. A slicing without either is the overall slice.
    """

    keys: tuple[str, ...] = ()
    values: tuple[tuple[str, str], ...] = ()

    @property
    def features(self) -> tuple[str, ...]:
        """All features of the slicing, sorted."""
        return tuple(sorted({*self.keys, *(feature for feature, _ in self.values)}))

    @property
    def name(self) -> str:
        """Readable and unique among slicings."""
        fixed = dict(self.values)
        return ",".join(f"{f}={fixed[f]}" if f in fixed else f for f in self.features) or "overall"


OVERALL = Slicing()


def slicing_of(spec: SlicingSpec) -> Slicing:
    """Converts a SlicingSpec; duplicate features collapse, and their order does not matter.

    Raises:
        EvalConfigError: a feature both under `feature_keys` and `feature_values`, or SQL.
    """
    if spec.slice_keys_sql:
        raise EvalConfigError(
            "slicing_specs.slice_keys_sql: SQL slices are not supported; expected feature_keys or feature_values"
        )
    both = sorted(set(spec.feature_keys) & set(spec.feature_values))
    if both:
        raise EvalConfigError(
            f"slicing_specs: {both} stand both in feature_keys and in feature_values; expected one place for each"
        )
    return Slicing(tuple(sorted(set(spec.feature_keys))), tuple(sorted(spec.feature_values.items())))


def slicings_of(config: EvalConfig) -> tuple[Slicing, ...]:
    """The distinct slicings of a config, those that cross slices ask for included; overall if it names none."""
    specs = list(config.slicing_specs) or [SlicingSpec()]
    for cross in config.cross_slicing_specs:
        specs += [cross.baseline_spec, *cross.slicing_specs]
    return tuple(dict.fromkeys(slicing_of(spec) for spec in specs))


class Codes(NamedTuple):
    """Slices of the rows of a batch.

    `rows` is None: `codes` has shape (n,), one code a row, -1 where the row is in no slice; or `codes` is None too:
    every row is in the only slice. Else entry i says that row `rows[i]` is in slice `codes[i]`; `rows` ascends.
    """

    rows: Ints | None
    codes: Ints | None
    keys: list[SliceKey]


class _Coded(NamedTuple):
    """One feature: as `Codes`, with the values as an Arrow array (all of them occur) in place of keys."""

    rows: Ints | None
    codes: Ints
    values: pa.Array


def slice_column(slicing: Slicing, features: Mapping[str, Column], rows: int) -> pa.Array:
    """The slices that each of `rows` rows is in, as the column that the module's docstring describes.

    Raises:
        ColumnTypeError: a feature of a type without slices (nested, decimal, ...), or text that is not UTF-8.
    """
    names = slicing.features
    if not names:
        only = pa.array([{}], pa.struct([]))
        return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int8)), only)
    if any(name not in features for name in names):
        return pa.DictionaryArray.from_arrays(
            pa.nulls(rows, pa.int32()), pa.array([], pa.struct([(n, pa.string()) for n in names]))
        )
    fixed = dict(slicing.values)
    coded = [_only(_code(features[n], n), fixed[n]) if n in fixed else _code(features[n], n) for n in names]
    crossed = coded[0]
    sizes = [len(coded[0].values)]
    for other in coded[1:]:
        crossed = _cross(crossed, other)
        sizes.append(len(other.values))
    codes, present = _compact(crossed.codes, int(np.prod(sizes, dtype=np.int64)))
    parts = np.unravel_index(present, sizes) if len(present) else [np.zeros(0, np.int64)] * len(sizes)
    keys = pa.StructArray.from_arrays(
        [c.values.take(pa.array(p)) for c, p in zip(coded, parts, strict=True)], list(names)
    )
    return _as_column(codes, keys, crossed.rows, rows)


def _as_column(codes: Ints, keys: pa.StructArray, entry_rows: Ints | None, rows: int) -> pa.Array:
    if entry_rows is None:
        missing = codes < 0
        return pa.DictionaryArray.from_arrays(
            pa.array(codes.astype(np.int32), mask=missing if missing.any() else None), keys
        )
    offsets = np.searchsorted(entry_rows, np.arange(rows + 1)).astype(np.int32)
    entries = pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), keys)
    return pa.ListArray.from_arrays(pa.array(offsets), entries)


def codes_of(column: pa.Array) -> Codes:
    """Reads a column that `slice_column` made, also after rows were taken from it. Only keys that occur are listed."""
    entries, rows = column, None
    if pa.types.is_list(column.type):
        entries = column.flatten()
        rows = np.repeat(np.arange(len(column)), column.value_lengths().to_numpy(zero_copy_only=False))
    if not entries.type.value_type.num_fields:
        return Codes(None, None, [()])
    indices = entries.indices.fill_null(-1) if entries.null_count else entries.indices
    codes, present = _compact(indices.to_numpy().astype(np.int64), len(entries.dictionary))
    keys = entries.dictionary if len(present) == len(entries.dictionary) else entries.dictionary.take(pa.array(present))
    names = [field.name for field in keys.type]
    return Codes(
        rows,
        codes,
        [tuple(zip(names, key, strict=True)) for key in zip(*(c.to_pylist() for c in keys.flatten()), strict=True)],
    )


def without(codes: Codes, others: Sequence[Slicing]) -> Codes:
    """Leaves out the slices that one of the other slicings, over the same features, makes already."""
    keep = np.array([not any(matches(key, other) for other in others) for key in codes.keys], bool)
    if codes.codes is None or keep.all():
        return codes
    renumbered = np.append(np.where(keep, np.cumsum(keep) - 1, -1), -1)[codes.codes]
    keys = [key for key, kept in zip(codes.keys, keep, strict=True) if kept]
    if codes.rows is None:
        return Codes(None, renumbered, keys)
    return Codes(codes.rows[renumbered >= 0], renumbered[renumbered >= 0], keys)


def column_of_keys(keys: Sequence[Sequence[SliceKey]]) -> pa.Array:
    """The column that says that row i is in the slices keys[i]; the inverse of `codes_of`."""
    index: dict[SliceKey, int] = {}
    entries = [index.setdefault(key, len(index)) for row in keys for key in row]
    names = [feature for feature, _ in next(iter(index), ())]
    if index and not names:
        return pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(keys), np.int8)), pa.array([{}], pa.struct([])))
    parts = [pa.array([key[i][1] for key in index]) for i in range(len(names))]
    dictionary = pa.StructArray.from_arrays(parts, names) if parts else pa.array([], pa.struct([("", pa.string())]))
    offsets = np.cumsum([0, *(len(row) for row in keys)]).astype(np.int32)
    return pa.ListArray.from_arrays(
        pa.array(offsets), pa.DictionaryArray.from_arrays(pa.array(entries, pa.int32()), dictionary)
    )


def matches(key: SliceKey, slicing: Slicing) -> bool:
    """Whether a slice is one of those that `slicing` makes."""
    if tuple(feature for feature, _ in key) != slicing.features:
        return False
    fixed = dict(slicing.values)
    return all(feature not in fixed or same_value(value, fixed[feature]) for feature, value in key)


def same_value(value: str | int | float, text: str) -> bool:
    """Whether a slice key's typed value is the one that a config's text means."""
    if isinstance(value, str):
        return value == text
    try:
        return bool(np.float32(value) == np.float32(text)) if isinstance(value, float) else float(text) == value
    except ValueError:
        return False


def _code(column: Column, name: str) -> _Coded:
    """Codes one feature; a row's repeated values count once."""
    if isinstance(column, np.ndarray):
        column = pa.array(column) if column.ndim == 1 else _list_array(column)
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    kind = column.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        return _Coded(None, *_encode(column, name))
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    codes, values = _encode(column.flatten(), name)
    rows = np.repeat(np.arange(len(column)), lengths)
    known = codes >= 0
    pairs = np.unique(rows[known] * max(len(values), 1) + codes[known])
    return _Coded(*np.divmod(pairs, max(len(values), 1)), values)


def _list_array(array: npt.NDArray[Any]) -> pa.Array:
    rows, width = len(array), int(np.prod(array.shape[1:]))
    return pa.ListArray.from_arrays(np.arange(rows + 1, dtype=np.int32) * width, pa.array(array.reshape(-1)))


def _encode(column: pa.Array, name: str) -> tuple[Ints, pa.Array]:
    """Codes (n,), -1 for null, and the values that occur, as text, int64 or double."""
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(_plain(column, name))
    indices = column.indices.fill_null(-1) if column.indices.null_count else column.indices
    codes, present = _compact(indices.to_numpy().astype(np.int64), len(column.dictionary))
    values = column.dictionary if len(present) == len(column.dictionary) else column.dictionary.take(pa.array(present))
    values = _checked(_plain(values, name), name)
    if values.null_count:  # a dictionary may hold null or NaN as a value
        lost = np.append(values.is_null().to_numpy(zero_copy_only=False), True)
        renumber = np.where(lost, -1, np.cumsum(~lost) - 1)
        return renumber[codes], values.drop_null()
    return codes, values


def _checked(values: pa.Array, name: str) -> pa.Array:
    """Readers take text as it is; before it names slices it has to be UTF-8."""
    try:
        values.validate(full=True)
    except pa.ArrowInvalid as error:
        raise ColumnTypeError(f"column {name!r} cannot be sliced on: it holds text that is not UTF-8") from error
    return values


def _plain(column: pa.Array, name: str) -> pa.Array:
    """Text, int64 or double; NaN becomes null. Floats are rounded to 32 bits, as results files hold them."""
    kind = column.type
    try:
        if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
            return column.cast(pa.int64())
        if pa.types.is_floating(kind):
            known = pc.if_else(pc.is_nan(column), None, column)
            return pc.add(known.cast(pa.float32(), safe=False).cast(pa.float64()), 0.0)  # -0.0 becomes 0.0
        if pa.types.is_nested(kind) or pa.types.is_decimal(kind):
            raise ColumnTypeError(
                f"column {name!r} has type {kind}, which cannot be sliced on; expected text, numbers, booleans or dates"
            )
        return column.cast(pa.string())
    except pa.ArrowInvalid as error:
        raise ColumnTypeError(f"column {name!r} has type {kind} and cannot be sliced on: {error}") from error


def _only(coded: _Coded, text: str) -> _Coded:
    """Keeps the entries whose value is the one that a config's text means."""
    same = np.array([same_value(value, text) for value in coded.values.to_pylist()], bool)
    hit = np.append(same, False)[coded.codes]
    if coded.rows is None:
        return coded._replace(codes=np.where(hit, coded.codes, -1))
    return coded._replace(rows=coded.rows[hit], codes=coded.codes[hit])


def _cross(left: _Coded, right: _Coded) -> _Coded:
    """Pairs the values of two features within each row; the code is left * size of right + right."""
    size = len(right.values)
    if left.rows is None and right.rows is None:
        both = (left.codes >= 0) & (right.codes >= 0)
        return _Coded(None, np.where(both, left.codes * size + right.codes, -1), right.values)
    (left_rows, left_codes), (right_rows, right_codes) = _entries(left), _entries(right)
    i, j = pairs_within_rows(left_rows, right_rows)
    return _Coded(left_rows[i], left_codes[i] * size + right_codes[j], right.values)


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
    occurs[codes] = True  # -1 falls on the last flag
    occurs[size] = False
    present = np.flatnonzero(occurs)
    if len(present) == size:
        return codes, present
    renumber = np.full(size + 1, -1)
    renumber[present] = np.arange(len(present))
    return renumber[codes], present


def slice_text(key: SliceKey) -> str:
    """A slice key for people: `Overall`, or `sex=Female, race=White`."""
    return ", ".join(f"{feature}={value}" for feature, value in key) or "Overall"


def texts_of(keys: Sequence[SliceKey]) -> list[str]:
    """`slice_text` of each key."""
    return [slice_text(key) for key in keys]


def __getattr__(name: str) -> Any:
    """`FanoutSlices` is part of slicing for its users, but needs Beam; it loads when asked for."""
    if name == "FanoutSlices":
        from assay.evaluators.fanout import FanoutSlices

        return FanoutSlices
    raise AttributeError(f"module 'assay.slicing' has no attribute {name!r}")
