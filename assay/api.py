"""Evaluation from Python: of files with stages of one's own, or of data in memory."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.options.pipeline_options import PipelineOptions

from assay import storage
from assay.config.resolved import check_eval_config, columns_of, parse_eval_config, resolve_eval_config
from assay.engine.runner import run_pipeline
from assay.errors import ConfigError, InputError, MissingColumnError, ResultsError
from assay.gate import validate as gate
from assay.gate.validate import Counts, Limits
from assay.metrics.binding.bound import metrics_of
from assay.models import model as model_files
from assay.models.configured import as_configured
from assay.models.model import ModelRef
from assay.plan.analysis_file import read_join, read_source
from assay.plan.plan import MOST_SLICES
from assay.proto.config_pb2 import EvalConfig, ModelSpec
from assay.readers.arrow import ReadBatches, from_arrow, from_pandas, from_rows, names_in
from assay.readers.join import ReadJoined, check_join, join_as_described
from assay.readers.needed import narrowed, needs_of
from assay.readers.read_inputs import ReadInputs
from assay.readers.source import Source, check_columns
from assay.results.eval_result import EvalResult, load_eval_result
from assay.results.files import load_metrics, load_validation_result
from assay.results.latest import VERDICT_FILE, Latest, check_no_runs, move_latest, new_run
from assay.run.defaults import default_evaluators, default_extractors, default_writers
from assay.run.pipeline import ExtractEvaluateAndWriteResults, check_stages
from assay.run.publishing import check_output, removed_on_failure, withdraw
from assay.run.settings import RunSettings, run_settings
from assay.storage.file_paths import FilePath, path_text, path_texts
from assay.types import FEATURES_KEY, Evaluator, Extractor, Extracts, Writer
from assay.writers.files import path_in, write_file

Config = EvalConfig | Mapping[str, Any] | str
"""An EvalConfig as message, as dict, or as JSON or protobuf text."""


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
    extractors: Sequence[Extractor] | None = None,
    evaluators: Sequence[Evaluator] | None = None,
    writers: Sequence[Writer] | None = None,
    pipeline_options: PipelineOptions | None = None,
) -> EvalResult:
    """Evaluates the rows of files and writes the results, the verdict included.

    Args:
        eval_config: what to compute.
        data_location: file names or globs.
        file_format: "tfrecord" (of tf.Example), "csv", "parquet" or "jsonl".
        columns: the columns to read; None for all that are needed.
        batch_rows: rows of a batch; None leaves it to the format.
        options: of the format, such as {"delimiter": ";"}; see `assay.Source`.
        join: a second source whose columns are added by key, such as labels that arrive later, as `inputs.join` of an
            analysis file: {"files": "labels/*.csv", "format": "csv", "on": ["id"], "max_unmatched": "1%"}. Rows without
            a partner are left out, and counted in the verdict.
        models: the models to run; none if the predictions are columns of the data.
        output_path: below it the results get a folder of their own, and the latest is opened; a new temporary folder if
            None. Writers of your own write where you tell them, and what an earlier call left in this folder goes.
        params: parameter -> value, for each `${name}` in the eval config, in places and in arguments of models.
            One that is secret, by its name or as {"secret": True, "default": value}, can stand in arguments of models
            only; if it is None, its value comes from the environment, as ASSAY_PARAM_NAME.
        on_bad_rows: "fail", or "skip": leave out rows that cannot be read or that no metric can take, and count them.
            For evaluators of your own, `MetricsAndPlotsEvaluator(skip_bad_rows=True)` says the latter.
        max_bad_rows: share of bad rows, such as 0.01 or "1%", above which the verdict is NOT_EVALUATED.
        min_rows: number of good rows below which the verdict is NOT_EVALUATED.
        rubber_stamp: leave out change thresholds if there is no baseline, as for a first model.
        seed: of the resamples behind confidence intervals; evaluators of your own have theirs.
        max_slices: slices that one slicing spec may make; more are an error. Evaluators of your own have theirs.
        extractors: in place of `default_extractors(...)`.
        evaluators: in place of `default_evaluators(...)`.
        writers: in place of `default_writers(...)`.
        pipeline_options: Beam's; without a runner among them, the in-memory runner of this process is used.

    Returns:
        The results, as they were written; empty if your own writers write none. With several models, the candidate's.

    Raises:
        UsageError: config, settings, files, join, columns, models or stages are wrong; told before any work where that
            can be.
    """
    settings = run_settings(
        params=params,
        on_bad_rows=on_bad_rows,
        max_bad_rows=max_bad_rows,
        min_rows=min_rows,
        rubber_stamp=rubber_stamp or any(model.rubber_stamp for model in models),
        seed=seed,
        max_slices=max_slices,
    )
    _check_seed(settings, evaluators)
    files = list(settings.filled(path_texts(data_location, "data_location"), "data_location"))
    inputs = {"format": file_format, "files": files, "columns": columns, "batch_rows": batch_rows, "options": options}
    described = read_source(inputs)
    second = None if join is None else settings.filled(read_join(_with_texts(join), file_format), "inputs.join")
    filled = [_filled_model(model, settings) for model in models]
    has_baseline = any(model.baseline for model in filled) if filled else None
    config = _resolved(settings.filled_config(parse_eval_config(eval_config)), has_baseline, settings.rubber_stamp)

    # All that can be known to be wrong is told before any work.
    custom = extractors is not None or evaluators is not None
    models = as_configured(filled, config)
    for model in models:
        model_files.check(model)
    needs = needs_of(config, models)
    source = narrowed(Source(**described, on_bad_rows=settings.on_bad_rows), needs, shows_all=custom)
    reader = _reader(source, second, needs.columns if extractors is None else {})

    output = _output(output_path, settings) or tempfile.mkdtemp(prefix="assay-")
    results = _Results(output, config, has_own_writers=writers is not None)
    default = default_writers(
        results.folder,
        config,
        data_location=", ".join(files),
        file_format=file_format,
        model_locations={model.name: model.uri for model in models},
    )
    analysis = _analysis(
        config,
        _default_extractors(config, models, settings) if extractors is None else extractors,
        _default_evaluators(config, settings) if evaluators is None else evaluators,
        default if writers is None else writers,
        rubber_stamp=settings.rubber_stamp,
    )
    limits = settings.limits(second["max_unmatched"] if second else 1.0)
    return _run(reader, analysis, results, limits, pipeline_options or ())


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
    extractors: Sequence[Extractor] | None = None,
    evaluators: Sequence[Evaluator] | None = None,
    writers: Sequence[Writer] | None = None,
) -> EvalResult:
    """Evaluates rows in memory, whose predictions are among their columns.

    Two model specs with a `prediction_key` each, one of them `is_baseline`, compare two columns; no model is needed.

    Args:
        data: an Arrow table, a pandas frame (cells may be arrays), or a list of dicts (values may be missing).
        eval_config: what to compute. Without model specs, the columns are `label` and `prediction`.
        output_path: as for `run_model_analysis`; a temporary folder, gone after the call, if None.
        params: parameter -> value, for each `${name}` in the eval config and in `output_path`; none that is secret,
            as these are kept.
        on_bad_rows: "fail", or "skip": leave out rows that no metric can take, and count them. For evaluators of your
            own, `MetricsAndPlotsEvaluator(skip_bad_rows=True)` says so.
        max_bad_rows: share of bad rows, such as 0.01 or "1%", above which the verdict is NOT_EVALUATED.
        min_rows: number of good rows below which the verdict is NOT_EVALUATED.
        rubber_stamp: leave out change thresholds if there is no baseline, as for a first model.
        seed: of the resamples behind confidence intervals; evaluators of your own have theirs.
        max_slices: slices that one slicing spec may make; more are an error. Evaluators of your own have theirs.
        extractors: in place of `default_extractors(...)`.
        evaluators: in place of `default_evaluators(...)`.
        writers: in place of `default_writers(...)`.

    Returns:
        The results, with the verdict; empty if your own writers write none. With several models, those of the
        candidate.

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
    )
    _check_seed(settings, evaluators)
    config = settings.filled_config(parse_eval_config(eval_config))
    if not config.model_specs:
        config.model_specs.append(ModelSpec(label_key="label", prediction_key="prediction"))
    config = _resolved(config, None, settings.rubber_stamp)
    is_default = extractors is None and evaluators is None and writers is None
    batches = _batches(data, needs_of(config, ()).columns if is_default else None)
    if extractors is None:
        _check_columns(config, batches[0][FEATURES_KEY], data)
    with tempfile.TemporaryDirectory(prefix="assay-") as temporary:
        results = _Results(_output(output_path, settings) or temporary, config, has_own_writers=writers is not None)
        analysis = _analysis(
            config,
            default_extractors(config) if extractors is None else extractors,
            _default_evaluators(config, settings) if evaluators is None else evaluators,
            default_writers(results.folder, config) if writers is None else writers,
            rubber_stamp=settings.rubber_stamp,
        )
        return _run(ReadBatches(batches), analysis, results, settings.limits())


