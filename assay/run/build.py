"""Stages of a plan as transforms."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import apache_beam as beam

from assay.evaluators.analysis_table import AnalysisTableEvaluator
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
from assay.models import model as models
from assay.plan import plan as plans
from assay.plan.plan import Stage
from assay.run.context import Context
from assay.run.own_code import _custom, _custom_evaluator
from assay.run.pipeline import ExtractEvaluateAndWriteResults
from assay.run.reading import reader_of
from assay.types import (
    ANALYSIS_TABLE_EVALUATOR_STAGE_NAME,
    EXAMPLE_WEIGHTS_EXTRACTOR_STAGE_NAME,
    FEATURES_EXTRACTOR_STAGE_NAME,
    LABELS_EXTRACTOR_STAGE_NAME,
    MATERIALIZED_PREDICTIONS_EXTRACTOR_STAGE_NAME,
    METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME,
    PREDICTIONS_EXTRACTOR_STAGE_NAME,
    SLICE_KEY_EXTRACTOR_STAGE_NAME,
    Evaluator,
    Extractor,
    Writer,
)
from assay.writers.analysis_table import AnalysisTableWriter
from assay.writers.eval_config import EvalConfigWriter
from assay.writers.metrics_plots_and_validations import MetricsPlotsAndValidationsWriter
from assay.writers.metrics_table import MetricsTableWriter


def analysis_of(context: Context, folder: str) -> beam.PTransform:
    """Everything after reading, as one transform; `folder` is that of the run's results."""
    return ExtractEvaluateAndWriteResults(
        eval_config=context.eval_config,
        extractors=extractors_of(context),
        evaluators=evaluators_of(context),
        writers=writers_of(context, folder),
        rubber_stamp=context.plan.rubber_stamp,
    )


# Reading ------------------------------------------------------------------------------------------------------------


# Extractors, evaluators, writers ------------------------------------------------------------------------------------

_EXTRACTORS: Mapping[str, Callable[[Context], Extractor]] = {
    FEATURES_EXTRACTOR_STAGE_NAME: lambda c: FeaturesExtractor(always_there="factory" not in c.plan.inputs),
    LABELS_EXTRACTOR_STAGE_NAME: lambda c: LabelsExtractor(c.eval_config),
    EXAMPLE_WEIGHTS_EXTRACTOR_STAGE_NAME: lambda c: ExampleWeightsExtractor(c.eval_config),
    MATERIALIZED_PREDICTIONS_EXTRACTOR_STAGE_NAME: lambda c: MaterializedPredictionsExtractor(c.eval_config),
    PREDICTIONS_EXTRACTOR_STAGE_NAME: lambda c: PredictionsExtractor(
        c.models, prediction_keys(c.eval_config), skip_bad_rows=c.skips_bad_rows
    ),
    SLICE_KEY_EXTRACTOR_STAGE_NAME: lambda c: SliceKeyExtractor(c.eval_config),
}

_EVALUATORS: Mapping[str, Callable[[Context], Evaluator]] = {
    METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME: lambda c: MetricsAndPlotsEvaluator(
        c.eval_config, skip_bad_rows=c.skips_bad_rows, seed=c.plan.seed, max_slices=c.plan.max_slices
    ),
    ANALYSIS_TABLE_EVALUATOR_STAGE_NAME: lambda _: AnalysisTableEvaluator(),
}


_WRITERS: Mapping[str, Callable[[Context, str], Writer]] = {
    "WriteMetricsPlotsAndValidations": lambda _, folder: MetricsPlotsAndValidationsWriter(folder),
    "WriteEvalConfig": lambda c, folder: _eval_config_writer(c, folder),
    "WriteMetricsTable": lambda _, folder: MetricsTableWriter(folder),
    "WriteAnalysisTable": lambda _, folder: AnalysisTableWriter(folder),
}
"""(context, folder of the run's results) -> writer."""


def _eval_config_writer(context: Context, folder: str) -> Writer:
    inputs = context.plan.inputs
    return EvalConfigWriter(
        folder,
        context.eval_config,
        data_location=", ".join(inputs.get("files", (inputs.get("factory", ""),))),
        file_format=inputs.get("format", ""),
        model_locations={ref.name if len(context.models) > 1 else "": ref.uri for ref in context.models} or None,
    )


def extractors_of(context: Context, names: Collection[str] | None = None) -> list[Extractor]:
    """The plan's extractors, in order; or those of `names`, since the code of others may be in other images."""
    return [
        _EXTRACTORS[stage.name](context)
        if "factory" not in stage.settings
        else _custom(stage, Extractor, context.plan.secrets)
        for stage in context.plan.of_kind(plans.EXTRACT)
        if names is None or stage.name in names
    ]


def evaluators_of(context: Context, names: Collection[str] | None = None) -> list[Evaluator]:
    """The plan's evaluators; or those of `names`, as above."""
    return [
        _EVALUATORS[stage.name](context)
        if "factory" not in stage.settings
        else _custom_evaluator(stage, context.plan.secrets)
        for stage in context.plan.of_kind(plans.EVALUATE)
        if names is None or stage.name in names
    ]


def writers_of(context: Context, folder: str) -> list[Writer]:
    """The plan's writers.

    Args:
        context: of the plan.
        folder: of the run's results.
    """
    settings = context.plan.of_kind(plans.WRITE_RESULTS)[0].settings
    return [
        _custom(Stage(name=writer["name"], kind=plans.WRITE_RESULTS, settings=writer), Writer, context.plan.secrets)
        if "factory" in writer
        else _WRITERS[writer["name"]](context, folder)
        for writer in settings.get("writers", ())
    ]


def import_custom(context: Context) -> Sequence[Any]:
    """Makes every stage of the plan and loads callable models, which imports the user's own code.

    Raises:
        ConfigError: a factory that cannot be imported or made, or that disagrees with the plan.
        ModelError: a callable that cannot be imported.
    """
    for ref in context.models:
        if ref.type == "callable":
            models.load(ref)
    writers = writers_of(context, context.plan.output)
    return [reader_of(context), *extractors_of(context), *evaluators_of(context), *writers]
