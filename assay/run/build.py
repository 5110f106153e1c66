"""Stages of a plan as transforms."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from typing import Any

import apache_beam as beam

from assay.config.resolved import check_eval_config, parse_eval_config
from assay.errors import ConfigError
from assay.evaluators.analysis_table import AnalysisTableEvaluator
from assay.evaluators.metrics_and_plots import MetricsAndPlotsEvaluator
from assay.extractors.by_model_spec import (
    ExampleWeightsExtractor,
    LabelsExtractor,
    MaterializedPredictionsExtractor,
    prediction_keys,
)
from assay.extractors.features import FeaturesExtractor
from assay.extractors.per_row import batches_of, per_row
from assay.extractors.predictions import PredictionsExtractor
from assay.extractors.slice_keys import SliceKeyExtractor
from assay.metrics.binding.bound import metrics_of
from assay.models import model as models
from assay.models.configured import as_configured
from assay.models.model import ModelRef
from assay.plan import plan as plans
from assay.plan.analysis_file import TENSORFLOW_FORMATS
from assay.plan.plan import Plan, Stage
from assay.plan.secret_params import revealed
from assay.proto.config_pb2 import EvalConfig
from assay.readers import listing
from assay.readers.join import Join, ReadJoined, check_join, join_as_described
from assay.readers.needed import narrowed, needed_columns
from assay.readers.read_inputs import ReadInputs, counted
from assay.readers.source import Source, check_columns, splits
from assay.run.pipeline import ExtractEvaluateAndWriteResults
from assay.types import (
    ANALYSIS_TABLE_EVALUATOR_STAGE_NAME,
    EXAMPLE_WEIGHTS_EXTRACTOR_STAGE_NAME,
    FEATURES_EXTRACTOR_STAGE_NAME,
    FEATURES_KEY,
    INPUT_KEY,
    LABELS_EXTRACTOR_STAGE_NAME,
    MATERIALIZED_PREDICTIONS_EXTRACTOR_STAGE_NAME,
    METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME,
    PREDICTIONS_EXTRACTOR_STAGE_NAME,
    SLICE_KEY_EXTRACTOR_STAGE_NAME,
    TEXTS_KEY,
    Evaluator,
    Extractor,
    Extracts,
    Writer,
)
from assay.writers.analysis_table import AnalysisTableWriter
from assay.writers.eval_config import EvalConfigWriter
from assay.writers.metrics_plots_and_validations import MetricsPlotsAndValidationsWriter
from assay.writers.metrics_table import MetricsTableWriter


@dataclass(frozen=True)
class Context:
    """What the builders of stages need to know of their plan."""

    plan: Plan
    eval_config: EvalConfig
    models: tuple[ModelRef, ...]

    @property
    def skips_bad_rows(self) -> bool:
        """Whether bad rows are dropped and counted."""
        return self.plan.on_bad_rows == "skip"


def context_of(plan: Plan) -> Context:
    """Reads the plan's eval config and models."""
    refs = tuple(_model_of(plan, model) for model in plan.models)
    config = parse_eval_config(plan.eval_config)
    check_eval_config(config)  # again, now that parameters are in its texts
    metrics_of(config)
    return Context(plan, config, as_configured(refs, config))


def _model_of(plan: Plan, model: Mapping[str, Any]) -> ModelRef:
    args = {"args": revealed(model["args"], plan.secrets)} if "args" in model else {}
    return ModelRef(**{**model, **args, "features": tuple(model.get("features", ()))})


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


def reader_of(context: Context, *, everything: bool = False) -> beam.PTransform:
    """The reader of the plan's inputs.

    Args:
        context: of the plan.
        everything: read all declared columns, whoever needs them, and not in the form in which they are needed: so
            that a checkpoint serves other configs too.
    """
    inputs = context.plan.inputs
    if "factory" not in inputs:
        join = join_of(context, everything=everything)
        return ReadInputs(source_of(context, everything=everything)) if join is None else ReadJoined(join)
    made = _made(inputs, "inputs", context.plan.secrets)
    if not isinstance(made, beam.PTransform):
        raise ConfigError(f"inputs.factory: {inputs['factory']} gave a {type(made).__name__}; expected a PTransform")
    return _CustomReader(made, bool(inputs.get("per_row")))


