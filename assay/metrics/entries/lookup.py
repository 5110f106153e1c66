"""Where labels, predictions and weights of a stream lie in Extracts: by model, by output, by what is usual."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.errors import MissingColumnError
from assay.extracts.columns import Column
from assay.metrics.entries.streams import Stream
from assay.text.near_miss import one_of
from assay.types import FEATURES_KEY, PREDICTIONS_KEY, Extracts

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


def named(extracts: Extracts, key: str, stream: Stream) -> dict[str, Any]:
    """Outputs under `key` and columns of the data, by name; predictions of one of several models are outputs alone."""
    outputs = outputs_of(extracts, key, stream)
    own = dict(outputs) if isinstance(outputs, Mapping) else {}
    if key == PREDICTIONS_KEY and stream.model_name:
        return own
    return {**extracts.get(FEATURES_KEY, {}), **own}


def not_named(name: str, setting: str, there: Mapping[str, Any], stream: Stream) -> str:
    """What is wrong with a name that is not there, and what to do."""
    near = one_of(name, sorted(there))
    if stream.model_name and setting not in ("labels_to_stack", "ground_truth_key"):
        return (
            f"model {stream.model_name!r} has no output {name!r} ({setting}){near}; of several models, each names "
            "its own in prediction_keys of its model spec, as a column of the data would be the same for all"
        )
    return f"no column or output {name!r} ({setting}){near}"
