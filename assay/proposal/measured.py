"""The values that the metrics of a proposal have in the sample, from the engine that a run uses, without Beam."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from assay.metrics.analysis import Analysis
from assay.metrics.binding.bound import metrics_of
from assay.metrics.binding.metric import Metric
from assay.metrics.engine import Accumulator
from assay.metrics.evaluate import evaluate
from assay.metrics.row_checks import judge_columns
from assay.metrics.states.partial import Partial
from assay.metrics.states.slice_limit import SliceLimit
from assay.plan.plan import MOST_SLICES
from assay.proposal.sample import Sample
from assay.proto.config_pb2 import EvalConfig
from assay.readers.batches import Rows, extracts_of
from assay.sample.evaluated import states_of, with_columns
from assay.slicing.specs import slicings_of
from assay.types import SliceKey

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
    read = extracts_of(Rows(dict(sample.columns), np.arange(sample.rows)), split=0, file=_DATA, file_id=0)
    extracts = with_columns(config, read, analysis.slicings, _DATA)
    accumulator = Accumulator(analysis)
    bad_rows = accumulator.add(extracts)
    judge_columns([accumulator.tallies], analysis.asked)

    wanted = [metric for metric in analysis.metrics if metric.class_name in class_names]
    values: list[Value] = []
    for part in states_of(accumulator, extracts, analysis):
        values += _values(part, wanted, analysis)
    return Measured(values, bad_rows)


def _values(part: Partial, metrics: Sequence[Metric], analysis: Analysis) -> Iterator[Value]:
    if not metrics or not part.keys:
        return
    for metric, values in evaluate(part, metrics, analysis.layout).values.items():
        assert isinstance(values, np.ndarray)
        for key, rows, value in zip(part.keys, part.rows.tolist(), values.tolist(), strict=True):
            yield Value(key, rows, metric.class_name, metric.stream.model_name, value)
