"""A kind of state that nobody knows, which neither adds up nor has cells: the largest prediction of each slice.

It is a table, a store, a state and a computation; the rest of the engine asks nothing but the protocols.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest

from assay.evaluators.metrics_and_plots import MetricsAndPlotsEvaluator
from assay.metrics import declare
from assay.metrics.computations.score_bins import ScoreBins
from assay.metrics.computations.table import States, Table
from assay.metrics.declare import metric
from assay.metrics.entries.domains import NUMBERS, Domain
from assay.metrics.entries.examples import Examples
from assay.metrics.entries.streams import Reads
from assay.metrics.states.combining import Combining
from assay.metrics.states.lanes import OfRows
from assay.metrics.states.resampling import SAMPLES, Method, Resampling
from assay.metrics.states.slices import SliceStates
from assay.metrics.states.state import Chosen, State
from assay.metrics.values import Floats, Ints
from assay.proto.config_pb2 import ConfidenceIntervalOptions, EvalConfig
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.results.keys import slice_key_from_proto
from assay.slicing.codes import Codes
from assay.types import SliceKey
from tests.beam_runs import run
from tests.evaluators.test_metrics_and_plots import pieces, placed

from .engine import EVERY_SLICE, config_of
from .hard_data import hard_batch

BATCH = hard_batch(900)
CONFIG = config_of(
    f'metrics {{ class_name: "LargestPrediction" module: "{__name__}" }} metrics {{ class_name: "AUC" }}', EVERY_SLICE
)


@dataclass(frozen=True)
class Largest:
    """The largest value of each slice, (s,)."""

    values: Floats

    @property
    def entry_counts(self) -> None:
        """Each has one."""

    def take(self, slices: Ints) -> Largest:
        return Largest(self.values[slices])

    def read(self, slices: Ints, width: int) -> Floats:
        return self.values[slices]

    def resampled(self, combining: Combining) -> Largest:
        by_part = self.values.reshape(-1, combining.parts)
        samples = [by_part[:, times > 0].max(1) for times in combining.times]
        return Largest(np.stack(samples, axis=1).reshape(-1))

    @classmethod
    def merged(cls, states: Sequence[Largest], slices: Sequence[Ints], count: int) -> Largest:
        values = np.full(count, -np.inf)
        for state, at in zip(states, slices, strict=True):
            values[at] = np.maximum(values[at], state.values)
        return Largest(values)


class Seen(NamedTuple):
    """Predictions (m,); how often a row counts makes no difference to the largest one."""

    values: Floats
    entries: Ints | None

    def drawn(self, chosen: Chosen, times: Ints | None) -> Seen:
        return Seen(self.values[chosen], None)


class LargestSoFar:
    def __init__(self) -> None:
        self._values = np.full(1, -np.inf)

    def add(self, slices: Ints | None, count: int, added: Seen) -> None:
        self._reserve(count)
        np.maximum.at(self._values, np.zeros(len(added.values), int) if slices is None else slices, added.values)

    def take(self, slices: Ints) -> Largest:
        self._reserve(int(slices.max(initial=-1)) + 1)
        return Largest(self._values[slices])

    def _reserve(self, count: int) -> None:
        self._values = np.append(self._values, np.full(max(0, count - len(self._values)), -np.inf))


@dataclass(frozen=True)
class PredictionsTable:
    def join(self, other: PredictionsTable) -> PredictionsTable:
        return self

    def empty(self) -> LargestSoFar:
        return LargestSoFar()

    def contribution(self, examples: Examples, bins: ScoreBins) -> Seen:
        return Seen(examples.predictions, None)


@dataclass(frozen=True)
class LargestOf:
    domain: ClassVar[Domain] = NUMBERS
    reads: ClassVar[Reads] = Reads()

    def tables(self) -> tuple[Table, ...]:
        return (PredictionsTable(),)

    def read(self, states: States) -> Floats:
        _, largest = states(*self.tables())
        return np.where(np.isfinite(largest), largest, np.nan)


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    """Registered for as long as a test takes."""

    @metric("LargestPrediction", needs=LargestOf(), range="that of the predictions")
    def largest_prediction(largest: Floats) -> Floats:
        return largest

    yield
    del declare._OF_OTHERS[__name__, "LargestPrediction"]


def rows_of(key):
    """Which rows of the batch are in a slice."""
    inside = np.ones(len(BATCH["labels"]), bool)
    for feature, value in key:
        inside &= np.array([str(v) for v in BATCH["features"][feature].to_pylist()]) == str(value)
    return inside


def records(method="", cut=True):
    config: Any = EvalConfig.FromString(CONFIG.SerializeToString())
    if method:
        config.options.compute_confidence_intervals.value = True
        config.options.confidence_intervals.method = ConfidenceIntervalOptions.ConfidenceIntervalMethod.Value(method)
    batches = (
        [placed(piece, split=i, first=300 * i) for i, piece in enumerate(pieces(BATCH))] if cut else [placed(BATCH)]
    )
    output = run(batches, MetricsAndPlotsEvaluator(config).ptransform)
    for record in map(MetricsForSlice.FromString, output["metrics"]):
        (item,) = (item for item in record.metric_keys_and_values if item.key.name == "largest_prediction")
        yield slice_key_from_proto(record.slice_key), item


@pytest.mark.parametrize("cut", [True, False])
def test_it_is_computed_for_every_slice_and_merged_between_splits(cut):
    found = {key: item.value.double_value.value for key, item in records(cut=cut)}
    assert len(found) > 20
    assert found == {key: BATCH["predictions"][rows_of(key)].max() for key in found}


@pytest.mark.parametrize("method", ["JACKKNIFE", "POISSON_BOOTSTRAP"])
def test_its_intervals_are_those_of_samples_computed_one_by_one(method):
    batch, predictions = placed(BATCH), BATCH["predictions"]
    draws = list(Resampling(Method(method)).draws(batch, len(predictions)))
    for key, item in records(method, cut=False):
        inside, error = rows_of(key), item.confidence_interval.standard_error.double_value.value
        if method == "JACKKNIFE":
            part = np.asarray(draws[0].resample)
            largest = np.array([max(predictions[inside & (part != i)], default=np.nan) for i in range(SAMPLES)])
            expected = (SAMPLES * predictions[inside].max() - (SAMPLES - 1) * largest).std(ddof=1) / np.sqrt(SAMPLES)
        else:
            rows = [inside & (np.asarray(draw.times) > 0) for draw in draws[1:]]
            expected = np.array([max(predictions[chosen], default=np.nan) for chosen in rows]).std(ddof=1)
        assert error == pytest.approx(expected, rel=1e-9, nan_ok=True), key


def test_a_slice_that_nothing_was_added_to_has_an_empty_state():
    states = SliceStates([LargestSoFar()])
    keys: list[SliceKey] = [(("a", 0),), (("a", 1),), (("a", 2),)]
    added = OfRows(Seen(np.array([1.0, 4.0, 2.0]), None), None)
    states.add(Codes(None, np.array([0, 0, 2]), keys, np.array([2, 0, 1])), [added], 3)
    ((_, part),) = states.partials(1)
    state: State = part.states[0]
    assert state.read(np.arange(3), 1).tolist() == [4.0, -np.inf, 2.0]
