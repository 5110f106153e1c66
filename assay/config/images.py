"""Metrics of images: labels and predictions are boxes or masks, no plain numbers. No Arrow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.config.metric_settings import settings_of
from assay.proto.config_pb2 import EvalConfig

OF_IMAGES = frozenset(
    {
        "COCOAveragePrecision",
        "COCOAverageRecall",
        "COCOMeanAveragePrecision",
        "COCOMeanAverageRecall",
        "ObjectDetectionConfusionMatrixPlot",
        "ObjectDetectionMaxRecall",
        "ObjectDetectionPrecision",
        "ObjectDetectionPrecisionAtRecall",
        "ObjectDetectionRecall",
        "ObjectDetectionThresholdAtRecall",
        "SemanticSegmentationConfusionMatrix",
        "SemanticSegmentationFalsePositive",
        "SemanticSegmentationTruePositive",
    }
)
"""Their class names."""


def models_of_images(config: EvalConfig) -> frozenset[str]:
    """Names of the model specs of which a metric reads images, so that labels and predictions are no plain numbers."""
    names: set[str] = set()
    for spec in config.metrics_specs:
        if any(metric.class_name in OF_IMAGES for metric in spec.metrics):
            names.update(spec.model_names or [model.name for model in config.model_specs])
    return frozenset(names)


def names_predictions(config: Mapping[str, Any]) -> bool:
    """Whether a metric names the columns of its predictions itself, so that model specs need not.

    Args:
        config: a resolved config, as JSON.
    """
    metrics = [metric for spec in config.get("metrics_specs", []) for metric in spec.get("metrics", [])]
    of_images = [metric for metric in metrics if metric.get("class_name") in OF_IMAGES]
    return any(_NAMING & settings_of(metric.get("config", ""), "config").keys() for metric in of_images)


_NAMING = {"predictions_to_stack", "prediction_key"}
"""Settings that name predictions."""
