"""Adjusted p-values, held against statsmodels."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from assay.plan import gate_section
from assay.statistics.corrections import CORRECTIONS, adjusted


@pytest.mark.parametrize("method", [method for method in CORRECTIONS if method != "none"])
@pytest.mark.parametrize("tests", [1, 2, 3, 10, 114])
def test_they_are_those_of_statsmodels(method, tests):
    p = np.random.default_rng(tests).random(tests) ** 4
    p[: tests // 3] = p[0]  # ties
    assert adjusted(p, method) == pytest.approx(multipletests(p, method=method)[1], rel=1e-12)


def test_without_correction_they_stay_what_they_are():
    assert adjusted(np.array([0.04, 0.01]), "none").tolist() == [0.04, 0.01]


def test_no_test_needs_no_correction():
    assert adjusted(np.array([]), "holm").tolist() == []


def test_an_analysis_file_can_name_each_of_them():
    assert set(gate_section.CORRECTIONS) == set(CORRECTIONS)
