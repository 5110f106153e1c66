"""The extractors, evaluators and writers of an evaluation whose author names none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.models.configured import as_configured
from assay.models.model import ModelRef
from assay.models.preprocessing import transforms_features
from assay.plan.known import default_chain, default_writer_names
from assay.plan.plan import MOST_SLICES
from assay.proto.config_pb2 import EvalConfig
from assay.results.latest import check_no_runs
from assay.run.ready_made import EVALUATORS, EXTRACTORS, WRITERS, StageSettings, WriterSettings
from assay.storage.file_paths import FilePath, path_text
from assay.types import METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME, TFRECORD, Evaluator, Extractor, Writer


def default_extractors(
    eval_config: EvalConfig, models: Sequence[ModelRef] = (), *, skip_bad_rows: bool = False
) -> list[Extractor]:
    """Features, labels, example weights, predictions (of the models, or in the data), slice keys.

    After the features come the transformed ones, if a model spec names functions for them.

    Args:
        eval_config: a resolved config.
        models: the models to run; none if the predictions are columns of the data.
        skip_bad_rows: drop and count rows whose values a model cannot take, instead of failing.
    """
    settings = StageSettings(
        eval_config=eval_config, models=as_configured(models, eval_config), skip_bad_rows=skip_bad_rows
    )
    transforms = bool(models) and transforms_features(eval_config)
    return [EXTRACTORS[name](settings) for name in default_chain(has_models=bool(models), transforms=transforms)]


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
    settings = StageSettings(eval_config=eval_config, skip_bad_rows=skip_bad_rows, seed=seed, max_slices=max_slices)
    return [EVALUATORS[METRICS_AND_PLOTS_EVALUATOR_STAGE_NAME](settings)]


def default_writers(
    output_path: FilePath,
    eval_config: EvalConfig,
    *,
    data_location: FilePath = "",
    file_format: str = "",
    model_locations: Mapping[str, str] | None = None,
    output_file_format: str = TFRECORD,
) -> list[Writer]:
    """Metrics, plots and validations, the eval config, and the metrics as a flat table.

    Args:
        output_path: folder of the results; not an output below which runs have folders of their own.
        eval_config: a resolved config.
        data_location: where the data lies, as results tell it.
        file_format: format of the data, as results tell it.
        model_locations: model name -> where it lies, as results tell it.
        output_file_format: "tfrecord" or "parquet", for metrics, plots, attributions and validations.

    Raises:
        ResultsError: runs have folders below it, and who opens it would see the latest of them.
        PipelineError: another format.
    """
    check_no_runs(output_path)
    settings = WriterSettings(
        folder=output_path,
        eval_config=eval_config,
        data_location=path_text(data_location, "data_location"),
        file_format=file_format,
        model_locations=dict(model_locations or {}),
        output_file_format=output_file_format,
    )
    return [WRITERS[name](settings) for name in default_writer_names()]
