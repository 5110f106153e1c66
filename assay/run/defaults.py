"""The extractors, evaluators and writers of an evaluation whose author names none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
from assay.models.configured import as_configured
from assay.models.model import ModelRef
from assay.plan.plan import MOST_SLICES
from assay.proto.config_pb2 import EvalConfig
from assay.results.latest import check_no_runs
from assay.storage.file_paths import FilePath, path_text
from assay.types import Evaluator, Extractor, Writer
from assay.writers.eval_config import EvalConfigWriter
from assay.writers.metrics_plots_and_validations import MetricsPlotsAndValidationsWriter
from assay.writers.metrics_table import MetricsTableWriter


def default_extractors(
    eval_config: EvalConfig, models: Sequence[ModelRef] = (), *, skip_bad_rows: bool = False
) -> list[Extractor]:
    """Features, labels, example weights, predictions (of the models, or in the data), slice keys.

    Args:
        eval_config: a resolved config.
        models: the models to run; none if the predictions are columns of the data.
        skip_bad_rows: drop and count rows whose values a model cannot take, instead of failing.
    """
    models = as_configured(models, eval_config)
    predictions = (
        PredictionsExtractor(models, prediction_keys(eval_config), skip_bad_rows=skip_bad_rows)
        if models
        else MaterializedPredictionsExtractor(eval_config)
    )
    return [
        FeaturesExtractor(),
        LabelsExtractor(eval_config),
        ExampleWeightsExtractor(eval_config),
        predictions,
        SliceKeyExtractor(eval_config),
    ]


def default_evaluators(
    eval_config: EvalConfig, *, skip_bad_rows: bool = False, seed: int = 0, max_slices: int = MOST_SLICES
) -> list[Evaluator]:
    """Metrics and plots, after the slice keys.

    Args:
        eval_config: a resolved config.
        skip_bad_rows: drop and count rows that no metric can take, instead of failing.
        seed: of the resamples behind confidence intervals.
        max_slices: slices that one slicing spec may make.
    """
    return [MetricsAndPlotsEvaluator(eval_config, skip_bad_rows=skip_bad_rows, seed=seed, max_slices=max_slices)]


def default_writers(
    output_path: FilePath,
    eval_config: EvalConfig,
    *,
    data_location: FilePath = "",
    file_format: str = "",
    model_locations: Mapping[str, str] | None = None,
) -> list[Writer]:
    """Metrics, plots and validations, the eval config, and the metrics as a flat table.

    Args:
        output_path: folder of the results; not an output below which runs have folders of their own.
        eval_config: a resolved config.
        data_location: where the data lies, as results tell it.
        file_format: format of the data, as results tell it.
        model_locations: model name -> where it lies, as results tell it.

    Raises:
        ResultsError: runs have folders below it, and who opens it would see the latest of them.
    """
    check_no_runs(output_path)
    location = path_text(data_location, "data_location")
    return [
        MetricsPlotsAndValidationsWriter(output_path),
        EvalConfigWriter(
            output_path,
            eval_config,
            location,
            file_format,
            dict(model_locations or {}),
        ),
        MetricsTableWriter(output_path),
    ]