def _default_extractors(config: EvalConfig, models: Sequence[ModelRef], settings: RunSettings) -> list[Extractor]:
    return default_extractors(config, models, skip_bad_rows=settings.skips_bad_rows)


def _default_evaluators(config: EvalConfig, settings: RunSettings) -> list[Evaluator]:
    return default_evaluators(
        config, skip_bad_rows=settings.skips_bad_rows, seed=settings.seed, max_slices=settings.max_slices
    )


def _check_seed(settings: RunSettings, evaluators: Sequence[Evaluator] | None) -> None:
    """Evaluators that somebody made have a seed already; another one beside it would be ignored."""
    if settings.seed and evaluators is not None:
        raise ConfigError(
            f"seed: expected none beside evaluators, which have their own, found {settings.seed}; "
            "give it to MetricsAndPlotsEvaluator(..., seed=...)"
        )


def _output(output_path: FilePath | None, settings: RunSettings) -> str:
    """The folder of the results; "" if none is named."""
    if output_path is None:
        return ""
    output = str(settings.filled(path_text(output_path, "output_path"), "output_path"))
    if output:
        check_output(output)
    return output


def _with_texts(join: Any) -> Any:
    """A description of a second source, its paths as text."""
    if not isinstance(join, Mapping) or join.get("files") is None:
        return join
    return {**join, "files": list(path_texts(join["files"], "inputs.join.files"))}


