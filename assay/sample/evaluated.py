"""Rows evaluated as a run does it, by the same engine: their labels, scores and slices, and the states of metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from assay.extractors.named_columns import columns_named, labels_named, predictions_named, weights_named
from assay.extracts.columns import row_count
from assay.metrics.analysis import Analysis
from assay.metrics.by_query import by_bucket, states_of_bucket
from assay.metrics.engine import Accumulator
from assay.metrics.split_states import BlockKey
from assay.metrics.states.forest import Forest, Node
from assay.metrics.states.partial import Partial, side_by_side
from assay.proto.config_pb2 import EvalConfig
from assay.slicing.codes import slice_rows
from assay.slicing.feature_bins import bins_of
from assay.slicing.specs import Slicing
from assay.types import (
    EXAMPLE_WEIGHTS_KEY,
    FEATURES_KEY,
    LABELS_KEY,
    PREDICTIONS_KEY,
    SLICE_KEY_TYPES_KEY,
    Extracts,
)


def with_columns(
    config: EvalConfig, read: Extracts, slicings: Sequence[Slicing], who: str, *, has_predictions: bool = True
) -> Extracts:
    """Adds the labels, predictions, weights and slice keys that a config names.

    Args:
        config: a resolved config.
        read: a batch with features.
        slicings: of the config.
        who: needs them, for errors.
        has_predictions: whether predictions are columns of the data.

    Raises:
        MissingColumnError, ColumnTypeError: see `columns_named`.
    """
    extracts, features = dict(read), read[FEATURES_KEY]
    all_named = {LABELS_KEY: labels_named(config), EXAMPLE_WEIGHTS_KEY: weights_named(config)}
    if has_predictions:
        all_named[PREDICTIONS_KEY] = predictions_named(config)
    for key, named in all_named.items():
        if any(named.by_model.values()):
            extracts[key] = columns_named(features, named, who)
    slices = slice_rows(tuple(slicings), features, row_count(read), bins=bins_of(config))
    extracts[SLICE_KEY_TYPES_KEY] = {name: sliced.column for name, sliced in slices.items()}
    return extracts


def states_of(accumulator: Accumulator, extracts: Extracts, analysis: Analysis) -> Iterator[Partial]:
    """The states of all passes over one batch, block by block of slices."""
    passes = [_by_block(accumulator.parts())]
    for one in analysis.passes[1:]:
        buckets = by_bucket(extracts, analysis, one.query_key)
        states = (states_of_bucket(bucket, [rows], analysis, one.query_key) for bucket, rows in buckets)
        passes.append(_by_block(element for of_bucket in states for element in of_bucket))
    nothing = Partial([], np.zeros(0, np.int64), [])
    stores = [one.layout.stores() for one in analysis.passes]
    for block in passes[0]:
        yield side_by_side([of.get(block, nothing) for of in passes], stores)


def _by_block(elements: Iterator[tuple[BlockKey, tuple[Node, Partial]]]) -> dict[BlockKey, Partial]:
    forests: dict[BlockKey, Forest] = {}
    for block, (node, part) in elements:
        forests.setdefault(block, Forest()).add(node, part)
    return {block: forest.total() for block, forest in forests.items()}
