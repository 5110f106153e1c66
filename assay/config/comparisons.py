"""Metrics that compare a model with the baseline: there are none where there is no baseline. No Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from assay.config.metric_settings import chosen_settings
from assay.proto.config_pb2 import EvalConfig, MetricConfig

COMPARISONS: Mapping[str, Mapping[str, str]] = {
    "BooleanFlipRates": {
        f"{name}_name": name
        for name in (
            "flip_rate",
            "neg_to_neg_flip_rate",
            "neg_to_pos_flip_rate",
            "pos_to_neg_flip_rate",
            "pos_to_pos_flip_rate",
        )
    },
    "SymmetricFlipRate": {"name": "symmetric_flip_rate"},
    "NegToNegFlipRate": {"name": "neg_to_neg_flip_rate"},
    "NegToPosFlipRate": {"name": "neg_to_pos_flip_rate"},
    "PosToNegFlipRate": {"name": "pos_to_neg_flip_rate"},
    "PosToPosFlipRate": {"name": "pos_to_pos_flip_rate"},
    "SymmetricPredictionDifference": {"name": "symmetric_prediction_difference"},
    "ModelCosineSimilarity": {"name": "model_cosine_similarity"},
}
"""Class name -> the settings that name its values, with their defaults."""


def comparisons(config: EvalConfig) -> Iterator[tuple[MetricConfig, list[str]]]:
    """The metrics of a config that compare with the baseline, each with the names of its values."""
    for spec in config.metrics_specs:
        for metric in spec.metrics:
            if metric.class_name in COMPARISONS:
                settings = chosen_settings(metric, f"config of {metric.class_name}")
                yield metric, [settings.get(s, name) for s, name in COMPARISONS[metric.class_name].items()]


def remove_comparisons(config: EvalConfig) -> None:
    """Takes these metrics out of a config, and the thresholds on their values."""
    gone = {name for _, names in comparisons(config) for name in names}
    for spec in config.metrics_specs:
        kept = [metric for metric in spec.metrics if metric.class_name not in COMPARISONS]
        if len(kept) == len(spec.metrics):
            continue
        del spec.metrics[:]
        spec.metrics.extend(kept)
        for by_name in (spec.thresholds, spec.per_slice_thresholds, spec.cross_slice_thresholds):
            for name in gone.intersection(by_name):
                del by_name[name]
