"""Samples made of parts: against a matrix product, and the same bits whatever else is made beside them."""

import numpy as np
import pytest

from assay.metrics.states import combining
from assay.metrics.states.combining import Counted, LeaveOneOut

PARTS, COLUMNS = 7, 40
TIMES = np.vstack([np.ones(PARTS), np.random.default_rng(0).poisson(1, (30, PARTS))]).astype(np.uint8)


@pytest.fixture(params=[Counted(TIMES), LeaveOneOut(PARTS)], ids=["counted", "leave one out"])
def made(request):
    return request.param


@pytest.fixture
def by_part():
    """(parts, columns), many of them 0; columns 3 and 39 have none."""
    rng = np.random.default_rng(1)
    values = rng.lognormal(0, 3, (PARTS, COLUMNS)) * (rng.random((PARTS, COLUMNS)) < 0.4)
    values[:, [3, 39]] = 0
    return values


def test_sums_are_those_of_a_matrix_product(made, by_part):
    assert made.times.shape == (made.samples, made.parts)
    np.testing.assert_allclose(made.sums(by_part), made.times.astype(float) @ by_part, rtol=1e-12)
    deep = np.stack([by_part, 2 * by_part], axis=-1)
    np.testing.assert_allclose(made.sums(deep)[..., 1], 2 * made.sums(by_part), rtol=1e-12)


@pytest.mark.parametrize("at_once", [1 << 18, 100])
def test_sums_of_few_numbers_are_those_of_all(made, by_part, at_once, monkeypatch):
    monkeypatch.setattr(combining, "_NUMBERS_AT_ONCE", at_once)
    column, part = np.nonzero(by_part.T)
    values = by_part[part, column]
    sums = made.sums_of(part, column, values, COLUMNS)
    np.testing.assert_allclose(sums, made.sums(by_part), rtol=1e-14)
    shuffled = np.random.default_rng(4).permutation(len(part))
    back = np.argsort(part[shuffled], kind="stable")  # by part, columns in any order
    again = made.sums_of(*(numbers[shuffled][back] for numbers in (part, column, values)), COLUMNS)
    assert np.array_equal(again, sums)
    both = made.sums_of(part, column, np.stack([values, -values], axis=1), COLUMNS)
    assert np.array_equal(both[..., 1], -sums)
    assert made.sums_of(part[:0], column[:0], values[:0], 0).shape == (made.samples, 0)


def test_the_bits_of_few_numbers_do_not_depend_on_the_others(made, by_part):
    column, part = np.nonzero(by_part.T)
    values = by_part[part, column]
    together = made.sums_of(part, column, values, COLUMNS)
    for i in range(COLUMNS):
        own = column == i
        assert np.array_equal(made.sums_of(part[own], 0 * column[own], values[own], 1)[:, 0], together[:, i])


def test_samples_are_the_same_by_how_often_parts_count(made, by_part):
    assert np.array_equal(made.counted.times, made.times)
    np.testing.assert_allclose(made.counted.sums(by_part), made.sums(by_part), rtol=1e-14)


def test_the_bits_of_a_column_do_not_depend_on_the_others(made, by_part):
    alone = np.concatenate([made.sums(by_part[:, [i]]) for i in range(COLUMNS)], axis=1)
    assert np.array_equal(alone, made.sums(by_part))


def test_objects_are_merged_as_often_as_their_part_counts(made):
    words = list("abcdefg")
    found = made.folded(words, lambda some: "".join(sorted("".join(one for one in some if one))))
    for merged, times in zip(found, made.times.tolist(), strict=True):
        assert merged == "".join(word * often for word, often in zip(words, times, strict=True))
