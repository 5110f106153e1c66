"""Metrics of other modules than ours, which a config names by `module`. Nothing is imported: standard library only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.proto.config_pb2 import EvalConfig, MetricConfig

_TFMA = "tensorflow_model_analysis"
_RANKING = "tensorflow_ranking"
"""Its metrics are ours, by their names."""
_KERAS = ("keras", "tf_keras", "tf.keras", "tensorflow.keras", "tensorflow.python.keras")
"""What configs call Keras; it is always Keras 3 that is imported."""

KERAS_METRICS, KERAS_LOSSES = "keras.metrics", "keras.losses"

# fmt: off
OURS_IN_KERAS = frozenset((
    "AUC", "BinaryAccuracy", "BinaryCrossentropy", "CategoricalAccuracy", "CategoricalCrossentropy",
    "FalseNegatives", "FalsePositives", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError",
    "MeanSquaredLogarithmicError", "Precision", "PrecisionAtRecall", "Recall", "RecallAtPrecision",
    "SensitivityAtSpecificity", "SparseCategoricalAccuracy", "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy", "SpecificityAtSensitivity", "TopKCategoricalAccuracy", "TrueNegatives",
    "TruePositives",
))
"""Metrics and losses of Keras that are ours under the same name, so that Keras is not needed for them."""

ONLY_IN_KERAS: Mapping[str, frozenset[str]] = {
    KERAS_METRICS: frozenset((
        "Accuracy", "BinaryIoU", "CategoricalHinge", "ConcordanceCorrelation", "CosineSimilarity", "FBetaScore",
        "Hinge", "IoU", "KLDivergence", "LogCoshError", "MeanIoU", "OneHotIoU", "OneHotMeanIoU",
        "PearsonCorrelation", "Poisson", "R2Score", "RootMeanSquaredError", "SquaredHinge",
    )),
    KERAS_LOSSES: frozenset((
        "BinaryFocalCrossentropy", "CategoricalFocalCrossentropy", "CategoricalGeneralizedCrossEntropy", "Circle",
        "CTC", "Dice", "Huber", "LogCosh", "Tversky",
    )),
}
# fmt: on
"""Names that need no module, as in TFMA: none of our metrics has them."""


def own_module(module: str, class_name: str) -> str:
    """The module to import for a metric; "" where the metric is one of ours, as all of TFMA's are."""
    if _is_in(module, _TFMA) or _is_in(module, _RANKING):
        return ""
    if not module:
        return next((keras for keras, names in ONLY_IN_KERAS.items() if class_name in names), "")
    if not any(_is_in(module, keras) for keras in _KERAS):
        return module
    return "" if class_name in OURS_IN_KERAS else KERAS_LOSSES if ".losses" in module else KERAS_METRICS


def _is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def module_of(asked: MetricConfig) -> str:
    """The same of a metric as a config asks for it."""
    return own_module(asked.module, asked.class_name)


def modules_in(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields (path, module) of each metric of another module, Keras among them.

    Args:
        config: an eval config as JSON.
    """
    for i, spec in enumerate(config.get("metrics_specs", ())):
        for j, metric in enumerate(spec.get("metrics", ())):
            module = own_module(metric.get("module", ""), metric.get("class_name", ""))
            if module:
                yield f"metrics_specs[{i}].metrics[{j}]", module


def is_keras(module: str) -> bool:
    """Whether it is Keras itself, which is imported only where a metric is computed."""
    return module in (KERAS_METRICS, KERAS_LOSSES)


def has_own_metrics(config: EvalConfig) -> bool:
    """Whether a metric is of another module."""
    return any(module_of(metric) for spec in config.metrics_specs for metric in spec.metrics)
