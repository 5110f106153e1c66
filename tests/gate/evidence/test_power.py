"""The rows that a gate needs, from the records of a run."""

import math

import numpy as np
import pytest

from assay.gate.evidence.asked import asked_of
from assay.gate.evidence.facts import facts_of
from assay.gate.evidence.found import Finder
from assay.gate.evidence.power import needed_rows
from assay.verdict import Outcome
from tests.gate.evidence.made_records import ROWS, config, gate, lines, record

NON_INFERIOR = {"metric": "binary_accuracy", "non_inferior": {"margin": 0.01}}
NOT_WORSE = {"metric": "binary_accuracy", "not_worse": {}}


def needed(records, *thresholds, power=0.8, change=0.0, **more):
    asked = asked_of(gate(*thresholds, **more))
    finder = Finder(asked, config(), rubber_stamp=False)
    for one in records:
        finder.add(one)
    return needed_rows(finder.found(), asked, facts_of(config()), power=power, change=change)


def drawn(true, error, slices, seed):
    """Records of a run whose first slices have these true changes, and the others none."""
    rng = np.random.default_rng(seed)
    errors = error * np.sqrt(rng.chisquare(19, slices) / 19)
    changes = np.pad(true, (0, slices - len(true))) + error * rng.standard_normal(slices)
    pairs = enumerate(zip(changes, errors, strict=True))
    return [record(0.9, e, change=c, slice_key=(("c", f"{at:04}"),)) for at, (c, e) in pairs]


def test_with_the_rows_that_are_named_four_of_five_equal_models_are_shown_to_be():
    (one,) = needed([record(0.9, 0.01, change=-0.003)], NON_INFERIOR)
    outcomes = [line.outcome for line in lines(drawn([0.0], 0.01 * math.sqrt(ROWS / one.rows), 2000, 1), NON_INFERIOR)]
    assert outcomes.count(Outcome.PASS) / 2000 == pytest.approx(0.8, abs=0.035)


def test_with_the_rows_that_are_named_four_of_five_regressions_are_found_among_many_slices():
    records = [record(0.9, 0.01, change=0.0, slice_key=(("c", at),)) for at in range(20)]
    error = 0.01 * math.sqrt(ROWS / needed(records, NOT_WORSE, change=0.02)[0].rows)
    found = [lines(drawn([-0.02], error, 20, seed), NOT_WORSE)[0].outcome is Outcome.FAIL for seed in range(80)]
    assert 0.68 <= np.mean(found) <= 0.94


def test_rows_grow_with_the_square_of_the_error_and_shrink_with_that_of_the_margin():
    (one,) = needed([record(0.9, 0.01, change=0.0)], NON_INFERIOR)
    (double,) = needed([record(0.9, 0.02, change=0.0)], NON_INFERIOR)
    (wide,) = needed([record(0.9, 0.01, change=0.0)], {**NON_INFERIOR, "non_inferior": {"margin": 0.02}})
    assert double.rows == pytest.approx(4 * one.rows, rel=1e-4)
    assert wide.rows == pytest.approx(one.rows / 4, rel=1e-4)
    assert one.detectable == pytest.approx(0.01 * math.sqrt(one.rows / ROWS), rel=1e-4)


def test_a_value_on_its_bound_is_never_decided():
    (one,) = needed([record(0.8, 0.01)], {"metric": "binary_accuracy", "at_least": 0.8})
    assert math.isinf(one.rows)
    (planned,) = needed([record(0.8, 0.01, change=0.0)], NON_INFERIOR, change=0.01)
    assert math.isinf(planned.rows)


def test_fewer_rows_than_min_rows_are_never_enough():
    (one,) = needed([record(0.99, 0.0001)], {"metric": "binary_accuracy", "at_least": 0.1})
    assert one.rows == 200


@pytest.mark.parametrize(
    ("records", "threshold", "problem"),
    [
        ([record(0.9)], {"metric": "binary_accuracy", "at_least": 0.8}, "no confidence interval"),
        ([record(1.0, 0.0)], {"metric": "binary_accuracy", "at_least": 0.8}, "every resample has the same value"),
        ([], {"metric": "binary_accuracy", "at_least": 0.8}, "no slice of the run"),
        ([record(0.9, 0.01, change=0.0)], NOT_WORSE, "needs --change"),
    ],
)
def test_what_cannot_be_known_says_why(records, threshold, problem):
    (one,) = needed(records, threshold)
    assert math.isnan(one.rows)
    assert problem in one.problem
