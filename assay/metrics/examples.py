"""What a computation sees of a batch: labels, predictions and weights of one model and output, as flat arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from assay.columns import Column, row_count, to_floats
from assay.errors import ColumnTypeError, MissingColumnError
from assay.metrics.values import Floats
from assay.types import EXAMPLE_WEIGHTS_KEY, LABELS_KEY, PREDICTIONS_KEY, Extracts

_LIKELY_PREDICTIONS = ("scores", "outputs", "predictions", "logistic", "probabilities", "logits")
"""Which of several outputs is the prediction when nobody says, in this order; TFMA's rule."""


@dataclass(frozen=True)
class Stream:
    """Names the rows that a computation sees.

    Attributes:
        model_name: key of the model in the Extracts; "" if there is one model.
        output_name: key of the model's output; "" if it has one.
        weighted: whether the example weights count; else every row weighs 1.
        only_weights: whether labels and predictions stay unread; they may be absent.
    """

    model_name: str = ""
    output_name: str = ""
    weighted: bool = False
    only_weights: bool = False


class Examples(NamedTuple):
    """Labels, predictions and weights, float64 of shape (m,).

    `rows` is None if m is the number of rows; else (m,) ascending: the row that each entry comes from (vectors are
    flattened into rows of the same weight).
    """

    labels: Floats
    predictions: Floats
    weights: Floats
    rows: npt.NDArray[np.int64] | None = None


def examples_of(extracts: Extracts, stream: Stream) -> Examples:
    """Selects and flattens what `stream` names.

    Raises:
        MissingColumnError: labels, predictions or weights that are not there.
        ColumnTypeError: labels that do not fit the predictions.
    """
    if stream.only_weights:
        weights = weights_of(extracts, stream)
        return Examples(np.zeros(0), np.zeros(0), weights)
    labels = to_floats(_select(extracts, LABELS_KEY, stream), LABELS_KEY)
    predictions = to_floats(_select(extracts, PREDICTIONS_KEY, stream), PREDICTIONS_KEY)
    weights = weights_of(extracts, stream)
    if predictions.ndim == 1 and labels.ndim == 1:
        return Examples(labels, predictions, weights)
    predictions = predictions.reshape(len(predictions), -1)
    labels = _fit(labels, predictions.shape[1], stream)
    rows = np.repeat(np.arange(len(predictions)), predictions.shape[1])
    return Examples(labels.reshape(-1), predictions.reshape(-1), weights[rows], rows)


def weights_of(extracts: Extracts, stream: Stream) -> Floats:
    """Example weights, float64 (n,); ones where the stream is unweighted.

    Raises:
        MissingColumnError: the stream is weighted and there are no weights.
        ColumnTypeError: more than one weight a row.
    """
    if not stream.weighted:
        return np.ones(row_count(extracts))
    weights = to_floats(_select(extracts, EXAMPLE_WEIGHTS_KEY, stream), EXAMPLE_WEIGHTS_KEY)
    if weights.ndim != 1:
        raise ColumnTypeError(f"example weights have shape {weights.shape}; expected one weight a row")
    return weights


def _fit(labels: Floats, width: int, stream: Stream) -> Floats:
    """Labels as wide as the predictions: as they are, or class ids turned into one-hot rows (-1: all zeros)."""
    labels = labels.reshape(len(labels), -1)
    if labels.shape[1] == width:
        return labels
    if labels.shape[1] != 1:
        raise ColumnTypeError(
            f"model {stream.model_name!r}: labels have {labels.shape[1]} values a row and predictions {width}; "
            f"expected the same number, or one class id"
        )
    if (labels >= width).any():
        raise ColumnTypeError(
            f"model {stream.model_name!r}: label {labels.max():g} is no class id below {width}, "
            f"the number of predictions a row"
        )
    return (labels == np.arange(width)).astype(np.float64)


def _select(extracts: Extracts, key: str, stream: Stream) -> Column:
    """Finds a leaf under `key`: by model name, then by output name, then by what is usual."""
    found: Any = extracts.get(key)
    for name in (stream.model_name, stream.output_name):
        if isinstance(found, Mapping) and name in found:
            found = found[name]
    if isinstance(found, Mapping) and len(found) == 1:
        found = next(iter(found.values()))
    if isinstance(found, Mapping) and key == PREDICTIONS_KEY:
        found = next((found[name] for name in _LIKELY_PREDICTIONS if name in found), found)
    if found is None or isinstance(found, Mapping):
        there = sorted(found) if isinstance(found, Mapping) else sorted(extracts)
        raise MissingColumnError(
            f"no {key} for model {stream.model_name!r}, output {stream.output_name!r}; there are {there}; "
            f"set the keys of the model spec, or output_names of the metrics spec"
        )
    return found
