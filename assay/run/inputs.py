"""What a plan reads: its files and columns, and whether all of them are there. Without Beam."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from assay.models import model as models
from assay.plan import plan as plans
from assay.plan.known import TENSORFLOW_FORMATS
from assay.plan.plan import Stage
from assay.readers import listing
from assay.readers.join import Join, check_join, join_as_described
from assay.readers.needed import narrowed, needs_of
from assay.readers.source import Source, check_columns, splits
from assay.run.context import Context
from assay.slicing.specs import slicings_of
from assay.types import (
    ANALYSIS_TABLE_EVALUATOR_STAGE_NAME,
    FEATURES_KEY,
    FIND_SLICES_EVALUATOR_STAGE_NAME,
    INPUT_KEY,
    METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME,
    TEXTS_KEY,
    TRANSFORMED_FEATURES_KEY,
)


def source_of(context: Context, *, everything: bool = False) -> Source:
    """Which files and columns to read."""
    source = _described(context)
    if not everything:
        return _narrowed(source, context)
    return replace(source, raw=context.needs.raw) if source.format in TENSORFLOW_FORMATS else source


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
        named["join"] = {**inputs["join"], "files": list(listing.find(second.files, f"{second.key_path}.files"))}
    return replace(context, plan=replace(context.plan, inputs=named))


def wanted_of(context: Context, stage: Stage) -> Callable[[tuple[str, ...]], bool] | None:
    """Which columns of a checkpoint an evaluator reads; None for all, where nobody can tell."""
    if stage.name == FIND_SLICES_EVALUATOR_STAGE_NAME:
        return _wanted_of_search(context, stage)
    if stage.name != METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME:
        return None
    return partial(_is_wanted, columns=_columns_of_metrics(context))


def _columns_of_metrics(context: Context) -> frozenset[str]:
    columns = {column for metric in context.metrics for column in metric.stream.columns}
    return frozenset({*columns, context.eval_config.options.confidence_intervals.resample_by})


def _is_wanted(path: tuple[str, ...], columns: frozenset[str]) -> bool:
    unread = (FEATURES_KEY, TRANSFORMED_FEATURES_KEY, INPUT_KEY, TEXTS_KEY)
    return path[0] not in unread or (len(path) > 1 and path[1] in columns)


def _wanted_of_search(context: Context, stage: Stage) -> Callable[[tuple[str, ...]], bool]:
    """Features, and what the file has for them; also what metrics read, and where small slices are hidden, slices."""
    features, has_metrics = frozenset(stage.settings["features"]), stage.settings["metrics"]
    hides = context.plan.min_slice_size > 1
    columns = _columns_of_metrics(context) if has_metrics or hides else frozenset[str]()
    if hides:
        columns |= {column for slicing in slicings_of(context.eval_config) for column in slicing.columns}
    kept = (FEATURES_KEY, TEXTS_KEY) if has_metrics else (FEATURES_KEY,)
    return partial(_is_searched, features=features, kept=kept, columns=columns)


def _is_searched(
    path: tuple[str, ...], features: frozenset[str], kept: tuple[str, ...], columns: frozenset[str]
) -> bool:
    if path[0] in kept and (not features or (len(path) > 1 and path[1] in features)):
        return True
    return _is_wanted(path, columns)


def _narrowed(source: Source, context: Context) -> Source:
    tables = any(stage.name == ANALYSIS_TABLE_EVALUATOR_STAGE_NAME for stage in context.plan.stages)
    own = context.has_own_stages
    needed = narrowed(source, context.needs, shows_all=tables or own)
    if context.finder is not None and context.finder.settings["metrics"]:
        needed = replace(needed, shown=None)  # slices are by what the file has for their features, whichever are found
    return replace(needed, dictionary=()) if own else needed  # own stages see columns as a checkpoint holds them


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
    if "factory" in context.plan.inputs or context.in_memory.reader is not None:
        for ref in known:
            models.needs(ref)  # its columns are the reader's affair, but a model that is refused is refused here
        return
    join = join_of(context, everything=everything)
    are_all = len(known) == len(context.models)
    needs = context.needs if are_all else needs_of(context.eval_config, known, own_metrics=context.own_metrics)
    needed = needs.columns
    added = {key for stage in context.plan.of_kind(plans.EXTRACT) if "factory" in stage.settings for key in stage.adds}
    if "features" in added or context.in_memory.extractors is not None:  # which may add the columns missing here
        needed = {}
    if join is not None:
        check_join(join, needed)
    else:
        check_columns(source_of(context, everything=everything), needed)
