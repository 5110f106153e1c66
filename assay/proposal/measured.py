"""The values that the metrics of a proposal have in the sample, from the engine that a run uses, without Beam."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from assay.extractors.named_columns import columns_named, labels_named, predictions_named, weights_named
from assay.metrics.analysis import Analysis
from assay.metrics.binding.bound import metrics_of
from assay.metrics.binding.metric import Metric
from assay.metrics.by_query import by_bucket, states_of_bucket
from assay.metrics.engine import Accumulator
from assay.metrics.evaluate import evaluate
from assay.metrics.row_checks import judge_columns
from assay.metrics.split_states import BlockKey
from assay.metrics.states.forest import Forest, Node
from assay.metrics.states.partial import Partial, side_by_side
from assay.metrics.states.slice_limit import SliceLimit
from assay.plan.plan import MOST_SLICES
from assay.proposal.sample import Sample
from assay.proto.config_pb2 import EvalConfig
from assay.readers.batches import Rows, extracts_of
from assay.slicing.codes import slice_rows
from assay.slicing.specs import slicings_of
from assay.types import (
    EXAMPLE_WEIGHTS_KEY,
    FEATURES_KEY,
    LABELS_KEY,
    PREDICTIONS_KEY,
    SLICE_KEY_TYPES_KEY,
    Extracts,
    SliceKey,
)

_DATA = "the sample"


class Value(NamedTuple):
    """The value of a metric in a slice."""

    slice_key: SliceKey
    rows: int
    class_name: str
    model: str
    value: float


class Measured(NamedTuple):
    """What the sample says.

    Attributes:
        values: of the metrics that were asked for, in all slices.
        bad_rows: reason -> rows that no metric can take.
    """

    values: Sequence[Value]
    bad_rows: Mapping[str, int]


def measure(config: EvalConfig, sample: Sample, class_names: Sequence[str]) -> Measured:
    """Evaluates a sample as a run would.

    Args:
        config: a resolved config.
        sample: the rows.
        class_names: of the metrics whose values are wanted.

    Raises:
        ColumnTypeError: a column holds something else than a metric is for.
        BadRowError: rows of a query have several weights.
    """
    analysis = Analysis(metrics_of(config), SliceLimit(slicings_of(config), MOST_SLICES), skip_bad_rows=True)
    extracts = _extracts(config, sample, analysis)
    accumulator = Accumulator(analysis)
    bad_rows = accumulator.add(extracts)
    judge_columns([accumulator.tallies], analysis.asked)

    wanted = [metric for metric in analysis.metrics if metric.class_name in class_names]
    values: list[Value] = []
    for part in _states(accumulator, extracts, analysis):
        values += _values(part, wanted, analysis)
    return Measured(values, bad_rows)


def _extracts(config: EvalConfig, sample: Sample, analysis: Analysis) -> Extracts:
    extracts = extracts_of(Rows(dict(sample.columns), np.arange(sample.rows)), split=0, file=_DATA, file_id=0)
    features = extracts[FEATURES_KEY]
    for key, named in (
        (LABELS_KEY, labels_named(config)),
        (PREDICTIONS_KEY, predictions_named(config)),
        (EXAMPLE_WEIGHTS_KEY, weights_named(config)),
    ):
        if any(named.by_model.values()):
            extracts[key] = columns_named(features, named, _DATA)
    slices = slice_rows(analysis.slicings, features, sample.rows)
    extracts[SLICE_KEY_TYPES_KEY] = {name: sliced.column for name, sliced in slices.items()}
    return extracts


def _states(accumulator: Accumulator, extracts: Extracts, analysis: Analysis) -> Iterator[Partial]:
    """The states of all passes, block by block of slices."""
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


def _values(part: Partial, metrics: Sequence[Metric], analysis: Analysis) -> Iterator[Value]:
    if not metrics or not part.keys:
        return
    for metric, values in evaluate(part, metrics, analysis.layout).values.items():
        assert isinstance(values, np.ndarray)
        for key, rows, value in zip(part.keys, part.rows.tolist(), values.tolist(), strict=True):
            yield Value(key, rows, metric.class_name, metric.stream.model_name, value)
