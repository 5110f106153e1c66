"""Evaluation from Python: of files, with custom stages if needed, or of data in memory."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TextIO, TypeVar

from apache_beam.options.pipeline_options import PipelineOptions

from assay.config.baselines import check_models, check_names_of_models, check_names_of_specs, has_baseline_model
from assay.config.resolved import check_eval_config, columns_of, parse_eval_config, resolve_eval_config
from assay.engine.workers.options import machine_flags
from assay.errors import ConfigError, MissingColumnError, ResultsError
from assay.metrics.binding.bound import metrics_of
from assay.metrics.binding.label_keys import refuse_no_labels
from assay.models.model import ModelRef
from assay.notebook.eval_result import EvalResult, load_eval_result
from assay.plan.analysis_file import read_join, read_source
from assay.plan.default_metrics import leaves_metrics_to
from assay.plan.plan import MOST_SLICES, Plan
from assay.plan.relative_paths import absolute
from assay.proto.config_pb2 import EvalConfig, ModelSpec
from assay.readers.arrow import ReadBatches, from_data, names_in
from assay.readers.needed import needs_of, with_searched
from assay.run.context import InMemory
from assay.run.local import run_tasks
from assay.run.output import check_output
from assay.run.plan_in_memory import plan_in_memory
from assay.run.settings import RunSettings, refuse_ignored, run_settings
from assay.storage.file_paths import FilePath, path_text, path_texts
from assay.types import FEATURES_KEY, TFRECORD, Evaluator, Extractor, Writer

Config = EvalConfig | Mapping[str, Any] | str
"""An EvalConfig as message, as dict, or as JSON or protobuf text."""

_Stage = TypeVar("_Stage", Extractor, Evaluator, Writer)


def run_model_analysis(
    eval_config: Config,
    *,
    data_location: FilePath | Sequence[FilePath],
    file_format: str = "tfrecord",
    columns: list[str] | None = None,
    batch_rows: int | None = None,
    options: Mapping[str, Any] | None = None,
    join: Mapping[str, Any] | None = None,
    models: Sequence[ModelRef] = (),
    output_path: FilePath | None = None,
    params: Mapping[str, Any] | None = None,
    on_bad_rows: str = "fail",
    max_bad_rows: float | str = 0.0,
    min_rows: int = 1,
    rubber_stamp: bool = False,
    seed: int = 0,
    max_slices: int = MOST_SLICES,
    output_file_format: str = TFRECORD,
    gate: Mapping[str, Any] | None = None,
    find_slices: Mapping[str, Any] | None = None,
    extractors: Sequence[Extractor] | None = None,
    evaluators: Sequence[Evaluator] | None = None,
    writers: Sequence[Writer] | None = None,
    pipeline_options: PipelineOptions | None = None,
    checkpoints: FilePath | None = None,
    workers: int | None = None,
    progress: TextIO | None = None,
) -> EvalResult:
    """Evaluates files and writes the results, including the verdict.

    Args:
        eval_config: what to compute.
        data_location: files, folders or globs.
        file_format: "tfrecord" (of tf.Example), "csv", "parquet" or "jsonl".
        columns: the columns to read; None for all that are needed.
        batch_rows: rows of a batch; None leaves it to the format.
        options: options of the format, such as {"delimiter": ";"}; see `assay.Source`.
        join: a second source whose columns are added by key, such as labels that arrive later, as `inputs.join` of an
            analysis file: {"files": "labels/*.csv", "format": "csv", "on": ["id"], "max_unmatched": "1%"}. Rows without
            a match are left out, and counted in the verdict.
        models: the models to run; none if the predictions are columns of the data.
        output_path: folder below which the results get their own folder. None: a temporary folder, which exists as long
            as the returned results. Custom writers choose their own place; what an earlier call left in this folder is
            deleted.
        params: parameter -> value, for each `${name}` in the eval config, in paths and in arguments of models. A secret
            parameter, by its name or as {"secret": True, "default": value}, is allowed only in arguments of models; if
            it is None, its value comes from the environment variable ASSAY_PARAM_NAME.
        on_bad_rows: "fail", or "skip": leave out rows that cannot be read or that no metric can use, and count them.
            For custom evaluators, set `MetricsAndPlotsEvaluator(skip_bad_rows=True)` instead.
        max_bad_rows: share of bad rows, such as 0.01 or "1%", above which the verdict is NOT_EVALUATED.
        min_rows: number of good rows below which the verdict is NOT_EVALUATED.
        rubber_stamp: do not check change thresholds if there is no baseline, as for a first model.
        seed: seed of the resampling for confidence intervals; custom evaluators have their own.
        max_slices: most slices that one slicing spec may form; more are an error. Custom evaluators have their own.
        output_file_format: of metrics, plots, attributions and validations: "tfrecord", or "parquet", which takes a
            quarter of the space if there are plots of many slices. Custom writers have their own.
        gate: thresholds that ask for evidence, as `gate` of an analysis file; see `docs/gate.md`.
        find_slices: search for slices where the model does worst, with settings as in an analysis file; {} for the
            defaults. Not together with custom evaluators or writers.
        extractors: instead of `default_extractors(...)`.
        evaluators: instead of `default_evaluators(...)`.
        writers: instead of `default_writers(...)`.
        pipeline_options: options of Beam; if they name no runner, the in-memory runner of this process is used.
        checkpoints: folder or `gs://` URI where each stage writes a checkpoint, and reuses one that exists. Not
            together with custom stages, pipeline options or secret parameters.
        workers: most processes that share a large input, see `docs/operations.md`; the results do not depend on it.
            None: one for each core; with models or custom stages, which may rely on what this process has imported
            or registered, no process but this one. Not together with pipeline options.
        progress: where to show rows, rows/s and stage while it runs, such as `sys.stderr`; None shows nothing.

    Returns:
        The results as they were written; empty if custom writers write none. With several models, the candidate's.

    Raises:
        UsageError: config, settings, files, join, columns, models or stages are wrong; raised before any work if
            possible.
    """
    settings = run_settings(
        params=params,
        on_bad_rows=on_bad_rows,
        max_bad_rows=max_bad_rows,
        min_rows=min_rows,
        rubber_stamp=rubber_stamp or any(model.rubber_stamp for model in models),
        seed=seed,
        max_slices=max_slices,
        output_file_format=output_file_format,
        gate=gate,
        find_slices=find_slices,
    )
    refuse_ignored(settings, evaluators, writers)
    files = list(settings.filled(path_texts(data_location, "data_location"), "data_location"))
    described = {
        "format": file_format,
        "files": files,
        "columns": columns,
        "batch_rows": batch_rows,
        "options": options,
    }
    inputs = read_source(described)
    if join is not None:
        inputs["join"] = settings.filled(read_join(_with_texts(join), file_format), "inputs.join")
    filled = tuple(_filled_model(model, settings) for model in models)
    parsed = settings.filled_config(parse_eval_config(eval_config))
    check_names_of_specs(parsed)
    check_names_of_models([model.name for model in filled])
    has_baseline = has_baseline_model(parsed, {model.name: model.baseline for model in filled})
    config = _resolved(parsed, has_baseline, settings.rubber_stamp, filled, adds_labels=extractors is not None)
    _check_models(config, filled)

    in_memory = InMemory(models=filled, extractors=_own(extractors), evaluators=_own(evaluators), writers=_own(writers))
    root = None if checkpoints is None else _root(checkpoints, in_memory, settings, pipeline_options)
    relies_on_process = bool(models) or _has_own_stages(in_memory) or _is_of_main(config)
    if workers is None and relies_on_process and root is None and pipeline_options is None:
        workers = 1
    flags = machine_flags(workers, pipeline_options)
    output = _output(output_path, settings)
    with _folder_of_results(output) as folder:
        named = [replace(model, uri=ref.uri) for model, ref in zip(models, filled, strict=True)]
        plan = plan_in_memory(config, inputs, folder, settings, named, in_memory)
        if root is None:
            result = _run(plan, in_memory, pipeline_options or flags, config, progress)
        else:
            results = run_tasks(absolute(plan, os.getcwd()), checkpoints=root, progress=progress, options=flags)
            result = load_eval_result(results[-1].output, model_name=_candidate(config))
    return result if output else _kept_with(result, folder)


def _root(checkpoints: FilePath, in_memory: InMemory, settings: RunSettings, options: PipelineOptions | None) -> str:
    """Where checkpoints lie. What they are made of must have a name, by which another process finds it."""
    own = {
        "extractors": in_memory.extractors,
        "evaluators": in_memory.evaluators,
        "writers": in_memory.writers,
        "pipeline_options": options,
    }
    for name, value in own.items():
        if value is not None:
            raise ConfigError(
                f"{name}: cannot be combined with checkpoints; name factories of stages in an analysis file"
            )
    if settings.secrets:
        raise ConfigError(f"params: {settings.secrets[0]} is secret, and cannot be combined with checkpoints")
    return str(settings.filled(path_text(checkpoints, "checkpoints"), "checkpoints"))


def analyze_raw_data(
    data: Any,
    eval_config: Config,
    output_path: FilePath | None = None,
    *,
    params: Mapping[str, Any] | None = None,
    on_bad_rows: str = "fail",
    max_bad_rows: float | str = 0.0,
    min_rows: int = 1,
    rubber_stamp: bool = False,
    seed: int = 0,
    max_slices: int = MOST_SLICES,
    output_file_format: str = TFRECORD,
    gate: Mapping[str, Any] | None = None,
    find_slices: Mapping[str, Any] | None = None,
    extractors: Sequence[Extractor] | None = None,
    evaluators: Sequence[Evaluator] | None = None,
    writers: Sequence[Writer] | None = None,
    workers: int | None = None,
    progress: TextIO | None = None,
) -> EvalResult:
    """Evaluates rows in memory that have their predictions in a column.

    Two model specs with a `prediction_key` each, one of them `is_baseline`, compare two columns; no model is needed.

    Args:
        data: a pandas frame (cells can be arrays), a polars frame or any other object with an Arrow stream, an Arrow
            table, or a list of dicts (values can be missing).
        eval_config: what to compute. Without model specs, the columns are `label` and `prediction`.
        output_path: as for `run_model_analysis`.
        params: parameter -> value, for each `${name}` in the eval config and in `output_path`; no secrets, because
            these values are stored.
        on_bad_rows: "fail", or "skip": leave out rows that no metric can use, and count them. For custom evaluators,
            set `MetricsAndPlotsEvaluator(skip_bad_rows=True)` instead.
        max_bad_rows: share of bad rows, such as 0.01 or "1%", above which the verdict is NOT_EVALUATED.
        min_rows: number of good rows below which the verdict is NOT_EVALUATED.
        rubber_stamp: do not check change thresholds if there is no baseline, as for a first model.
        seed: seed of the resampling for confidence intervals; custom evaluators have their own.
        max_slices: most slices that one slicing spec may form; more are an error. Custom evaluators have their own.
        output_file_format: as for `run_model_analysis`.
        gate: as for `run_model_analysis`.
        find_slices: as for `run_model_analysis`.
        extractors: instead of `default_extractors(...)`.
        evaluators: instead of `default_evaluators(...)`.
        writers: instead of `default_writers(...)`.
        workers: most processes that share a table of millions of rows; the results do not depend on it. They are forks
            of this process, and start only where that is safe: not in a notebook or beside other threads, TensorFlow
            or PyTorch. None: one for each core.
        progress: as for `run_model_analysis`.

    Returns:
        The results, with the verdict; empty if custom writers write none. With several models, those of the candidate.

    Raises:
        UsageError: config, settings, columns or values are wrong.
    """
    settings = run_settings(
        params=params,
        on_bad_rows=on_bad_rows,
        max_bad_rows=max_bad_rows,
        min_rows=min_rows,
        rubber_stamp=rubber_stamp,
        seed=seed,
        max_slices=max_slices,
        output_file_format=output_file_format,
        gate=gate,
        find_slices=find_slices,
    )
    refuse_ignored(settings, evaluators, writers)
    config = settings.filled_config(parse_eval_config(eval_config))
    if not config.model_specs:
        config.model_specs.append(ModelSpec(label_key="label", prediction_key="prediction"))
    config = _resolved(config, None, settings.rubber_stamp, (), adds_labels=extractors is not None)

    # Stages of the caller's own may read any column.
    is_default = extractors is None and evaluators is None and writers is None
    needs = needs_of(config, ()) if find_slices is None else with_searched(needs_of(config, ()), settings.searched)
    batches = from_data(data, needed=needs.columns if is_default and not needs.any_column else None)
    if extractors is None:
        _check_columns(config, batches[0][FEATURES_KEY], data)

    in_memory = InMemory(
        ReadBatches(batches), (), extractors=_own(extractors), evaluators=_own(evaluators), writers=_own(writers)
    )
    output = _output(output_path, settings)
    with _folder_of_results(output) as folder:
        plan = plan_in_memory(config, {}, folder, settings, (), in_memory)
        result = _run(plan, in_memory, machine_flags(workers), config, progress)
    return result if output else _kept_with(result, folder)


def _has_own_stages(in_memory: InMemory) -> bool:
    return any(stages is not None for stages in (in_memory.extractors, in_memory.evaluators, in_memory.writers))


def _is_of_main(config: EvalConfig) -> bool:
    """Whether a metric is of the program or notebook that calls, which other processes do not have."""
    return any(metric.module == "__main__" for spec in config.metrics_specs for metric in spec.metrics)


def _own(stages: Sequence[_Stage] | None) -> tuple[_Stage, ...] | None:
    return None if stages is None else tuple(stages)


def _output(output_path: FilePath | None, settings: RunSettings) -> str:
    """The folder of the results; "" if none is named."""
    if output_path is None:
        return ""
    output = str(settings.filled(path_text(output_path, "output_path"), "output_path"))
    if not output:
        raise ConfigError("output_path: expected a folder, found ''; None is a temporary one")
    check_output(output, "output_path")
    return output


@contextmanager
def _folder_of_results(output: str) -> Iterator[str]:
    """The folder named, or a temporary one, which does not outlive an error."""
    folder = output or tempfile.mkdtemp(prefix="assay-")
    try:
        yield folder
    except BaseException:
        if not output:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _kept_with(result: EvalResult, folder: str) -> EvalResult:
    """The results, with which their temporary folder goes."""
    weakref.finalize(result, shutil.rmtree, folder, ignore_errors=True)
    return result


def _with_texts(join: Any) -> Any:
    """A description of a second source, its paths as text."""
    if not isinstance(join, Mapping) or join.get("files") is None:
        return join
    return {**join, "files": list(path_texts(join["files"], "inputs.join.files"))}


def _filled_model(model: ModelRef, settings: RunSettings) -> ModelRef:
    field = f"model {model.name!r}"
    uri, args = settings.filled(model.uri, f"{field}: uri"), settings.filled_args(model.args, f"{field}: args")
    return replace(model, uri=uri, args=args)


def _resolved(
    config: EvalConfig, has_baseline: bool | None, rubber_stamp: bool, models: Sequence[ModelRef], *, adds_labels: bool
) -> EvalConfig:
    resolved = resolve_eval_config(config, has_baseline_model=has_baseline, rubber_stamp=rubber_stamp)
    check_eval_config(resolved)
    if leaves_metrics_to((model.type for model in models), resolved):
        return resolved
    metrics_of(resolved)  # an unknown metric is told before any work
    if not adds_labels:
        refuse_no_labels(resolved)
    return resolved


def _check_models(config: EvalConfig, models: Sequence[ModelRef]) -> None:
    """Checks several models and their specs; one of each belong together, whatever their names."""
    if models and max(len(models), len(config.model_specs)) > 1:
        specs = {spec.name: spec.is_baseline for spec in config.model_specs}
        check_models({model.name: model.baseline for model in models}, specs)


def _check_columns(config: EvalConfig, columns: Mapping[str, Any], data: Any) -> None:
    for column, who in columns_of(config).items():
        if column not in columns:
            in_index = column in getattr(getattr(data, "index", None), "names", ())
            cure = "; it is the index of the frame: call reset_index()" if in_index else ""
            raise MissingColumnError(
                f"the data has no column {column!r}, which {who} needs; it has {names_in(data)}{cure}"
            )


def _run(
    plan: Plan,
    in_memory: InMemory,
    options: PipelineOptions | Sequence[str],
    config: EvalConfig,
    progress: TextIO | None,
) -> EvalResult:
    """Runs a plan and opens its results; writers of the user's own need not have written any that can be opened."""
    (result,) = run_tasks(plan, progress=progress, options=options, in_memory=in_memory)
    try:
        return load_eval_result(result.output, model_name=_candidate(config))
    except ResultsError:
        if in_memory.writers is None:
            raise
        return EvalResult((), (), (), config)


def _candidate(config: EvalConfig) -> str | None:
    """Name of the first model that is not the baseline, where there are several."""
    names = [spec.name for spec in config.model_specs if not spec.is_baseline]
    return names[0] if len(config.model_specs) > 1 else None
