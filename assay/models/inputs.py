"""Columns as the arrays that a model's inputs take: type, shape, missing values. numpy and Arrow only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import BadRowError, ModelError
from assay.extracts.columns import Column, arrow_floats, is_list, is_text, plain, row_count, usual_length
from assay.models.model import ModelRef
from assay.text.near_miss import hint
from assay.types import FEATURES_KEY, INPUT_KEY, SOURCE_KEY, Extracts

Array: TypeAlias = npt.NDArray[Any]

TEXT = "string"


@dataclass(frozen=True)
class InputSpec:
    """What one input of a model takes.

    Attributes:
        name: the input's name, which is the name of its column too.
        dtype: numpy's name of the type, "bfloat16" (fed as float32), or "string".
        shape: with the rows first; None for a length that is free, or for a shape that is unknown altogether.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None


class _Misfit(Exception):
    """A column cannot be fed; `rows` are those of the batch to blame, bool (n,), if the others could be."""

    def __init__(self, reason: str, rows: npt.NDArray[np.bool_] | None = None) -> None:
        super().__init__(reason)
        self.rows = rows


def wanted_columns(specs: Sequence[InputSpec], ref: ModelRef) -> tuple[str, ...]:
    """Returns the columns that feed `specs`: those named in `ref.features`, else one for each input.

    Raises:
        ModelError: `features` are named for a model with several inputs.
    """
    if ref.features and len(specs) != 1:
        raise ModelError(
            f"model {ref.name!r} has {len(specs)} inputs ({', '.join(s.name for s in specs)}), each fed by the column "
            "of its name; `features` is for a model with one input: remove it"
        )
    return ref.features or tuple(spec.name for spec in specs)


def arrays(extracts: Extracts, specs: Sequence[InputSpec], ref: ModelRef) -> dict[str, Array]:
    """Returns an array for each input.

    An input is fed by the column of its name. A lone input may be fed by several (`ref.features`), side by side in
    that order. Numbers are cast; (n,) becomes (n, 1) and back as the input wants it. A missing number is NaN for a
    float input and refused by an integer input; missing text is "".

    Args:
        extracts: a batch of n > 0 rows with `features`.
        specs: the model's inputs.
        ref: the model, for `features` and for messages.

    Raises:
        ModelError: a column is missing or does not fit; names model and column.
        BadRowError: values of some rows do not fit; names model, column, file and the first row.
    """
    if not ref.features:
        return {spec.name: _fed(extracts, spec.name, spec, ref) for spec in specs}
    spec = specs[0]
    loose = InputSpec(spec.name, spec.dtype, None)
    parts = [_fed(extracts, name, loose, ref) for name in ref.features]
    stacked = parts[0] if len(parts) == 1 else np.concatenate([p.reshape(len(p), -1) for p in parts], axis=1)
    try:
        return {spec.name: _shaped(stacked, spec)}
    except _Misfit as misfit:
        raise ModelError(f"model {ref.name!r}: features {', '.join(ref.features)} together: {misfit}") from None


def unfit_rows(extracts: Extracts, specs: Sequence[InputSpec], ref: ModelRef) -> npt.NDArray[np.bool_]:
    """Returns the rows, bool (n,), whose values no input takes, where the others of the column could be fed.

    A column may have several faults; each is looked for in the rows that are left.
    """
    features, n = extracts.get(FEATURES_KEY, {}), row_count(extracts)
    unfit = np.zeros(n, bool)
    fed = [(name, replace(specs[0], shape=None)) for name in ref.features if specs] or [(s.name, s) for s in specs]

    for name, spec in fed:
        while name in features and not unfit.all():
            left = np.flatnonzero(~unfit)
            column = features[name]
            try:
                _fit(column[left] if isinstance(column, np.ndarray) else column.take(pa.array(left)), spec)
            except _Misfit as misfit:
                if misfit.rows is None:
                    break
                unfit[left[misfit.rows]] = True
                continue
            break
    return unfit


def raw_records(extracts: Extracts, ref: ModelRef) -> Array:
    """Returns the serialised records under `input`, object (n,) of bytes.

    Raises:
        ModelError: the batch has none.
    """
    records = extracts.get(INPUT_KEY)
    if records is None:
        raise ModelError(
            f"model {ref.name!r} takes serialised tf.Examples, but the rows carry no raw records: read them from "
            "tfrecord, or export a signature that takes named tensors"
        )
    return np.asarray(records, dtype=object)


