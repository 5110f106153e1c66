"""Counterfactual predictions: what a model says of the same rows when some of its features have other values.

A model's `counterfactual` maps a feature to the column that is fed in its place, or to `{"value": x}` for the same
value in every row. Only the model sees the other values; slices, labels and weights are those of the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from assay.errors import ModelError
from assay.extracts.columns import Column, holds_text, row_count
from assay.models.replacements import VALUE, Replacement
from assay.text.near_miss import hint
from assay.types import FEATURES_KEY, Extracts


def columns_read(columns: tuple[str, ...], replacements: Mapping[str, Replacement], model: str) -> tuple[str, ...]:
    """Returns the columns that a model reads, which has `columns` without its replacements.

    A feature that is fed one value is still read: the value becomes one of its column's type.

    Raises:
        ModelError: a feature that is to be replaced is none of the model's.
    """
    for feature in replacements:
        if feature not in columns:
            raise _unknown(feature, columns, model)
    sources = {feature: source for feature, source in replacements.items() if isinstance(source, str)}
    return tuple(dict.fromkeys(sources.get(column, column) for column in columns))


def with_replacements(extracts: Extracts, replacements: Mapping[str, Replacement], model: str) -> Extracts:
    """Returns a copy of a batch in which features have the other values; all are replaced at once, so two may swap.

    Args:
        extracts: n rows with `features`.
        replacements: feature -> what is fed in its place.
        model: the model's name, for errors.

    Raises:
        ModelError: a column is missing, or a value is not of its column's type.
    """
    features = extracts.get(FEATURES_KEY, {})
    others = {
        feature: _other(features, feature, replacement, row_count(extracts), model)
        for feature, replacement in replacements.items()
    }
    return {**extracts, FEATURES_KEY: {**features, **others}}


def _other(features: Mapping[str, Column], feature: str, replacement: Replacement, rows: int, model: str) -> Column:
    column = replacement if isinstance(replacement, str) else feature
    if column not in features:
        raise ModelError(
            f"model {model!r}: counterfactual.{feature}: the rows have no column {column!r}"
            f"{hint(column, features)}; there are {', '.join(sorted(features))}"
        )
    if isinstance(replacement, str):
        return features[column]
    return _constant(features[column], replacement[VALUE], rows, f"model {model!r}: counterfactual.{feature}.{VALUE}")


def _constant(column: Column, value: Any, rows: int, where: str) -> Column:
    """A column of one value, of the type of `column`."""
    kind = _type_of(column)
    scalar = pa.scalar(value) if kind is None else _as(value, kind, where)
    if isinstance(column, np.ndarray):
        return np.full(column.shape, scalar.as_py(), column.dtype)
    return pa.repeat(scalar, rows)


def _type_of(column: Column) -> pa.DataType | None:
    """The type of a column's values; None for Python objects, which have any."""
    if isinstance(column, np.ndarray):
        return None if column.dtype == object else pa.from_numpy_dtype(column.dtype)
    return column.type.value_type if pa.types.is_dictionary(column.type) else column.type


def _as(value: Any, kind: pa.DataType, where: str) -> pa.Scalar:
    """A value as one of a type that holds it exactly, but for the digits of a float."""
    try:
        if isinstance(value, str) != holds_text(kind):  # Arrow would read a number in a text
            raise pa.ArrowTypeError("text and numbers")
        return pa.array([value]).cast(kind)[0]
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError) as error:
        raise ModelError(
            f"{where}: found {value!r}, but the column holds {kind}; expected a value of that type"
        ) from error


def _unknown(feature: str, columns: tuple[str, ...], model: str) -> ModelError:
    return ModelError(
        f"model {model!r}: counterfactual.{feature}: the model reads no column {feature!r}{hint(feature, columns)}; "
        f"it reads {', '.join(columns)}"
    )
