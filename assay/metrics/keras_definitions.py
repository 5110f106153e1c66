"""Metrics and losses of Keras as definitions: what is known of them by name, without importing Keras."""

from __future__ import annotations

from typing import Any

from assay.config.own_modules import KERAS_LOSSES
from assay.errors import ConfigError
from assay.metrics.arithmetic import ratio
from assay.metrics.computations.keras_metrics import KerasKind, KerasLoss, OfKeras
from assay.metrics.computations.terms import ErrorTerms
from assay.metrics.declare import Better, Definition
from assay.metrics.values import Floats
from assay.text.words import snake_case

# fmt: off
_OF_VECTORS = frozenset((
    "CategoricalHinge", "CategoricalFocalCrossentropy", "CategoricalGeneralizedCrossEntropy", "CosineSimilarity",
    "F1Score", "FBetaScore", "KLDivergence", "OneHotIoU", "OneHotMeanIoU",
))
"""Those that see a number for each class."""

_LOWER = frozenset((
    "CategoricalHinge", "Hinge", "KLDivergence", "LogCoshError", "Poisson", "RootMeanSquaredError", "SquaredHinge",
))
# fmt: on
"""Metrics of which less is better; of all others more is."""

_OTHERS = {
    "Mean": "it takes values, and no labels and predictions; without a module, Mean is that of a column",
    "Sum": "it takes values, and no labels and predictions",
    "MeanMetricWrapper": "it takes a function; declare a metric that needs mean_of(function)",
    "Metric": "it is the class that all metrics have in common",
    "Loss": "it is the class that all losses have in common",
}
_NO_ROWS = "no row with a weight"


def of_keras(class_name: str, module: str) -> Definition:
    """The definition of a metric or loss of Keras.

    Raises:
        ConfigError: one that cannot be computed from labels and predictions.
    """
    if class_name in _OTHERS:
        raise ConfigError(f"{class_name} of {module}: {_OTHERS[class_name]}")
    of_vectors = class_name in _OF_VECTORS
    if module == KERAS_LOSSES:
        return _loss(class_name, KerasLoss(KerasKind(module, class_name), of_vectors))
    better: Better = "lower" if class_name in _LOWER else "higher"
    return _metric(class_name, OfKeras(KerasKind(module, class_name), of_vectors), better)


def of_keras_class(own: type[Any], module: str, kind: str) -> Definition:
    """The definition of a subclass of Keras' `Metric` or `Loss`, of a module of the user's own."""
    made, of_vectors = KerasKind(module, own.__name__), bool(getattr(own, "of_vectors", False))
    if kind == "Loss":
        return _loss(own.__name__, KerasLoss(made, of_vectors))
    return _metric(own.__name__, OfKeras(made, of_vectors), getattr(own, "better", None))


def _metric(class_name: str, needs: OfKeras, better: Better | None) -> Definition:
    return Definition(class_name, needs, _values, snake_case(class_name), better=better, undefined=_NO_ROWS)


def _loss(class_name: str, needs: KerasLoss) -> Definition:
    return Definition(class_name, needs, _mean, snake_case(class_name), better="lower", undefined=_NO_ROWS)


def _values(values: Floats) -> Floats:
    """The results of Keras."""
    return values


def _mean(e: ErrorTerms) -> Floats:
    """The mean of the losses of rows, by weight."""
    return ratio(e.error, e.weight)
