"""What an analysis file may name, and the stages that a plan has where it names none. Standard library only.

The types of models that it may name are in `assay.models.known`.
"""

from __future__ import annotations

from assay.types import (
    EXAMPLE_WEIGHTS_EXTRACTOR_STAGE_NAME,
    EXAMPLE_WEIGHTS_KEY,
    FEATURES_EXTRACTOR_STAGE_NAME,
    FEATURES_KEY,
    LABELS_EXTRACTOR_STAGE_NAME,
    LABELS_KEY,
    MATERIALIZED_PREDICTIONS_EXTRACTOR_STAGE_NAME,
    PREDICTIONS_EXTRACTOR_STAGE_NAME,
    PREDICTIONS_KEY,
    SLICE_KEY_EXTRACTOR_STAGE_NAME,
    SLICE_KEYS_KEY,
    TRANSFORMED_FEATURES_EXTRACTOR_STAGE_NAME,
    TRANSFORMED_FEATURES_KEY,
    WRITE_ANALYSIS_TABLE_STAGE_NAME,
    WRITE_EVAL_CONFIG_STAGE_NAME,
    WRITE_FOUND_SLICES_STAGE_NAME,
    WRITE_METRICS_PLOTS_AND_VALIDATIONS_STAGE_NAME,
    WRITE_METRICS_TABLE_STAGE_NAME,
)

TENSORFLOW_FORMATS = ("tfrecord",)
FORMATS = (*TENSORFLOW_FORMATS, "csv", "parquet", "jsonl")

DEFAULT_WRITERS = (
    WRITE_METRICS_PLOTS_AND_VALIDATIONS_STAGE_NAME,
    WRITE_EVAL_CONFIG_STAGE_NAME,
    WRITE_METRICS_TABLE_STAGE_NAME,
)


def default_chain(*, has_models: bool, transforms: bool = False, adds_predictions: bool = False) -> dict[str, str]:
    """The extractors of every evaluation, in their order: stage name -> the key of Extracts that it adds.

    Args:
        has_models: whether models are run; if not, the predictions are columns of the data.
        transforms: whether a model transforms features, by functions that its model spec names.
        adds_predictions: whether an extractor of the user's own adds the predictions.
    """
    extractors = {
        FEATURES_EXTRACTOR_STAGE_NAME: FEATURES_KEY,
        **({TRANSFORMED_FEATURES_EXTRACTOR_STAGE_NAME: TRANSFORMED_FEATURES_KEY} if transforms else {}),
        LABELS_EXTRACTOR_STAGE_NAME: LABELS_KEY,
        EXAMPLE_WEIGHTS_EXTRACTOR_STAGE_NAME: EXAMPLE_WEIGHTS_KEY,
    }
    if has_models:
        extractors[PREDICTIONS_EXTRACTOR_STAGE_NAME] = PREDICTIONS_KEY
    elif not adds_predictions:
        extractors[MATERIALIZED_PREDICTIONS_EXTRACTOR_STAGE_NAME] = PREDICTIONS_KEY
    extractors[SLICE_KEY_EXTRACTOR_STAGE_NAME] = SLICE_KEYS_KEY
    return extractors


def default_writer_names(*, has_analysis_table: bool = False, finds_slices: bool = False) -> tuple[str, ...]:
    """The writers of every evaluation, in their order, by stage name; and those of what is only made if asked for."""
    more = {WRITE_ANALYSIS_TABLE_STAGE_NAME: has_analysis_table, WRITE_FOUND_SLICES_STAGE_NAME: finds_slices}
    return (*DEFAULT_WRITERS, *(name for name, is_wanted in more.items() if is_wanted))
