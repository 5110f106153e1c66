"""Extractors that copy the columns named by the model specs: labels, example weights, predictions in the data."""

from __future__ import annotations

from functools import partial

from assay.extractors.each_batch import EachBatch
from assay.extractors.features import Unchanged
from assay.extractors.named_columns import Named, Names, columns_named, labels_named, predictions_named, weights_named
from assay.extracts.transformed import transformed_by_model
from assay.proto.config_pb2 import EvalConfig
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


def LabelsExtractor(eval_config: EvalConfig) -> Extractor:
    """Extractor that adds `labels` from `label_key(s)`; see `columns_named` for the form.

    Lists of classes (`sparse_labels`), and those that are to be filled up (`padding_options`), stay as they are.
    """
    return _extractor(LABELS_EXTRACTOR_STAGE_NAME, LABELS_KEY, labels_named(eval_config))


def ExampleWeightsExtractor(eval_config: EvalConfig) -> Extractor:
    """Extractor that adds `example_weights` from `example_weight_key(s)`."""
    return _extractor(EXAMPLE_WEIGHTS_EXTRACTOR_STAGE_NAME, EXAMPLE_WEIGHTS_KEY, weights_named(eval_config))


def MaterializedPredictionsExtractor(eval_config: EvalConfig) -> Extractor:
    """Extractor that adds `predictions` from `prediction_key(s)`, columns of the data.

    Lists that are to be filled up (`padding_options`) stay as they are.
    """
    return _extractor(MATERIALIZED_PREDICTIONS_EXTRACTOR_STAGE_NAME, PREDICTIONS_KEY, predictions_named(eval_config))


def prediction_keys(config: EvalConfig) -> dict[str, Names]:
    """Model name -> the output that is its prediction, names -> outputs, or an output for each class.

    Models for which nothing is set are left out.
    """
    return {name: names for name, names in predictions_named(config).by_model.items() if names}


def _extractor(stage: str, key: str, named: Named) -> Extractor:
    if not any(named.by_model.values()):
        return Extractor(stage, Unchanged())
    return Extractor(stage, EachBatch(partial(add_columns, key=key, named=named, stage=stage)))


def add_columns(extracts: Extracts, *, key: str, named: Named, stage: str) -> Extracts:
    """Returns `extracts` with the columns named under `key`; the batch is not changed."""
    transformed = transformed_by_model(extracts, tuple(named.by_model))
    return {**extracts, key: columns_named(extracts.get(FEATURES_KEY, {}), named, stage, transformed)}
