"""Where labels, predictions and weights of a stream lie in Extracts: by model, by output, by what is usual."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.errors import MissingColumnError
from assay.extracts.columns import Column
from assay.metrics.entries.streams import Stream
from assay.types import PREDICTIONS_KEY, Extracts

_LIKELY_PREDICTIONS = ("scores", "outputs", "predictions", "logistic", "probabilities", "logits")
"""Which of several outputs is the prediction when nobody says, in this order; TFMA's rule."""


def outputs_of(extracts: Extracts, key: str, stream: Stream) -> Any:
    """What is under `key` for a model and output: a column, or several by name."""
    node: Any = extracts.get(key)
    for name in (stream.model_name, stream.output_name):
        if isinstance(node, Mapping) and name in node:
            node = node[name]
    return node


def select(extracts: Extracts, key: str, stream: Stream) -> Column:
    """Finds a leaf under `key`: by model name, then by output name, then by what is usual."""
    node = outputs_of(extracts, key, stream)

    # An output that has a name and is not there is never taken for another one.
    is_output_missing = isinstance(node, Mapping) and stream.output_name not in ("", *node)
    if isinstance(node, Mapping) and len(node) == 1 and not is_output_missing:
        node = next(iter(node.values()))
    if isinstance(node, Mapping) and key == PREDICTIONS_KEY and not is_output_missing:
        node = next((node[name] for name in _LIKELY_PREDICTIONS if name in node), node)

    if node is None or isinstance(node, Mapping):
        known = sorted(node) if isinstance(node, Mapping) else sorted(extracts)
        raise MissingColumnError(
            f"no {key} for model {stream.model_name!r}, output {stream.output_name!r}; there are {known}; "
            f"set the keys of the model spec, or output_names of the metrics spec"
        )
    column: Column = node
    return column
