"""Edges of bins by quantiles: about as many values in each, the same whatever their order, and short."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from assay.slicing.bins import binned
from assay.slicing.feature_bins import Bins
from assay.slicing.quantiles import quantile_bins

RNG = np.random.default_rng(6)
NUMBERS = {
    "normal": RNG.normal(size=997),
    "of 32 bits": RNG.random(500).astype(np.float32),
    "whole": RNG.integers(0, 40, 800).astype(np.float64),
    "many equal": np.where(RNG.random(700) < 0.4, 0.0, RNG.random(700)),
    "huge": RNG.random(300) * 1e20,
    "tiny": RNG.random(300) * 1e-12,
    "neighbours": np.nextafter(1.0, 2.0) ** np.arange(6.0),
    "infinite": np.array([-np.inf, -np.inf, 1.0, 2.0, 3.0, 4.0, np.inf, np.inf]),
}


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize("count", [2, 3, 10])
def test_the_bins_of_a_run_have_as_many_values_as_they_are_said_to_have(kind, count):
    edges, sizes = quantile_bins(NUMBERS[kind], count)
    found = binned(pa.array(NUMBERS[kind]), Bins(edges), "x")
    assert np.bincount(found.indices.to_numpy(), minlength=len(sizes)).tolist() == list(sizes)
    assert all(sizes)


@pytest.mark.parametrize("count", [2, 4, 10])
def test_without_equal_values_bins_are_as_large_as_those_of_pandas_but_for_one(count):
    sizes = quantile_bins(NUMBERS["normal"], count).sizes
    of_pandas = pd.Series(pd.qcut(NUMBERS["normal"], count)).value_counts(sort=False).to_numpy()
    assert len(sizes) == count
    assert np.abs(np.array(sizes) - of_pandas).max() <= 1


def test_edges_do_not_depend_on_the_order_of_the_values():
    values = NUMBERS["many equal"]
    assert quantile_bins(values[::-1], 5) == quantile_bins(values, 5)


@pytest.mark.parametrize(
    ("values", "count", "edges", "sizes"),
    [
        ([1.23456, 1.34567, 1.45678, 1.56789], 2, (1.4,), (2, 2)),
        ([10, 20, 30, 40], 4, (20, 30, 40), (1, 1, 1, 1)),
        ([0, 0, 0, 0, 7], 4, (), (5,)),
        ([0, 0, 7, 7, 7], 2, (7,), (2, 3)),
        ([5.0], 3, (), (1,)),
        ([], 3, (), (0,)),
    ],
)
def test_edges_are_the_shortest_numbers_that_cut_so(values, count, edges, sizes):
    assert quantile_bins(np.array(values, np.float64), count) == (edges, sizes)