class _CustomReader(beam.PTransform):
    """A reader of the user's own, its rows counted."""

    def __init__(self, reader: beam.PTransform, rows: bool) -> None:
        super().__init__()
        self._reader, self._rows = reader, rows

    def expand(self, pbegin: Any) -> beam.PCollection[Extracts]:
        batches = pbegin | "Custom" >> self._reader
        if self._rows:
            batches = batches | "Batch" >> batches_of()
        return batches | "Count" >> beam.Map(counted).with_output_types(Extracts)


def source_of(context: Context, *, everything: bool = False) -> Source:
    """Which files and columns to read."""
    source = _described(context)
    if not everything:
        return _narrowed(source, context)
    return replace(source, raw=_narrowed(source, context).raw) if source.format in TENSORFLOW_FORMATS else source


def _described(context: Context) -> Source:
    """The source as the plan describes it, whoever needs what of it."""
    inputs = context.plan.inputs
    return Source(
        format=inputs["format"],
        files=tuple(inputs["files"]),
        columns=_named(inputs.get("columns")),
        batch_rows=inputs.get("batch_rows"),
        on_bad_rows=context.plan.on_bad_rows,
        options=inputs.get("options", {}),
    )


def input_files(context: Context) -> tuple[str, ...]:
    """The files that the plan reads, by name."""
    main, settings = _described(context), context.plan.inputs.get("join")
    sources = (main,) if settings is None else (main, join_as_described(main, settings, None).second)
    return tuple(file for source in sources for split in splits(source) for file in split.files)


def with_files_named(context: Context) -> Context:
    """The same with its input files by name, so that a file that comes later is not read."""
    inputs, main = context.plan.inputs, _described(context)
    named = {**inputs, "files": list(listing.find(main.files))}
    if inputs.get("join"):
        second = join_as_described(main, inputs["join"], None).second
        named["join"] = {**inputs["join"], "files": list(listing.find(second.files, f"{second.place}.files"))}
    return replace(context, plan=replace(context.plan, inputs=named))


def wanted_of(context: Context, stage: Stage) -> Callable[[tuple[str, ...]], bool] | None:
    """Which columns of a checkpoint an evaluator reads; None for all, where nobody can tell."""
    if stage.name != METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME:
        return None
    columns = {column for metric in metrics_of(context.eval_config) for column in metric.stream.columns}
    return partial(_is_wanted, columns=frozenset(columns))


def _is_wanted(path: tuple[str, ...], columns: frozenset[str]) -> bool:
    return path[0] not in (FEATURES_KEY, INPUT_KEY, TEXTS_KEY) or (len(path) > 1 and path[1] in columns)


def _narrowed(source: Source, context: Context) -> Source:
    stages = context.plan.stages
    tables = any(stage.name == ANALYSIS_TABLE_EVALUATOR_STAGE_NAME for stage in stages)
    own = any("factory" in stage.settings for stage in stages)
    found = narrowed(source, context.eval_config, context.models, everything=tables, own=own)
    return replace(found, dictionary=()) if own else found  # own stages see columns as a checkpoint holds them


def join_of(context: Context, *, everything: bool = False) -> Join | None:
    """What is joined to the rows of the main source, if anything."""
    inputs, settings = context.plan.inputs, context.plan.inputs.get("join")
    if settings is None:
        return None
    main = source_of(context, everything=everything)
    wanted = None if everything else _narrowed(replace(main, columns=None), context).columns
    return join_as_described(replace(main, columns=_named(inputs.get("columns"))), settings, wanted)


