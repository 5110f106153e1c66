"""What `find_slices` of an analysis file asks for, beside the eval config."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.discovery.accumulate import Searched
from assay.discovery.losses import LOG_LOSS, SQUARED_ERROR, Loss
from assay.discovery.with_metrics import names_of_queries
from assay.errors import ConfigError
from assay.metrics.binding.bound import metrics_of
from assay.metrics.binding.rounding import multiple_of
from assay.metrics.binding.streams import streams_of
from assay.metrics.entries.streams import Reads, Stream
from assay.proto.config_pb2 import EvalConfig, MetricsSpec, ModelSpec
from assay.slicing.feature_bins import bins_of

SIGNIFICANCE = 0.05
"""Corrected p-value up to which a slice is confirmed."""


@dataclass(frozen=True)
class Search:
    """What is searched, and how it is judged.

    Attributes:
        searched: what is counted of each row.
        top_k: slices to tell.
        min_rows: the least rows of a slice.
        alpha: weight of the loss against the size, see `search`.
        bins: how many bins numbers are put into.
        weights: columns of example weights of the model, which are not used.
        has_metrics: whether metrics of the confirmed slices are computed.
        min_slice_size: rows that a slice must have to be shown.
        names_of_queries: what `slice_keys_sql` calls the features of its slices.
        significance: corrected p-value up to which a slice is confirmed.
        round_counts_to: what counts of rows are told as multiples of; 1 if they are told as they are.
    """

    searched: Searched
    top_k: int
    min_rows: int
    alpha: float
    bins: int
    weights: tuple[str, ...] = ()
    has_metrics: bool = False
    min_slice_size: int = 0
    names_of_queries: frozenset[str] = frozenset()
    significance: float = SIGNIFICANCE
    round_counts_to: int = 1


def search_of(settings: Mapping[str, Any], config: EvalConfig) -> Search:
    """The search that settings ask for.

    Args:
        settings: as `assay.plan.find_slices` reads them.
        config: a resolved eval config.

    Raises:
        ConfigError: a model that there is not, no baseline, or a loss that does not follow from the config.
    """
    model, baseline = _models(settings, config)
    least = max(int(settings["min_rows"]), config.options.min_slice_size.value)
    loss = Loss(settings["loss"] or _loss_for(config, model), _stream(config, model), baseline)
    of_config = {name: bins.edges for name, bins in bins_of(config).items() if bins.edges}
    _check_edges(settings)
    edges = tuple(sorted((name, tuple(edges)) for name, edges in {**of_config, **settings["edges"]}.items()))
    searched = Searched(loss, settings["level"], tuple(settings["features"]), _excluded(config), edges)
    return Search(
        searched,
        settings["top_k"],
        least,
        settings["alpha"],
        settings["bins"],
        weights=_weights(config, loss.model.model_name),
        has_metrics=settings["metrics"],
        min_slice_size=config.options.min_slice_size.value,
        names_of_queries=names_of_queries(config),
        round_counts_to=multiple_of(config.options),
    )


def _check_edges(settings: Mapping[str, Any]) -> None:
    others = sorted(set(settings["edges"]) - set(settings["features"]))
    if settings["features"] and others:
        raise ConfigError(f"find_slices.edges: {others[0]!r} is not among features; add it there, or remove its edges")


def _models(settings: Mapping[str, Any], config: EvalConfig) -> tuple[str, Stream | None]:
    """Name of the model, and what is read of the baseline if it is compared with that."""
    specs = list(config.model_specs) or [ModelSpec()]
    candidates = [spec.name for spec in specs if not spec.is_baseline]
    wanted = settings["model"]
    if wanted is not None and wanted not in [spec.name for spec in specs]:
        raise ConfigError(f"find_slices.model: expected one of {[spec.name for spec in specs]}, found {wanted!r}")
    if wanted is None and len(candidates) != 1:
        raise ConfigError(f"find_slices.model: there are several models; name one of {candidates}")
    chosen = candidates[0] if wanted is None else wanted
    if not settings["baseline"]:
        return chosen, None
    baseline = next((spec.name for spec in specs if spec.is_baseline), None)
    if baseline is None or baseline == chosen:
        raise ConfigError("find_slices.baseline: expected a baseline beside the model, found none; remove the key")
    return chosen, _stream(config, baseline)


def _stream(config: EvalConfig, model: str) -> Stream:
    """Labels and predictions of a model, by whose name they go only where there are several."""
    name = model if len(config.model_specs) > 1 else ""
    stream = next(streams_of(config, MetricsSpec(), name, "find_slices"))
    return dataclasses.replace(stream, weighted=False, reads=Reads(), baseline=None)


def _loss_for(config: EvalConfig, model: str) -> str:
    """Log loss where a metric of the config is for probabilities or classes; else the squared error of numbers."""
    domains = [
        metric.needs.domain
        for metric in metrics_of(config, own_modules=False)
        if metric.stream.model_name in ("", model) and metric.stream.are_numbers and metric.stream.reads.labels
    ]
    if any(domain.shares for domain in domains):
        return LOG_LOSS
    if domains:
        return SQUARED_ERROR
    raise ConfigError(
        "find_slices.loss: no metric of the eval config tells what the model predicts; set loss to log_loss, "
        "squared_error or zero_one"
    )


def _weights(config: EvalConfig, model: str) -> tuple[str, ...]:
    specs = [spec for spec in config.model_specs if model in ("", spec.name)]
    names = {name for spec in specs for name in (spec.example_weight_key, *spec.example_weight_keys.values())}
    return tuple(sorted(names - {""}))


def _excluded(config: EvalConfig) -> frozenset[str]:
    """Columns that say what is right, or what a model predicts: slices by them explain nothing."""
    names: set[str] = set()
    for spec in config.model_specs:
        names |= {spec.label_key, spec.prediction_key, spec.example_weight_key}
        for by_output in (spec.label_keys, spec.prediction_keys, spec.example_weight_keys):
            names |= set(by_output.values())
    return frozenset(names - {""})
