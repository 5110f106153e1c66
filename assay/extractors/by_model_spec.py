"""Extractors that copy the columns named by the model specs: labels, example weights, predictions in the data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

import pyarrow as pa

from assay.errors import MissingColumnError
from assay.extractors.each_batch import EachBatch
from assay.extractors.features import Unchanged
from assay.extracts.columns import Column, holds_text, plain, to_floats
from assay.proto.config_pb2 import EvalConfig, ModelSpec
from assay.types import (
    EXAMPLE_WEIGHTS_EXTRACTOR_STAGE_NAME,
    EXAMPLE_WEIGHTS_KEY,
    FEATURES_KEY,
    LABELS_EXTRACTOR_STAGE_NAME,
    LABELS_KEY,
    MATERIALIZED_PREDICTIONS_EXTRACTOR_STAGE_NAME,
    PREDICTIONS_KEY,
    Extractor,
    Extracts,
)

Names = str | dict[str, str]
"""A column, or output name -> column."""


def LabelsExtractor(eval_config: EvalConfig) -> Extractor:
    """Extractor that adds `labels` from `label_key(s)`; see `columns_by_spec` for the form.

    Lists of classes (`sparse_labels`) stay as they are.
    """
    as_they_are = frozenset(spec.name for spec in eval_config.model_specs if spec.sparse_labels)
    return _extractor(
        eval_config,
        LABELS_EXTRACTOR_STAGE_NAME,
        LABELS_KEY,
        lambda s: s.label_key or dict(s.label_keys),
        as_they_are,
    )


def ExampleWeightsExtractor(eval_config: EvalConfig) -> Extractor:
    """Extractor that adds `example_weights` from `example_weight_key(s)`."""
    return _extractor(
        eval_config,
        EXAMPLE_WEIGHTS_EXTRACTOR_STAGE_NAME,
        EXAMPLE_WEIGHTS_KEY,
        lambda s: s.example_weight_key or dict(s.example_weight_keys),
    )


def MaterializedPredictionsExtractor(eval_config: EvalConfig) -> Extractor:
    """Extractor that adds `predictions` from `prediction_key(s)`, columns of the data."""
    return _extractor(
        eval_config,
        MATERIALIZED_PREDICTIONS_EXTRACTOR_STAGE_NAME,
        PREDICTIONS_KEY,
        lambda s: s.prediction_key or dict(s.prediction_keys),
    )


def prediction_keys(config: EvalConfig) -> dict[str, Names]:
    """Model name -> the output that is its prediction, or names -> outputs; only of models for which it is set."""
    named = {spec.name: spec.prediction_key or dict(spec.prediction_keys) for spec in config.model_specs}
    return {name: names for name, names in named.items() if names}


def _extractor(
    config: EvalConfig,
    stage: str,
    key: str,
    names: Callable[[ModelSpec], Names],
    as_they_are: Collection[str] = frozenset(),
) -> Extractor:
    by_model: dict[str, Names] = {spec.name: names(spec) for spec in config.model_specs}
    if not any(by_model.values()):
        return Extractor(stage, Unchanged())
    add = partial(add_columns, key=key, by_model=by_model, stage=stage, as_they_are=as_they_are)
    return Extractor(stage, EachBatch(add))


def add_columns(
    extracts: Extracts,
    *,
    key: str,
    by_model: Mapping[str, Names],
    stage: str,
    as_they_are: Collection[str] = frozenset(),
) -> Extracts:
    """Returns `extracts` with the columns named under `key`; the batch is not changed."""
    return {**extracts, key: columns_by_spec(extracts.get(FEATURES_KEY, {}), by_model, stage, as_they_are)}


def columns_by_spec(
    features: Mapping[str, Column],
    by_model: Mapping[str, Names],
    stage: str,
    as_they_are: Collection[str] = frozenset(),
) -> Any:
    """Selects columns: numbers as float64 (n,) or (n, k), text as it is, and all columns of the models `as_they_are`.

    Returns:
        One column for a single model; with several models a dict by model name. For a model with several outputs, a
        dict by output name instead of a column.

    Raises:
        MissingColumnError: a named column is not in the batch.
    """
    columns = {
        model: _select(features, names, stage, model in as_they_are) for model, names in by_model.items() if names
    }
    return next(iter(columns.values())) if len(by_model) == 1 else columns


def _select(features: Mapping[str, Column], names: Names, stage: str, as_it_is: bool) -> Any:
    if isinstance(names, dict):
        return {output: _select(features, name, stage, as_it_is) for output, name in names.items()}
    if names not in features:
        raise MissingColumnError(f"{stage}: no column {names!r}; the batch has {sorted(features)}")
    return features[names] if as_it_is else _numbers(features[names], names)


def _numbers(column: Column, name: str) -> Column:
    """Numbers become float64 arrays; a second axis of length 1 is dropped. Text stays Arrow."""
    column = plain(column) if isinstance(column, pa.Array) else column
    if isinstance(column, pa.Array) and holds_text(column.type):
        return column
    return to_floats(column, name)
