"""Predictions as people have them: logits and percents become probabilities, as the model spec says."""

from __future__ import annotations

import numpy as np

from assay.metrics.entries.meaning import Meaning
from assay.metrics.values import Floats


def probabilities(predictions: Floats, meaning: Meaning) -> Floats:
    """Predictions (n,) or (n, c) as the metrics are to see them; what is not finite stays so, to be a bad row.

    With the link `logit` one number becomes its sigmoid, and a number for each class the softmax of the row; with
    `logit_each` every number becomes its sigmoid. With the scale `percent` all are divided by 100.
    """
    if meaning.scale == "percent":
        return predictions / 100
    if not meaning.link:
        return predictions
    with np.errstate(over="ignore", invalid="ignore"):
        is_one_of_several = meaning.link == "logit" and predictions.ndim > 1
        shares = _softmax(predictions) if is_one_of_several else _sigmoid(predictions)
    return np.where(np.isfinite(predictions), shares, predictions)


def _sigmoid(logits: Floats) -> Floats:
    """1 / (1 + exp(-x)), by that of -|x|, which cannot overflow."""
    small = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1, small) / (1 + small)


def _softmax(logits: Floats) -> Floats:
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)