def _named(columns: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if columns is None else tuple(columns)


def check_models(context: Context) -> None:
    """Raises ModelError if a model is missing or of another kind; no framework is loaded."""
    for ref in context.models:
        models.check(ref)


def check_inputs(context: Context, *, everything: bool = False) -> None:
    """Checks, before any work, that models, files and columns are there.

    Args:
        context: of the plan.
        everything: as in `reader_of`; models whose framework is not installed are not asked for their columns.

    Raises:
        ModelError: a model is missing or of another kind.
        MissingFileError: a file is missing.
        MissingColumnError: a column that the eval config or a model needs is missing.
    """
    check_models(context)
    known = [ref for ref in context.models if not everything or models.is_installed(ref)]
    if "factory" in context.plan.inputs:
        for ref in known:
            models.needs(ref)  # its columns are the reader's affair, but a model that is refused is refused here
        return
    join, needed = join_of(context, everything=everything), needed_columns(context.eval_config, known)
    added = {key for stage in context.plan.of_kind(plans.EXTRACT) if "factory" in stage.settings for key in stage.adds}
    if "features" in added:  # a stage of the user's own may add the columns that are missing here
        needed = {}
    if join is not None:
        check_join(join, needed)
    else:
        check_columns(source_of(context, everything=everything), needed)


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


def _custom(stage: Stage, kind: type[Any], secrets: Collection[str]) -> Any:
    """A stage of the user's own: what its factory makes, held to what the plan says of it."""
    made = _made(stage.settings, f"stage {stage.name!r}", secrets)
    transform = _transform(made, stage, kind)
    return kind(stage.name, per_row(transform) if stage.settings.get("per_row") else transform)


def _custom_evaluator(stage: Stage, secrets: Collection[str]) -> Evaluator:
    made = _made(stage.settings, f"stage {stage.name!r}", secrets)
    transform = _transform(made, stage, Evaluator)
    if isinstance(made, Evaluator) and made.run_after != stage.run_after:
        raise ConfigError(
            f"stage {stage.name!r}: run_after is {stage.run_after!r} in the plan, and {made.run_after!r} "
            f"in {stage.settings['factory']}"
        )
    transform = per_row(transform) if stage.settings.get("per_row") else transform
    return Evaluator(stage.name, stage.run_after, _Declared(transform, stage))


def _transform(made: Any, stage: Stage, kind: type[Any]) -> Any:
    if isinstance(made, kind):
        if made.stage_name != stage.name:
            raise ConfigError(f"stage {stage.name!r}: {stage.settings['factory']} calls itself {made.stage_name!r}")
        return made.ptransform
    if isinstance(made, beam.PTransform) or (callable(made) and stage.settings.get("per_row")):
        return made
    raise ConfigError(
        f"stage {stage.name!r}: {stage.settings['factory']} gave a {type(made).__name__}; "
        f"expected {'an' if kind.__name__[0] == 'E' else 'a'} {kind.__name__} or a PTransform"
    )


class _Declared(beam.PTransform):
    """An evaluator of the user's own that has to have the outputs which the plan states."""

    def __init__(self, transform: beam.PTransform, stage: Stage) -> None:
        super().__init__()
        self._transform, self._name, self._outputs = transform, stage.name, stage.outputs

    def expand(self, extracts: beam.PCollection[Extracts]) -> Any:
        evaluation = extracts | self._transform
        if not isinstance(evaluation, Mapping) or set(evaluation) != set(self._outputs):
            found = sorted(evaluation) if isinstance(evaluation, Mapping) else type(evaluation).__name__
            raise ConfigError(
                f"stage {self._name!r}: outputs are {sorted(self._outputs)} in the plan, and {found} in fact"
            )
        return evaluation


def _made(settings: Mapping[str, Any], where: str, secrets: Collection[str]) -> Any:
    """Calls a factory `package.module:function` with its args, secret parameters filled in."""
    factory = settings["factory"]
    module, _, name = factory.partition(":")
    try:
        function = getattr(import_module(module), name)
    except ImportError as error:
        raise ConfigError(f"{where}: factory {factory!r} cannot be imported: {error}") from error
    except AttributeError as error:
        raise ConfigError(f"{where}: module {module!r} has no {name!r}") from error
    try:
        return function(**revealed(settings.get("args", {}), secrets))
    except TypeError as error:
        raise ConfigError(
            f"{where}: factory {factory!r} cannot take {dict(settings.get('args', {}))}: {error}"
        ) from error


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