def _fed(extracts: Extracts, name: str, spec: InputSpec, ref: ModelRef) -> Array:
    features = extracts.get(FEATURES_KEY, {})
    if name not in features:
        raise ModelError(no_column(name, sorted(features), ref))
    try:
        return _fit(features[name], spec)
    except _Misfit as misfit:
        if misfit.rows is None:
            raise ModelError(f"model {ref.name!r}: column {name!r} {misfit}") from None
        raise BadRowError(
            f"model {ref.name!r}: column {name!r} {misfit} ({_first_row(extracts, int(np.argmax(misfit.rows)))}); "
            "fix the data, or set on_bad_rows: skip to leave such rows out and count them"
        ) from None


def no_column(name: str, columns: Sequence[str], ref: ModelRef) -> str:
    """Returns what to say when the model wants a column that is not there."""
    advice = hint(name, columns) or "; a model with one input may name its columns in `features`"
    return (
        f"model {ref.name!r} takes a column {name!r} that the rows do not have; there are {', '.join(columns)}{advice}"
    )


def _first_row(extracts: Extracts, row: int) -> str:
    source = extracts.get(SOURCE_KEY)
    if source is None:
        return f"first in row {row} of the batch"
    return f"first in {source['file'][row].as_py()}, row {source['row'][row]}"