def _filled_model(model: ModelRef, settings: RunSettings) -> ModelRef:
    place = f"model {model.name!r}"
    uri, args = settings.filled(model.uri, f"{place}: uri"), settings.filled_args(model.args, f"{place}: args")
    return replace(model, uri=uri, args=args)


def _resolved(config: EvalConfig, has_baseline: bool | None, rubber_stamp: bool) -> EvalConfig:
    resolved = resolve_eval_config(config, has_baseline_model=has_baseline, rubber_stamp=rubber_stamp)
    check_eval_config(resolved)
    metrics_of(resolved)  # an unknown metric is told before any work
    return resolved


def _reader(source: Source, second: Mapping[str, Any] | None, needed: Mapping[str, str]) -> beam.PTransform:
    """The reader of the source, with the second one joined to it if there is one; files and columns are checked."""
    if second is None:
        check_columns(source, needed)
        return ReadInputs(source)
    join = join_as_described(replace(source, columns=None), second, source.columns)
    check_join(join, needed)
    return ReadJoined(join)


def _analysis(
    config: EvalConfig,
    extractors: Sequence[Extractor],
    evaluators: Sequence[Evaluator],
    writers: Sequence[Writer],
    *,
    rubber_stamp: bool,
) -> beam.PTransform:
    check_stages(extractors, evaluators, writers)
    return ExtractEvaluateAndWriteResults(
        eval_config=config, extractors=extractors, evaluators=evaluators, writers=writers, rubber_stamp=rubber_stamp
    )


def _batches(data: Any, needed: Iterable[str] | None) -> list[Extracts]:
    if isinstance(data, pa.Table):
        return from_arrow(data, needed=needed)
    if hasattr(data, "columns"):
        return from_pandas(data, needed=needed)
    if isinstance(data, Sequence) and all(isinstance(row, Mapping) for row in data):
        return from_rows(data, needed=needed)
    raise InputError(f"data: expected an Arrow table, a pandas frame or a list of dicts, found {type(data).__name__}")


def _check_columns(config: EvalConfig, there: Mapping[str, Any], data: Any) -> None:
    for column, who in columns_of(config).items():
        if column not in there:
            in_index = column in getattr(getattr(data, "index", None), "names", ())
            cure = "; it is the index of the frame: call reset_index()" if in_index else ""
            raise MissingColumnError(
                f"the data has no column {column!r}, which {who} needs; it has {names_in(data)}{cure}"
            )


class _Results:
    """Where the results of a call lie.

    Args:
        output: what the caller named.
        config: a resolved config.
        has_own_writers: whether writers of the caller's own write them, to wherever he told them.
    """

    def __init__(self, output: str, config: EvalConfig, *, has_own_writers: bool) -> None:
        self._config = config
        self._output, self.has_own_writers, self._started = output, has_own_writers, time.time()
        if has_own_writers:
            check_no_runs(output)
        self.folder = output if has_own_writers else storage.join(output, new_run())

    def judge(self, counts: Counts, limits: Limits) -> None:
        """Judges what was written; stages of the user's own need not have left anything that can be judged."""
        told: dict[str, Any] = {}
        with suppress(ResultsError):
            result, config = load_validation_result(self.folder), self._config
            checks = gate.checks_of(load_metrics(self.folder), config, rubber_stamp=result.rubber_stamp)
            verdict = gate.verdict(result, load_metrics(self.folder), counts=counts, limits=limits, checks=checks)
            write_file(path_in(self.folder, VERDICT_FILE), verdict.to_json().encode())
            told = json.loads(verdict.to_json())
        if not self.has_own_writers:
            run = self.folder.rsplit("/", 1)[-1]
            move_latest(self._output, Latest(run=run, started=self._started, verdict=told))

    def opened(self) -> EvalResult:
        """What was written; writers of the user's own need not have written anything that can be opened."""
        try:
            return load_eval_result(self.folder, model_name=_candidate(self._config))
        except ResultsError:
            if self.has_own_writers:
                return EvalResult((), (), (), self._config)
            raise


def _run(
    reader: beam.PTransform, analysis: beam.PTransform, results: _Results, limits: Limits, options: Sequence[str] = ()
) -> EvalResult:
    with removed_on_failure(results.folder, is_named=results.has_own_writers):
        withdraw(results.folder)  # what this call does not write would be judged, and opened, as if it had
        counts = run_pipeline(reader, analysis, options)
        results.judge(counts, limits)
    return results.opened()


def _candidate(config: EvalConfig) -> str | None:
    """Name of the first model that is not the baseline, where there are several."""
    names = [spec.name for spec in config.model_specs if not spec.is_baseline]
    return names[0] if len(config.model_specs) > 1 else None
