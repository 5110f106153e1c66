"""Which columns an evaluation reads: those that its config and models need, or all if that cannot be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from assay.config.resolved import columns_of
from assay.metrics.binding.bound import metrics_of
from assay.metrics.entries.streams import Stream
from assay.models import model as models
from assay.models.model import ModelRef
from assay.models.preprocessing import preprocessing_of, transformed_names
from assay.proto.config_pb2 import EvalConfig
from assay.readers.source import Source
from assay.slicing.specs import slicings_of


@dataclass(frozen=True)
class Needs:
    """What a config and its models need.

    Attributes:
        columns: column -> what needs it, as far as the config and the models say.
        features: the columns of slices.
        sampled: the columns of which metrics show values.
        any_column: whether a model takes rows as they are, so that it may need any column; or columns may be missing.
        raw: whether a model takes serialised tf.Examples.
    """

    columns: Mapping[str, str]
    features: tuple[str, ...]
    sampled: tuple[str, ...]
    any_column: bool
    raw: bool


def needs_of(config: EvalConfig, refs: Sequence[ModelRef], *, own_metrics: bool = True) -> Needs:
    """What a resolved config and the models need; asks each model, which loads it where nothing else tells.

    With `own_metrics`, metrics of modules of the user's own are asked, too.
    """
    metrics, of_models = metrics_of(config, own_modules=own_metrics), {ref.name: models.needs(ref) for ref in refs}

    modelled = [spec.name for spec in config.model_specs] if refs else []
    functions = preprocessing_of(config, refs)
    for one in (one for of_model in functions.values() for one in of_model):
        of_models[f"{one.name}, {one.signature}"] = models.needs(one)
    columns = dict(columns_of(config, models=modelled, transformed=transformed_names(functions)))
    for name, need in of_models.items():
        for column in need.columns or ():
            columns.setdefault(column, f"model {name!r}")
    outputs = {name for spec in config.model_specs for name in (*spec.label_keys, *spec.prediction_keys)}
    for metric in metrics:
        reads = metric.stream.reads
        of_model = _outputs_of_images(metric.stream, modelled) | outputs if reads.boxes or reads.masks else set[str]()
        for column in metric.stream.columns:
            if column not in of_model and not _may_be_missing(metric.stream):
                columns.setdefault(column, f"metric {metric.key.name!r}")

    return Needs(
        columns=columns,
        features=tuple(
            dict.fromkeys(name for slicing in slicings_of(config) for name in slicing.columns if name in columns)
        ),
        sampled=tuple(metric.stream.reads.shown[1] for metric in metrics if metric.stream.reads.shown),
        any_column=any(need.columns is None and not need.raw for need in of_models.values())
        or any(_may_be_missing(metric.stream) for metric in metrics),
        raw=any(need.raw for need in of_models.values()),
    )


def with_searched(needs: Needs, features: Sequence[str]) -> Needs:
    """The same with the features that are searched for slices: any column, where none are named."""
    if not features:
        return replace(needs, any_column=True)
    return replace(needs, columns={**dict.fromkeys(features, "find_slices"), **needs.columns})


def _outputs_of_images(stream: Stream, modelled: Sequence[str]) -> set[str]:
    """Names of boxes or masks that are outputs of a model that is run, rather than columns."""
    boxes, masks = stream.reads.boxes, stream.reads.masks
    if stream.model_name not in modelled:
        return set()
    return {*(boxes.predictions if boxes else ()), boxes.count if boxes else "", masks.predicted if masks else ""}


def _may_be_missing(stream: Stream) -> bool:
    return stream.reads.boxes is not None and stream.reads.boxes.may_be_missing


def narrowed(source: Source, needs: Needs, *, shows_all: bool = False) -> Source:
    """The source, set to read only the columns that are needed.

    Args:
        source: if it names columns already, these stay.
        needs: features to slice by are read as dictionary arrays; for these and for sampled columns, texts are kept.
        shows_all: whether stages of the user's own, or tables of rows, may need any column and show its values.
    """
    columns = None if shows_all or needs.any_column else tuple(needs.columns)
    return replace(
        source,
        columns=source.columns if source.columns is not None else columns,
        dictionary=needs.features,
        shown=None if shows_all else tuple(dict.fromkeys((*needs.features, *needs.sampled))),
        raw=needs.raw,
    )
