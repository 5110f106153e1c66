"""Which reasons of a verdict stand first, and by how much values miss their bounds."""

import math

import pytest
from google.protobuf import text_format

from assay.gate.bounds import shortfall
from assay.proto.config_pb2 import GenericChangeThreshold, GenericValueThreshold
from assay.report.severity import by_severity
from assay.verdict import Reason


def value(text):
    return text_format.Parse(text, GenericValueThreshold())


def change(text):
    return text_format.Parse(text, GenericChangeThreshold())


@pytest.mark.parametrize(
    ("threshold", "found", "baseline", "expected"),
    [
        (value("lower_bound { value: 0.8 }"), 0.75, None, 0.05),
        (value("upper_bound { value: 0.1 }"), 0.4, None, 0.3),
        (value("lower_bound { value: 0.2 } upper_bound { value: 0.3 }"), 0.25, None, 0.0),
        (value("lower_bound { value: 0.8 }"), None, None, None),
        (change("absolute { value: 0.01 } direction: HIGHER_IS_BETTER"), -0.02, 0.7, 0.03),
        (change("absolute { value: 0.01 } direction: LOWER_IS_BETTER"), 0.05, 0.7, 0.04),
        (change("relative { value: 0.1 } direction: HIGHER_IS_BETTER"), 0.02, 0.5, 0.03),
        (change("relative { value: 0.1 } direction: HIGHER_IS_BETTER"), 0.02, None, 0.0),
        (change("absolute { value: 0.01 }"), 0.02, 0.5, None),
    ],
)
def test_a_shortfall_is_the_distance_from_the_bound_that_is_missed_most(threshold, found, baseline, expected):
    assert shortfall(threshold, found, baseline) == (None if expected is None else pytest.approx(expected))


def reason(name, found, missed, rows):
    return Reason("r", slice=name, value=found, shortfall=missed, rows=rows)


def test_the_run_comes_first_then_all_rows_then_the_slices_that_miss_most_for_their_rows():
    reasons = [
        reason("noise", 0.7, 0.1, 100),
        reason("undefined", None, None, 10_000),
        reason("clear", 0.75, 0.05, 10_000),
        reason("Overall", 0.79, 0.01, 50_000),
        Reason("too many bad rows"),
        reason("error", 500.0, 400.0, 100),
    ]
    assert [one.slice for one in by_severity(reasons)] == ["", "Overall", "clear", "error", "noise", "undefined"]


def test_a_change_is_held_against_the_value_that_it_changes():
    dropped = Reason("r", slice="change", value=-0.02, baseline=0.8, shortfall=0.02, rows=100)
    assert [one.slice for one in by_severity([dropped, reason("value", 0.7, 0.1, 100)])] == ["value", "change"]


def test_a_miss_counts_as_a_share_so_that_units_do_not_matter():
    small, large = reason("a", 0.001, 0.001, 100), reason("b", 5.0, 1.0, 100)
    assert [one.slice for one in by_severity([large, small])] == ["a", "b"]
    assert math.isfinite(sum(one.shortfall or 0 for one in by_severity([reason("c", 0.0, 0.0, 5)])))