def _fit(column: Column, spec: InputSpec) -> Array:
    flat, shape = _flatten(column, spec.shape)
    if isinstance(flat, pa.Array) and flat.null_count == len(flat):
        shape, flat = _all_missing(len(column), flat, shape, spec)
    values = _text(flat) if spec.dtype == TEXT else _numbers(flat, spec.dtype, max(1, len(flat) // len(column)))
    return _shaped(values.reshape(shape), spec)


def _flatten(column: Column, wanted: tuple[int | None, ...] | None) -> tuple[Array | pa.Array, tuple[int, ...]]:
    """Returns the values in one dimension (what is no number as Arrow), and the shape to give them."""
    if isinstance(column, np.ndarray):
        shape: tuple[int, ...] = column.shape
        if column.dtype.kind in "fiub":
            return column.ravel(), shape
        flat = _to_arrow(column.ravel())
    else:
        shape = (len(column),)
        flat = column
    flat = plain(flat)
    while is_list(flat.type):
        free = wanted is None or len(shape) >= len(wanted)
        flat, width = _unnest(flat, None if free or wanted is None else wanted[len(shape)], len(flat) // shape[0])
        flat, shape = plain(flat), (*shape, width)
    return flat, shape


def _to_arrow(objects: Array) -> pa.Array:
    try:
        return pa.array(objects, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise _Misfit(f"holds Python objects that are not a column: {error}") from None


def _unnest(column: pa.Array, wanted: int | None, per_row: int) -> tuple[pa.Array, int]:
    """Returns the lists' values one after the other, nulls for a missing list, and the length that all lists have.

    Args:
        column: m lists, `per_row` of each row.
        wanted: the length that the model's input takes, if it says; else most lists' is it.
        per_row: lists of a row.
    """
    is_known = column.is_valid().to_numpy(zero_copy_only=False)
    lengths = pc.list_value_length(column).fill_null(0).to_numpy()
    width = usual_length(lengths) if wanted is None or not (lengths == wanted).any() else wanted
    odd = is_known & (lengths != width)
    if odd.any():
        raise _Misfit(
            f"holds lists of {lengths[is_known].min()} to {lengths[is_known].max()} values, but the model's input is "
            "dense: pad them to one length, or export a signature that takes serialised tf.Examples",
            _of_rows(odd, per_row),
        )

    # A missing list holds no values: its row gets as many nulls as a list has values.
    values = column.flatten()
    if is_known.all():
        return values, width
    positions = ((np.cumsum(is_known) - 1) * width)[:, None] + np.arange(width)
    return values.take(pa.array(positions.ravel(), mask=np.repeat(~is_known, width))), width


def _all_missing(
    rows: int, flat: pa.Array, shape: tuple[int, ...], spec: InputSpec
) -> tuple[tuple[int, ...], pa.Array]:
    """A batch without a single value does not tell how long its lists would be; the input does."""
    inner = spec.shape[1:] if spec.shape else (None,)
    if None in inner:
        return shape, flat
    wanted = (rows, *(size for size in inner if size is not None))
    return wanted, pa.nulls(int(np.prod(wanted)), flat.type)


def _text(flat: Array | pa.Array) -> Array:
    """Returns bytes, object (m,); a missing value is empty."""
    if isinstance(flat, np.ndarray):
        raise _Misfit(f"holds {flat.dtype}, but the model's input takes text")
    if pa.types.is_dictionary(flat.type):
        words = np.append(_text(flat.dictionary), np.array([b""], object))
        return words[flat.indices.cast(pa.int64()).fill_null(len(words) - 1).to_numpy()]
    if not (pa.types.is_null(flat.type) or is_text(flat.type)):
        raise _Misfit(f"holds {flat.type}, but the model's input takes text")
    texts: Array = flat.cast(pa.large_binary()).fill_null(b"").to_numpy(zero_copy_only=False)
    return texts


def _numbers(flat: Array | pa.Array, dtype: str, width: int) -> Array:
    wanted = np.dtype("float32" if dtype == "bfloat16" else dtype)
    values = flat if isinstance(flat, np.ndarray) else _arrow_numbers(flat, wanted, width)
    if wanted.kind == "f":
        with np.errstate(over="ignore"):
            return values.astype(wanted, copy=False)
    return _whole(values, wanted, width)


def _arrow_numbers(flat: pa.Array, wanted: np.dtype[Any], width: int) -> Array:
    if pa.types.is_dictionary(flat.type):
        flat = flat.dictionary_decode()
    floats = arrow_floats(flat)
    if floats is None:
        raise _Misfit(f"holds {flat.type}, but the model's input takes {wanted}")
    if wanted.kind == "f" or pa.types.is_decimal(flat.type):
        flat = floats
    if wanted.kind != "f" and flat.null_count:
        _refuse_missing(flat.is_null().to_numpy(zero_copy_only=False), wanted, width)
    numbers: Array = flat.to_numpy(zero_copy_only=False)
    return numbers.astype(np.float64) if numbers.dtype == object else numbers


def _whole(values: Array, wanted: np.dtype[Any], width: int) -> Array:
    """Casts to an integer or bool type; nothing may change its value on the way."""
    if values.dtype == wanted or not len(values):
        return values.astype(wanted, copy=False)
    if values.dtype.kind == "f":
        _refuse_missing(np.isnan(values), wanted, width)
    low, high = (0, 1) if wanted.kind == "b" else (np.iinfo(wanted).min, np.iinfo(wanted).max)
    bad = (values < low) | (values > high)
    if values.dtype.kind == "f":
        bad |= values != np.floor(values)
    if bad.any():
        raise _Misfit(f"holds {values[np.argmax(bad)]}, but the model's input takes {wanted}", _of_rows(bad, width))
    return values.astype(wanted)


def _refuse_missing(missing: Array, wanted: np.dtype[Any], width: int) -> None:
    if missing.any():
        raise _Misfit(
            f"lacks {int(missing.sum())} values, but the model's input takes {wanted}, which has no missing value",
            _of_rows(missing, width),
        )


def _of_rows(values: npt.NDArray[np.bool_], width: int) -> npt.NDArray[np.bool_]:
    """The rows that have any of the values (m,), of which each row has `width`."""
    return np.asarray(values.reshape(-1, width).any(axis=1))


def _shaped(values: Array, spec: InputSpec) -> Array:
    if spec.shape is None:
        return values
    rank = len(spec.shape)
    if values.ndim == 1 and rank == 2:
        values = values[:, None]
    elif values.ndim == 2 and values.shape[1] == 1 and rank == 1:
        values = values[:, 0]
    if values.ndim != rank or any(w not in (None, s) for w, s in zip(spec.shape, values.shape, strict=True)):
        raise _Misfit(f"has shape {_shape_text(values.shape)}, but input {spec.name!r} takes {_shape_text(spec.shape)}")
    return values


def _shape_text(shape: Sequence[int | None]) -> str:
    return f"({', '.join('any' if size is None else str(size) for size in shape)})"
