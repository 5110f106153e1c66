"""Sums by slice and key: those of a dictionary, however rows are spread over batches, splits and workers."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.metrics.states import keyed_sums
from assay.metrics.states.combining import LeaveOneOut
from assay.metrics.states.contributions import Keyed
from assay.metrics.states.keyed_sums import KeyedStore, KeyedSums
from assay.metrics.states.lanes import of_rows
from assay.metrics.states.resampling import SAMPLES, Method, Resampling
from assay.metrics.states.slices import SliceStates
from assay.metrics.states.state import State
from assay.slicing.codes import Codes
from assay.types import SliceKey

KEYS = [-(2**63), -1, 0, 1, 2**40, 2**63 - 1]
ROWS = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(KEYS), st.floats(0, 1e6), st.floats(0, 1)), max_size=30
)  # fmt: skip
CUTS = st.lists(st.integers(0, 30), max_size=4)


@pytest.fixture(autouse=True)
def little_waits(monkeypatch):
    """So that these few rows are added up more than once, and samples made in several pieces."""
    monkeypatch.setattr(keyed_sums, "_FEW", 3)
    monkeypatch.setattr(keyed_sums, "_SUMS_AT_ONCE", 6)


def columns_of(rows):
    slices, keys = np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows], np.int64)
    return slices, keys, np.array([row[2:] for row in rows], float).reshape(-1, 2)


def stored(rows, *cuts):
    store, known = KeyedStore(2), 0
    for at in np.split(np.arange(len(rows)), sorted(cuts)):
        slices, keys, values = columns_of([rows[i] for i in at])
        known = max(known, int(slices.max(initial=-1)) + 1)
        store.add(slices, known, Keyed(keys, values, None))
    return store.take(np.arange(5))


def expected(rows):
    """(slice, key) -> sums, added one after the other."""
    sums: dict = {}
    for of_slice, key, *values in rows:
        sums[of_slice, key] = sums.get((of_slice, key), np.zeros(2)) + values
    return {at: tuple(total) for at, total in sums.items() if total.any()}


def read(state):
    entries = state.read(np.arange(len(state.start) - 1), 64)
    at = list(zip(entries.slices.tolist(), entries.keys.tolist(), strict=True))
    assert at == sorted(set(at))
    assert entries.slice_count == len(state.start) - 1
    return dict(zip(at, map(tuple, entries.sums), strict=True))


@given(ROWS, CUTS)
def test_sums_are_those_of_the_rows_one_after_the_other_to_the_bit(rows, cuts):
    assert read(stored(rows, *cuts)) == expected(rows)


@settings(max_examples=50)
@given(st.lists(ROWS, min_size=1, max_size=4))
def test_states_merge_in_the_order_of_the_list(parts):
    states = [pickle.loads(pickle.dumps(stored(rows))) for rows in parts]  # as between workers
    total = KeyedSums.merged(states, [np.arange(5)] * len(parts), 5)
    of_parts = [(*at, *sums) for state in states for at, sums in read(state).items()]
    assert read(total) == expected(of_parts)


def test_slices_of_states_go_where_they_are_said_to_be():
    one, other = stored([(0, 7, 1, 0), (1, 7, 2, 0)]), stored([(0, 7, 4, 0), (0, 9, 0, 8)])
    total = KeyedSums.merged([one.take(np.arange(2)), other.take(np.array([0]))], [np.array([2, 0]), np.array([2])], 4)
    assert read(total) == {(0, 7): (2, 0), (2, 7): (5, 0), (2, 9): (0, 8)}
    assert total.entry_counts.tolist() == [1, 0, 2, 0]
    assert read(total.take(np.array([2, 1, 2]))) == {(0, 7): (5, 0), (0, 9): (0, 8), (2, 7): (5, 0), (2, 9): (0, 8)}


def test_what_is_zero_in_all_columns_is_dropped():
    assert read(stored([(0, 1, 0, 0), (0, 2, 0, 3), (1, 1, 2, 0), (1, 1, -2, 0)])) == {(0, 2): (0, 3)}


def test_slices_that_nothing_was_added_to_are_empty():
    store: KeyedStore = KeyedStore(2)
    nothing: State = store.take(np.array([3, 0]))
    assert nothing.read(np.arange(2), 1).sums.shape == (0, 2)
    assert nothing.resampled(LeaveOneOut(2)).read(np.arange(3), 1).slice_count == 3
    store.add(None, 1, Keyed(np.array([5]), np.array([[1.0, 2.0]]), None))
    assert store.take(np.array([3, 0])).entry_counts.tolist() == [0, 1]


@settings(max_examples=50)
@given(ROWS)
def test_samples_leave_out_one_part_each(rows):
    parts = 5  # the slices are the parts of one
    state = stored(rows)
    samples = read(state.resampled(LeaveOneOut(parts)))
    for sample in range(parts + 1):
        others = [(0, *row[1:]) for row in rows if sample == 0 or row[0] != sample - 1]
        found = {key: sums for (of_sample, key), sums in samples.items() if of_sample == sample}
        total = {key: sums for (_, key), sums in expected(others).items()}
        assert found == {key: pytest.approx(sums, rel=1e-12) for key, sums in total.items()}


@pytest.mark.parametrize("resamples", [1, SAMPLES])
def test_slices_and_resamples_of_batches_are_those_of_all_rows(resamples):
    rng = np.random.default_rng(5)
    batch, keys, weights = 40, np.array(KEYS), rng.random((3, 40, 2))
    at, group = rng.integers(0, len(KEYS), (3, batch)), rng.integers(0, 2, (3, batch))
    names: list[SliceKey] = [(("group", 0),), (("group", 1),)]
    resampling, states = Resampling(Method.JACKKNIFE), SliceStates([KeyedStore(2)], resamples)
    rows = []
    for i in range(3):
        draws = list(resampling.draws({"labels": weights[i, :, 0]}, batch)) if resamples > 1 else None
        codes = Codes(None, group[i], names, np.bincount(group[i], minlength=2))
        states.add(
            codes, [of_rows(Keyed(keys[at[i]], weights[i], None), None, None)], batch, *([draws] if draws else [])
        )
        part = np.asarray(draws[0].resample) if draws else np.zeros(batch, int)
        position = (group[i] * resamples + part).tolist()
        rows += [(p, int(k), *w) for p, k, w in zip(position, keys[at[i]], weights[i], strict=True)]
    ((_, partial),) = states.partials(1)
    assert read(partial.states[0]) == expected(rows)
    if resamples > 1:
        whole = read(next(resampling.samples(partial)).states[0])
        assert {key[0] for key in whole} == set(range(2 * (SAMPLES + 1)))


def test_a_row_that_counts_several_times_adds_that_many_times_its_values():
    added = Keyed(np.array([1, 2, 3]), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([0, 1, 2]))
    drawn = added.drawn(np.array([0, 2]), np.array([3, 1]))
    assert drawn.keys.tolist() == [1, 3]
    assert drawn.values.tolist() == [[3, 6], [5, 6]]
    assert added.drawn(np.array([1]), None).values.tolist() == [[3, 4]]
