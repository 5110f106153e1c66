"""Samples of a slice share its cells, and are read as if each had its own."""

import numpy as np
import pytest

from assay.metrics.states.combining import Counted, LeaveOneOut
from assay.metrics.states.lanes import lanes_of
from assay.metrics.states.sparse import SampledCells, Sparse

SLICES, PARTS, CELLS = 4, 5, 50
SAMPLES = PARTS + 1


def table(seed: int) -> np.ndarray:
    """Whole numbers, whose sums are exact: (slices, parts, cells), many of them 0; slice 2 is empty."""
    rng = np.random.default_rng(seed)
    sums = rng.integers(1, 9, (SLICES, PARTS, CELLS)) * (rng.random((SLICES, PARTS, CELLS)) < 0.2)
    sums[2] = 0
    return sums.astype(float)


def state(sums: np.ndarray) -> Sparse:
    """The sums of (s, cells) as a state."""
    owner, cells = np.nonzero(sums)
    start = np.searchsorted(owner, np.arange(len(sums) + 1))
    marks = np.full(len(cells), 7, np.uint16)
    return Sparse(start, cells.astype(np.int32), sums[owner, cells], marks)


def dense(sparse: Sparse) -> np.ndarray:
    sums = np.zeros((len(sparse.start) - 1, CELLS))
    sums[np.repeat(np.arange(len(sums)), sparse.sizes), sparse.cells] = sparse.sums
    return sums


@pytest.fixture(scope="module")
def parts():
    return table(0)


@pytest.fixture(scope="module")
def sampled(parts):
    return state(parts.reshape(-1, CELLS)).resampled(LeaveOneOut(PARTS))


@pytest.fixture(scope="module")
def expected(parts):
    """(slices, samples, cells): all rows, then all but each part."""
    whole = parts.sum(1, keepdims=True)
    return np.concatenate([whole, whole - parts], axis=1)


def test_cells_are_held_once_for_all_samples(sampled, expected):
    assert isinstance(sampled, SampledCells)
    occurring = np.count_nonzero(expected[:, 0], axis=1)
    assert sampled.samples == SAMPLES
    assert sampled.shared.sizes.tolist() == occurring.tolist()
    assert np.array_equal(dense(sampled.shared), expected[:, 0])


@pytest.mark.parametrize(
    "lanes",
    [
        np.arange(SLICES * SAMPLES),
        np.arange(0, SLICES * SAMPLES, SAMPLES),
        np.arange(4, SLICES * SAMPLES, SAMPLES)[::-1],
        np.array([3, 17, 1, 8, 20]),
        np.zeros(0, np.int64),
    ],
    ids=["all", "the first of each slice", "the fifth of each slice, backwards", "some in any order", "none"],
)
def test_any_pseudo_slices_can_be_taken(sampled, expected, lanes):
    taken = sampled.take(lanes)
    assert np.array_equal(dense(taken), expected.reshape(-1, CELLS)[lanes])
    assert (taken.marks == 7).all()


@pytest.mark.parametrize(
    "lanes",
    [np.arange(SLICES * SAMPLES), lanes_of(np.array([3, 1]), SAMPLES), np.arange(2, 5), np.zeros(0, np.int64)],
    ids=["all", "two slices", "some samples of one slice", "none"],
)
def test_sums_by_bin_are_those_of_each_sample(sampled, expected, lanes):
    entries = sampled.read(lanes, 64)
    binned = entries.binned(entries.cells // 10, 5)
    assert np.array_equal(binned, expected.reshape(-1, CELLS)[lanes].reshape(-1, 5, 10).sum(2))
    assert np.array_equal(entries.binned(entries.cells, CELLS), expected.reshape(-1, CELLS)[lanes])  # not by part


def test_samples_that_do_not_begin_with_all_rows_are_not_read_as_such(parts):
    times = np.random.default_rng(2).poisson(1, (3, PARTS)).astype(np.uint8)
    sampled = state(parts.reshape(-1, CELLS)).resampled(Counted(times))
    expected = np.einsum("kp,spc->skc", times.astype(float), parts)
    assert np.array_equal(dense(sampled.take(np.arange(0, SLICES * 3, 3))), expected[:, 0])
    entries = sampled.read(np.arange(SLICES * 3), 64)
    assert np.array_equal(entries.binned(entries.cells, CELLS), expected.reshape(-1, CELLS))


def test_other_samples_of_each_slice_are_not_read_as_the_same(sampled):
    with pytest.raises(AssertionError):
        sampled.read(np.array([0, 1, SAMPLES, SAMPLES + 2]), 64)


def test_samples_merge_and_are_sampled_again_as_any_state(sampled, expected):
    lanes = np.arange(SLICES * SAMPLES)
    merged = SampledCells.merged([sampled, sampled], [lanes, lanes[::-1]], len(lanes))
    flat = expected.reshape(-1, CELLS)
    assert np.array_equal(dense(merged), flat + flat[::-1])

    again = sampled.resampled(LeaveOneOut(SAMPLES))
    whole = expected.sum(1, keepdims=True)
    assert np.array_equal(dense(again.take(np.arange(SLICES * (SAMPLES + 1)))).reshape(SLICES, -1, CELLS)[:, :1], whole)
