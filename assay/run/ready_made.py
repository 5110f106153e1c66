"""assay's own stages by name: how each is made. Plans name them, and the defaults of the API are some of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import apache_beam as beam

from assay.config.resolved import columns_of
from assay.evaluators.analysis_table import AnalysisTableEvaluator
from assay.evaluators.find_slices import FindSlicesEvaluator
from assay.evaluators.metrics_and_plots import MetricsAndPlotsEvaluator
from assay.extractors.by_model_spec import (
    ExampleWeightsExtractor,
    LabelsExtractor,
    MaterializedPredictionsExtractor,
    prediction_keys,
)
from assay.extractors.features import FeaturesExtractor
from assay.extractors.predictions import PredictionsExtractor
from assay.extractors.slice_keys import SliceKeyExtractor
from assay.extractors.transformed_features import TransformedFeaturesExtractor
from assay.models.model import ModelRef
from assay.plan.plan import MOST_SLICES
from assay.proto.config_pb2 import EvalConfig
from assay.storage.file_paths import FilePath
from assay.types import (
    ANALYSIS_TABLE_EVALUATOR_STAGE_NAME,
    EXAMPLE_WEIGHTS_EXTRACTOR_STAGE_NAME,
    FEATURES_EXTRACTOR_STAGE_NAME,
    FIND_SLICES_EVALUATOR_STAGE_NAME,
    LABELS_EXTRACTOR_STAGE_NAME,
    MATERIALIZED_PREDICTIONS_EXTRACTOR_STAGE_NAME,
    METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME,
    PREDICTIONS_EXTRACTOR_STAGE_NAME,
    SLICE_KEY_EXTRACTOR_STAGE_NAME,
    TFRECORD,
    TRANSFORMED_FEATURES_EXTRACTOR_STAGE_NAME,
    WRITE_ANALYSIS_TABLE_STAGE_NAME,
    WRITE_EVAL_CONFIG_STAGE_NAME,
    WRITE_FOUND_SLICES_STAGE_NAME,
    WRITE_METRICS_PLOTS_AND_VALIDATIONS_STAGE_NAME,
    WRITE_METRICS_TABLE_STAGE_NAME,
    Evaluator,
    Extractor,
    Writer,
)
from assay.writers.analysis_table import AnalysisTableWriter
from assay.writers.eval_config import EvalConfigWriter
from assay.writers.found_slices import FoundSlicesWriter
from assay.writers.metrics_plots_and_validations import MetricsPlotsAndValidationsWriter
from assay.writers.metrics_table import MetricsTableWriter


@dataclass(frozen=True, kw_only=True)
class StageSettings:
    """What assay's own extractors and evaluators need to know.

    Attributes:
        eval_config: a resolved config.
        models: the models to run, as the config has them; none if the predictions are columns of the data.
        skip_bad_rows: drop and count bad rows instead of failing.
        has_features: the reader is known to give `features`.
        seed: of the resamples behind confidence intervals.
        max_slices: slices that one slicing spec may make.
        find_slices: the stage that searches for slices: its settings, and the extractor that it runs after.
        again: PBegin -> the Extracts that it sees, for a second scan; None where there is no checkpoint of them.
    """

    eval_config: EvalConfig
    models: tuple[ModelRef, ...] = ()
    skip_bad_rows: bool = False
    has_features: bool = False
    seed: int = 0
    max_slices: int = MOST_SLICES
    find_slices: tuple[Mapping[str, Any], str] = ({}, "")
    again: beam.PTransform | None = None


@dataclass(frozen=True, kw_only=True)
class WriterSettings:
    """What assay's own writers need to know.

    Attributes:
        folder: of the run's results.
        eval_config: a resolved config.
        data_location: where the data lies, as results tell it.
        file_format: format of the data, as results tell it.
        model_locations: model name -> where it lies, as results tell it; one model without a name is under "".
        output_file_format: of metrics, plots, attributions and validations.
    """

    folder: FilePath
    eval_config: EvalConfig
    data_location: str = ""
    file_format: str = ""
    model_locations: Mapping[str, str] | None = None
    output_file_format: str = TFRECORD


def _predictions(settings: StageSettings) -> Extractor:
    keys = prediction_keys(settings.eval_config)
    return PredictionsExtractor(settings.models, keys, skip_bad_rows=settings.skip_bad_rows)


def _transformed_features(settings: StageSettings) -> Extractor:
    named = columns_of(settings.eval_config, models=[spec.name for spec in settings.eval_config.model_specs])
    return TransformedFeaturesExtractor(
        settings.eval_config, settings.models, features=named, skip_bad_rows=settings.skip_bad_rows
    )


EXTRACTORS: Mapping[str, Callable[[StageSettings], Extractor]] = {
    FEATURES_EXTRACTOR_STAGE_NAME: lambda s: FeaturesExtractor(always_there=s.has_features),
    TRANSFORMED_FEATURES_EXTRACTOR_STAGE_NAME: _transformed_features,
    LABELS_EXTRACTOR_STAGE_NAME: lambda s: LabelsExtractor(s.eval_config),
    EXAMPLE_WEIGHTS_EXTRACTOR_STAGE_NAME: lambda s: ExampleWeightsExtractor(s.eval_config),
    MATERIALIZED_PREDICTIONS_EXTRACTOR_STAGE_NAME: lambda s: MaterializedPredictionsExtractor(s.eval_config),
    PREDICTIONS_EXTRACTOR_STAGE_NAME: _predictions,
    SLICE_KEY_EXTRACTOR_STAGE_NAME: lambda s: SliceKeyExtractor(s.eval_config),
}

EVALUATORS: Mapping[str, Callable[[StageSettings], Evaluator]] = {
    METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME: lambda s: MetricsAndPlotsEvaluator(
        s.eval_config, skip_bad_rows=s.skip_bad_rows, seed=s.seed, max_slices=s.max_slices
    ),
    ANALYSIS_TABLE_EVALUATOR_STAGE_NAME: lambda _: AnalysisTableEvaluator(),
    FIND_SLICES_EVALUATOR_STAGE_NAME: lambda s: FindSlicesEvaluator(
        s.eval_config,
        s.find_slices[0],
        run_after=s.find_slices[1],
        again=s.again,
        skip_bad_rows=s.skip_bad_rows,
        seed=s.seed,
        max_slices=s.max_slices,
    ),
}

WRITERS: Mapping[str, Callable[[WriterSettings], Writer]] = {
    WRITE_METRICS_PLOTS_AND_VALIDATIONS_STAGE_NAME: lambda s: MetricsPlotsAndValidationsWriter(
        s.folder, s.output_file_format
    ),
    WRITE_EVAL_CONFIG_STAGE_NAME: lambda s: EvalConfigWriter(
        s.folder, s.eval_config, s.data_location, s.file_format, s.model_locations
    ),
    WRITE_METRICS_TABLE_STAGE_NAME: lambda s: MetricsTableWriter(s.folder),
    WRITE_ANALYSIS_TABLE_STAGE_NAME: lambda s: AnalysisTableWriter(s.folder),
    WRITE_FOUND_SLICES_STAGE_NAME: lambda s: FoundSlicesWriter(s.folder),
}
