"""Values of a feature that are one slice together: ranges of numbers, or days, months and years."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import ColumnTypeError
from assay.extracts.columns import plain
from assay.slicing.feature_bins import LENGTHS, Bins


def binned(column: pa.Array, bins: Bins, name: str) -> pa.DictionaryArray:
    """The bin of each value of a flat column, as text; null where there is no value.

    Raises:
        ColumnTypeError: the values are no numbers, or, with `by`, no dates or times.
    """
    column = plain(column)
    if pa.types.is_dictionary(column.type):
        of_values = binned(column.dictionary, bins, name)
        return pa.DictionaryArray.from_arrays(of_values.indices.take(column.indices), of_values.dictionary)
    if pa.types.is_null(column.type):
        return column.cast(pa.string()).dictionary_encode()
    return _by_time(column, bins.by, name) if bins.by else _by_edges(column, bins, name)


def numbers_of(column: pa.Array, name: str) -> npt.NDArray[np.float32] | npt.NDArray[np.float64]:
    """The values of a flat column as bins take them: of 32 bits or fewer, as 32 bits; NaN where there is none.

    Raises:
        ColumnTypeError: the values are no numbers.
    """
    kind = column.type
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise ColumnTypeError(
            f"bins: column {name!r} has type {kind}; expected numbers; give its type in inputs.options.types (CSV, "
            "JSON lines), or make no bins of it"
        )
    is_small = pa.types.is_float16(kind) or pa.types.is_float32(kind)
    numbers = column.cast(pa.float32() if is_small else pa.float64(), safe=False)
    values: npt.NDArray[np.float32] | npt.NDArray[np.float64] = numbers.to_numpy(zero_copy_only=False)
    return values


def _by_edges(column: pa.Array, bins: Bins, name: str) -> pa.DictionaryArray:
    values = numbers_of(column, name)
    edges = _as_float32(bins.edges) if values.dtype == np.float32 else np.array(bins.edges)
    at = np.searchsorted(edges, values, side="right").astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(at, mask=np.isnan(values)), pa.array(bins.names))


def _as_float32(edges: tuple[float, ...]) -> npt.NDArray[np.float32]:
    """Edges for numbers of 32 bits, each of which is the number that its shortest text says.

    That of 11.29 is a little below it, and is not below the edge 11.29.
    """
    nearest = np.array(edges, np.float32)
    is_below = nearest.astype("U").astype(np.float64) < np.array(edges)
    return np.where(is_below, np.nextafter(nearest, np.float32(np.inf)), nearest)


def _by_time(column: pa.Array, by: str, name: str) -> pa.DictionaryArray:
    kind = column.type
    try:
        if pa.types.is_timestamp(kind) and kind.tz:
            column = column.view(pa.int64()).view(pa.timestamp(kind.unit))  # in UTC, as slices by the moment itself
        elif not (pa.types.is_timestamp(kind) or pa.types.is_date(kind) or _is_text(kind)):
            raise pa.ArrowInvalid("no dates")
        moments = column if pa.types.is_timestamp(column.type) else column.cast(pa.timestamp("us"))
        days = pc.floor_temporal(moments, unit=by).cast(pa.date32())
    except pa.ArrowInvalid as error:
        raise ColumnTypeError(
            f"bins: column {name!r} has type {kind}; expected dates or times, or texts such as 2024-01-31; remove its "
            f"bins by {by}"
        ) from error
    encoded = days.dictionary_encode()
    texts = pc.utf8_slice_codeunits(encoded.dictionary.cast(pa.string()), 0, LENGTHS[by])
    return pa.DictionaryArray.from_arrays(encoded.indices, texts)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
