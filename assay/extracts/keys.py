"""Keys of rows, of a join or of a query: equal keys become equal bits, which are hashed, column by column."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import ColumnTypeError, MissingColumnError
from assay.extracts.columns import Column, plain
from assay.types import FEATURES_KEY, Extracts

Hashes = npt.NDArray[np.uint64]

_MISSING = "nothing"
_CASTS: Mapping[str, tuple[pa.DataType, ...]] = {
    "text": (pa.large_binary(),),
    "whole numbers": (pa.int64(),),
    "truth values": (pa.int64(),),
    "dates": (pa.date32(), pa.int32(), pa.int64()),
    "times": (pa.timestamp("ns"), pa.int64()),
    "times with a zone": (pa.timestamp("ns", "UTC"), pa.int64()),
    _MISSING: (pa.int64(),),
}
"""Kind of key -> the casts that lead to int64 or large_binary. Whole numbers beyond int64 stay uint64."""

_KINDS: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
    (pa.types.is_null, _MISSING),
    (pa.types.is_string, "text"),
    (pa.types.is_large_string, "text"),
    (pa.types.is_string_view, "text"),
    (pa.types.is_binary, "text"),
    (pa.types.is_large_binary, "text"),
    (pa.types.is_binary_view, "text"),
    (pa.types.is_fixed_size_binary, "text"),
    (pa.types.is_integer, "whole numbers"),
    (pa.types.is_floating, "whole numbers"),
    (pa.types.is_boolean, "truth values"),
    (pa.types.is_date, "dates"),
    (lambda kind: pa.types.is_timestamp(kind) and kind.tz is None, "times"),
    (pa.types.is_timestamp, "times with a zone"),
)
_LARGEST_EXACT = 2.0**53
_WORD = 8
_MASKS = np.array([2 ** (8 * size) - 1 for size in range(_WORD + 1)], np.uint64)
"""Number of bytes that are left of a text -> mask of its bits in the next word, in little-endian order."""


def key_of(extracts: Extracts, column_name: str, field: str = "query_key") -> pa.Array:
    """The column that identifies queries, or what a field of the config names (n,); missing where a row has none.

    It is int64, uint64 or bytes.

    Raises:
        MissingColumnError: there is no such column.
        ColumnTypeError: it holds neither text nor whole numbers.
    """
    features: Mapping[str, Column] = extracts.get(FEATURES_KEY, {})
    if column_name not in features:
        raise MissingColumnError(f"no column {column_name!r} ({field}) in the data; there are {sorted(features)}")
    column: Any = features[column_name]
    column = pa.array(column) if isinstance(column, np.ndarray) else column
    return comparable(plain(column), f"column {column_name!r} ({field})")


def kind_of(kind: pa.DataType, where: str) -> str:
    """The kind of key that a column of this type holds, in words; columns of the same kind can be compared.

    Raises:
        ColumnTypeError: values of this type cannot be keys.
    """
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    words = next((name for is_of, name in _KINDS if is_of(kind)), None)
    if words is None:
        raise ColumnTypeError(
            f"{where} has type {kind}; a key must be text, whole numbers, dates, times or truth values"
        )
    return words


def check_same_kind(one: pa.DataType, where: str, other: pa.DataType, other_where: str) -> None:
    """Raises ColumnTypeError if two key columns can never match. A column of missing values matches any kind."""
    kinds = kind_of(one, where), kind_of(other, other_where)
    if _MISSING not in kinds and kinds[0] != kinds[1]:
        raise ColumnTypeError(
            f"{where} holds {kinds[0]} ({one}), {other_where} holds {kinds[1]} ({other}); expected the same in both: "
            "store one as the other, or, for csv and jsonl, tell by `types` among the options"
        )


def comparable(column: pa.Array, where: str) -> pa.Array:
    """Returns a key column so that equal keys of one type are equal bits; NaN is missing.

    It is int64 or large_binary; or uint64, if it has a number that int64 cannot hold. `alike` makes one type of two.

    Args:
        column: (n,) of any type that `kind_of` knows.
        where: file and column, for messages.

    Raises:
        ColumnTypeError: another type, or a float that is not an exact whole number.
    """
    kind = kind_of(column.type, where)
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_floating(column.type):
        column = _whole(column, where)
    if pa.types.is_uint64(column.type) and pc.any(pc.greater(column, _largest_int64())).as_py():
        return column
    try:
        for target in _CASTS[kind]:
            column = column.cast(target)
    except pa.ArrowInvalid as error:
        raise ColumnTypeError(f"{where}: not to be compared as a key: {error}") from error
    return column


@cache
def _largest_int64() -> pa.Scalar:
    return pa.scalar(2**63 - 1, pa.uint64())  # Arrow looks for pandas here, which takes its time


def _whole(column: pa.Array, where: str) -> pa.Array:
    """Floats that hold whole numbers, which pandas uses where some are missing."""
    column = column.cast(pa.float64())
    column = pc.if_else(pc.is_nan(column), None, column)
    exact = pc.and_(pc.equal(pc.floor(column), column), pc.less_equal(pc.abs(column), _LARGEST_EXACT))
    wrong = pc.filter(column, pc.invert(exact), null_selection_behavior="drop")
    if len(wrong):
        raise ColumnTypeError(
            f"{where} holds {wrong[0].as_py()!r}; a key that is a float must be a whole number of at most 2^53"
        )
    return column


def alike(key: pa.Array, kind: pa.DataType) -> pa.Array:
    """Returns comparable keys (n,) in the type of others of the same kind, so that they can be compared with these.

    A key that this type cannot hold equals none of the others: it is missing.
    """
    if key.type == kind:
        return key
    if key.null_count == len(key):
        return pa.nulls(len(key), kind)
    if pa.types.is_large_binary(kind):
        return key.cast(pa.string()).cast(kind)  # digits; see `together`

    fits = pc.greater_equal(key, 0) if pa.types.is_uint64(kind) else pc.less_equal(key, _largest_int64())
    return pc.if_else(fits, key, None).cast(kind)


def together(keys: Sequence[pa.Array]) -> pa.Array:
    """Returns comparable keys of the same kind, of several files, as one array.

    Whole numbers of which some are negative and some beyond int64 are told by their digits.
    """
    kinds = {key.type for key in keys if key.null_count < len(key)}
    if len(kinds) < 2:
        kind = kinds.pop() if kinds else pa.int64()
    else:
        is_negative = any(pc.any(pc.less(key, 0)).as_py() for key in keys if pa.types.is_int64(key.type))
        kind = pa.large_binary() if is_negative else pa.uint64()
    return pa.concat_arrays([alike(key, kind) for key in keys])


def is_whole(keys: Sequence[pa.Array]) -> npt.NDArray[np.bool_]:
    """(n,) whether no part of a key is missing."""
    whole = np.ones(len(keys[0]), bool)
    for key in keys:
        if key.null_count:
            whole &= key.is_valid().to_numpy(zero_copy_only=False)
    return whole


def hashes(keys: Sequence[pa.Array], salt: int) -> Hashes:
    """(n,) hashes of keys as `comparable` gives them, one array for each part.

    For a single column of whole numbers, different numbers have different hashes, and near numbers near hashes.
    """
    state = np.full(len(keys[0]), salt, np.uint64)
    for key in keys:
        state = _with_texts(state, key) if pa.types.is_large_binary(key.type) else _with_numbers(state, key)
    return state


def _mixed(state: Hashes) -> Hashes:
    """Each bit of the result depends on each bit of the state; 0 stays 0. A bijection (splitmix64's)."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def _with_numbers(state: Hashes, key: pa.Array) -> Hashes:
    return _mixed(state) ^ key.fill_null(0).to_numpy(zero_copy_only=False).view(np.uint64)


def _with_texts(state: Hashes, key: pa.Array) -> Hashes:
    """Hashes in the first word (8 bytes) of every text, then the second of those that are longer, and so on."""
    _, offsets, data = key.buffers()
    bounds = np.frombuffer(offsets, np.int64)[key.offset : key.offset + len(key) + 1]
    first, last = (int(bounds[0]), int(bounds[-1])) if len(key) else (0, 0)
    own = np.frombuffer(data, np.uint8)[first:last] if last > first else np.zeros(0, np.uint8)

    # A word of 8 bytes from each byte on; the zeros let the last texts have whole words, too.
    words = np.lib.stride_tricks.sliding_window_view(np.concatenate([own, np.zeros(_WORD, np.uint8)]), _WORD)
    starts, lengths = bounds[:-1] - first, np.diff(bounds)

    state = _mixed(state) ^ lengths.astype(np.uint64)
    for at in range(0, int(lengths.max(initial=0)), _WORD):
        rows = np.flatnonzero(lengths > at)
        word = words[starts[rows] + at].view("<u8")[:, 0] & _MASKS[np.minimum(lengths[rows] - at, _WORD)]
        state[rows] = _mixed(state[rows]) ^ word
    return state
