"""Stages of a plan as transforms."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import apache_beam as beam

from assay.gate.found_slices import found_threshold
from assay.models import model as models
from assay.models.known import is_code
from assay.plan import plan as plans
from assay.plan.plan import Stage
from assay.run.context import Context
from assay.run.own_code import own_evaluator, own_stage
from assay.run.pipeline import ExtractEvaluateAndWriteResults
from assay.run.reading import reader_of
from assay.run.ready_made import EVALUATORS, EXTRACTORS, WRITERS, StageSettings, WriterSettings
from assay.types import Evaluator, Extractor, Writer


def analysis_of(context: Context, folder: str) -> beam.PTransform:
    """Everything after reading, as one transform; `folder` is that of the run's results."""
    return ExtractEvaluateAndWriteResults(
        eval_config=context.eval_config,
        extractors=extractors_of(context),
        evaluators=evaluators_of(context),
        writers=writers_of(context, folder),
        rubber_stamp=context.plan.rubber_stamp,
        gate=context.plan.gate,
        found=found_threshold(context.plan),
    )


def extractors_of(context: Context, names: Collection[str] | None = None) -> list[Extractor]:
    """The plan's extractors, in order; or those of `names`, since the code of others may be in other images."""
    if context.in_memory.extractors is not None:
        return list(context.in_memory.extractors)
    settings = _stage_settings(context)
    return [
        EXTRACTORS[stage.name](settings)
        if "factory" not in stage.settings
        else own_stage(stage, Extractor, context.plan.secrets)
        for stage in context.plan.of_kind(plans.EXTRACT)
        if names is None or stage.name in names
    ]


def evaluators_of(
    context: Context, names: Collection[str] | None = None, again: beam.PTransform | None = None
) -> list[Evaluator]:
    """The plan's evaluators; or those of `names`, as above. `again` reads the Extracts that they see a second time."""
    if context.in_memory.evaluators is not None:
        return list(context.in_memory.evaluators)
    settings = _stage_settings(context, again)
    return [
        EVALUATORS[stage.name](settings)
        if "factory" not in stage.settings
        else own_evaluator(stage, context.plan.secrets)
        for stage in context.plan.of_kind(plans.EVALUATE)
        if names is None or stage.name in names
    ]


def writers_of(context: Context, folder: str) -> list[Writer]:
    """The plan's writers.

    Args:
        context: of the plan.
        folder: of the run's results.
    """
    if context.in_memory.writers is not None:
        return list(context.in_memory.writers)
    writers = context.plan.of_kind(plans.WRITE_RESULTS)[0].settings.get("writers", ())
    settings = _writer_settings(context, folder)
    return [
        own_stage(Stage(name=writer["name"], kind=plans.WRITE_RESULTS, settings=writer), Writer, context.plan.secrets)
        if "factory" in writer
        else WRITERS[writer["name"]](settings)
        for writer in writers
    ]


def _stage_settings(context: Context, again: beam.PTransform | None = None) -> StageSettings:
    finder = context.finder
    return StageSettings(
        eval_config=context.eval_config,
        models=context.models,
        skip_bad_rows=context.skips_bad_rows,
        has_features="factory" not in context.plan.inputs,  # a reader of the user's own may give raw records
        seed=context.plan.seed,
        max_slices=context.plan.max_slices,
        find_slices=({}, "") if finder is None else (finder.settings, finder.run_after),
        again=again,
    )


def _writer_settings(context: Context, folder: str) -> WriterSettings:
    inputs, models = context.plan.inputs, context.models
    return WriterSettings(
        folder=folder,
        eval_config=context.eval_config,
        data_location=", ".join(inputs.get("files", (inputs.get("factory", ""),))),
        file_format=inputs.get("format", ""),
        model_locations={ref.name if len(models) > 1 else "": ref.uri for ref in models} or None,
        output_file_format=context.plan.output_file_format,
    )


def import_custom(context: Context) -> Sequence[Any]:
    """Makes every stage of the plan and loads callable models, which imports the user's own code.

    Raises:
        ConfigError: a factory that cannot be imported or made, or that disagrees with the plan.
        ModelError: a callable that cannot be imported.
    """
    for ref in context.models:
        if is_code(ref.type):
            models.load(ref)
    writers = writers_of(context, context.plan.output)
    return [reader_of(context), *extractors_of(context), *evaluators_of(context), *writers]
