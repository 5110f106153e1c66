"""A metrics spec -> the streams that its metrics see: of each model, output and weighting."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from assay.errors import EvalConfigError
from assay.metrics.computations.table import Computation
from assay.metrics.entries.meaning import meaning_of
from assay.metrics.entries.streams import Reads, Stream
from assay.proto.config_pb2 import EvalConfig, MetricConfig, MetricsSpec, ModelSpec
from assay.types import EXAMPLE_WEIGHTS_KEY, LABELS_KEY, PREDICTIONS_KEY

_KEYS = {LABELS_KEY: "label_key", PREDICTIONS_KEY: "prediction_key", EXAMPLE_WEIGHTS_KEY: "example_weight_key"}
"""Who names the column, of labels for example."""


def streams_of(config: EvalConfig, spec: MetricsSpec, model_name: str, path: str) -> Iterator[Stream]:
    """The streams of a model: for each output and weighting that the metrics spec asks for.

    Args:
        config: a resolved config.
        spec: one of its metrics specs.
        model_name: one of its models.
        path: of the metrics spec, for errors.

    Raises:
        EvalConfigError: weighted values of a model without weights.
    """
    model = next((one for one in config.model_specs if one.name == model_name), ModelSpec())
    has_weights = bool(model.example_weight_key or model.example_weight_keys)
    chosen = spec.example_weights
    if chosen.weighted and not has_weights:
        model_spec = f"the model spec {model_name!r}" if model_name else "the model spec"
        raise EvalConfigError(
            f"{path}.example_weights.weighted: expected {model_spec} to have an example_weight_key, found none"
        )

    weighted, baseline = chosen.weighted or (has_weights and not chosen.unweighted), _baseline(config)
    for output in spec.output_names or [""]:
        for flag in [True] * weighted + [False] * (chosen.unweighted or not weighted):
            yield Stream(
                model_name,
                output,
                flag,
                query_key=spec.query_key,
                baseline=None if baseline is None else _predictions_of(baseline, output),
                meaning=meaning_of(model, output),
                names=_names(model, output),
            )


def stream_for(needs: Computation, stream: Stream) -> Stream:
    """The stream that serves `needs`; a column of the data belongs to no model and has weights of its own."""
    reads = needs.reads
    if reads.feature:
        return Stream(weighted=bool(reads.weights), reads=reads)
    return dataclasses.replace(stream, reads=reads, baseline=stream.baseline if reads.baseline else None)


def candidates_of(asked: MetricConfig, config: EvalConfig, spec: MetricsSpec, path: str) -> list[str]:
    """The models that a metric compares with the baseline.

    Raises:
        EvalConfigError: there is no baseline, or nothing else.
    """
    baseline = _baseline(config)
    if baseline is None:
        raise EvalConfigError(
            f"{path}: {asked.class_name} compares a model with the baseline, and no model spec has is_baseline; give a "
            "baseline model, a model spec with is_baseline and prediction_key, or rubber_stamp for a first run"
        )
    candidates = [name for name in spec.model_names or [""] if name != baseline.name]
    if not candidates:
        raise EvalConfigError(
            f"{path}: {asked.class_name} compares a model with the baseline, but its metrics spec is for the baseline "
            f"{baseline.name!r} alone; add the name of another model to model_names"
        )
    return candidates


def _baseline(config: EvalConfig) -> ModelSpec | None:
    return next((spec for spec in config.model_specs if spec.is_baseline), None)


def _predictions_of(baseline: ModelSpec, output: str) -> Stream:
    """The baseline's predictions alone: labels and weights are those of the model beside it."""
    return Stream(
        baseline.name,
        output,
        reads=Reads(labels=False),
        meaning=meaning_of(baseline, output),
        names=_names(baseline, output),
    )


def _names(model: ModelSpec, output: str) -> dict[str, tuple[str, str]]:
    """`labels` and its like -> the column that a model spec names, and the field in which it does."""
    names = {}
    for key, field in _KEYS.items():
        column, by_output = getattr(model, field), getattr(model, f"{field}s")
        only = next(iter(by_output)) if len(by_output) == 1 else output
        if column:
            names[key] = column, field
        elif only in by_output:
            names[key] = by_output[only], f"{field}s[{only!r}]"
    return names
