"""Which columns an evaluation reads: those that its config and models need, or all if that cannot be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assay.config.resolved import columns_of
from assay.metrics.binding.bound import metrics_of
from assay.models import model as models
from assay.models.model import ModelRef
from assay.proto.config_pb2 import EvalConfig
from assay.readers.source import Source
from assay.slicing.specs import slicings_of


def needed_columns(config: EvalConfig, refs: Sequence[ModelRef]) -> dict[str, str]:
    """Column -> what needs it, as far as the config and the models say."""
    modelled = [spec.name for spec in config.model_specs] if refs else []
    needed = dict(columns_of(config, models=modelled))
    for ref in refs:
        for column in models.needs(ref).columns or ():
            needed.setdefault(column, f"model {ref.name!r}")
    for metric in metrics_of(config):
        for column in metric.stream.columns:
            needed.setdefault(column, f"metric {metric.key.name!r}")
    return needed


def narrowed(
    source: Source, config: EvalConfig, refs: Sequence[ModelRef], *, everything: bool, own: bool = False
) -> Source:
    """The source, set to read only the columns that are needed.

    Args:
        source: if it names columns already, these stay.
        config: features to slice by are read as dictionary arrays; for these and for sampled columns, texts are kept.
        refs: the models; for one that takes serialised tf.Examples, the raw records are kept.
        everything: whether any column may be needed.
        own: whether there are stages of the user's own, which may need any column, and slice by it.
    """
    needs = [models.needs(ref) for ref in refs]
    features = tuple(dict.fromkeys(f for slicing in slicings_of(config) for f in slicing.features))
    sampled = [metric.stream.reads.shown[1] for metric in metrics_of(config) if metric.stream.reads.shown]
    shows_all = everything or own
    everything = shows_all or any(need.columns is None and not need.raw for need in needs)
    columns = None if everything else tuple(needed_columns(config, refs))
    return replace(
        source,
        columns=source.columns if source.columns is not None else columns,
        dictionary=features,
        shown=None if shows_all else tuple(dict.fromkeys((*features, *sampled))),
        raw=any(need.raw for need in needs),
    )
