"""The columns of the data that model specs name: labels, example weights, predictions. Without Beam."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.config.images import models_of_images
from assay.config.model_values import has_column_for_each_class
from assay.errors import ColumnTypeError, MissingColumnError
from assay.extracts.columns import Column, holds_text, is_list, plain, to_floats
from assay.proto.config_pb2 import EvalConfig, ModelSpec
from assay.text.near_miss import one_of

Names = str | dict[str, str] | tuple[str, ...]
"""A column; or output name -> column; or a column for each class, by class id."""


class Named(NamedTuple):
    """Which columns serve for what, by model.

    Attributes:
        by_model: model name -> its columns; empty where its spec names none.
        as_they_are: the models whose columns stay as the data has them.
    """

    by_model: Mapping[str, Names]
    as_they_are: frozenset[str] = frozenset()


def labels_named(config: EvalConfig) -> Named:
    """Labels, by `label_key(s)`. Lists of classes (`sparse_labels`), boxes and lists to fill up stay as they are."""
    by_model: dict[str, Names] = {spec.name: spec.label_key or dict(spec.label_keys) for spec in config.model_specs}
    return Named(by_model, _of_any_length(config) | {spec.name for spec in config.model_specs if _has_lists(spec)})


def weights_named(config: EvalConfig) -> Named:
    """The example weights, by `example_weight_key(s)`."""
    return Named({spec.name: spec.example_weight_key or dict(spec.example_weight_keys) for spec in config.model_specs})


def predictions_named(config: EvalConfig) -> Named:
    """The predictions, by `prediction_key(s)`. Where these keys are the `classes`, there is a column for each class.

    Lists of boxes and lists to fill up stay as they are.
    """
    return Named({spec.name: _prediction_names(spec) for spec in config.model_specs}, _of_any_length(config))


def _has_lists(spec: ModelSpec) -> bool:
    """Whether labels of a model, of any of its outputs, are lists of classes."""
    return spec.sparse_labels or any(output.sparse_labels for output in spec.outputs.values())


def _of_any_length(config: EvalConfig) -> frozenset[str]:
    """Models whose lists may have any length: of boxes, or to fill up (`padding_options`)."""
    padded = {spec.name for spec in config.model_specs if spec.HasField("padding_options")}
    return models_of_images(config) | padded


def _prediction_names(spec: ModelSpec) -> Names:
    if has_column_for_each_class(spec):
        return tuple(spec.prediction_keys[name] for name in spec.classes)
    return spec.prediction_key or dict(spec.prediction_keys)


def columns_named(
    features: Mapping[str, Column],
    named: Named,
    who: str,
    transformed: Mapping[str, Mapping[str, Column]] | None = None,
) -> Any:
    """Selects columns: numbers as float64 (n,) or (n, k); texts, lists of several lengths and `as_they_are` stay.

    Args:
        features: columns of n rows.
        named: which of them.
        who: reads them, for errors.
        transformed: model name -> its transformed features, which come before `features`.

    Returns:
        One column for a single model; with several models a dict by model name. For a model with several outputs, a
        dict by output name instead of a column.

    Raises:
        MissingColumnError: a named column is not in the batch.
        ColumnTypeError: a column for one class does not hold one number a row.
    """
    own = transformed or {}
    columns = {
        model: _select({**features, **own.get(model, {})}, names, who, model in named.as_they_are)
        for model, names in named.by_model.items()
        if names
    }
    return next(iter(columns.values())) if len(named.by_model) == 1 else columns


def _select(features: Mapping[str, Column], names: Names, who: str, as_it_is: bool) -> Any:
    if isinstance(names, dict):
        return {output: _select(features, name, who, as_it_is) for output, name in names.items()}
    if isinstance(names, tuple):
        return np.column_stack([_of_one_class(features, name, who) for name in names])
    if names not in features:
        near = one_of(names, sorted(features))
        raise MissingColumnError(f"{who}: the model spec names the column {names!r}, which the rows do not have{near}")
    return features[names] if as_it_is else _numbers(features[names], names)


def _of_one_class(features: Mapping[str, Column], name: str, who: str) -> Column:
    column = _select(features, name, who, False)
    if not isinstance(column, np.ndarray) or column.ndim > 1:
        raise ColumnTypeError(f"column {name!r} (prediction_keys): expected one number a row, that of its class")
    return column


def _numbers(column: Column, name: str) -> Column:
    """Numbers become float64 arrays; a second axis of length 1 is dropped. Texts and lists of several lengths stay."""
    column = plain(column) if isinstance(column, pa.Array) else column
    if isinstance(column, pa.Array) and (holds_text(column.type) or _has_several_lengths(column)):
        return column
    return to_floats(column, name)


def _has_several_lengths(column: pa.Array) -> bool:
    return is_list(column.type) and len(pc.list_value_length(column).fill_null(0).unique()) > 1
