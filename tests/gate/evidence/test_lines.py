"""What a gate that asks for evidence says of records: outcomes, effects, and the numbers of each line."""

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats

from assay.gate import validate as whole_gate
from assay.metrics.keys import MetricKey
from assay.proto.validation_result_pb2 import ValidationResult
from assay.verdict import Counts, Limits, Outcome, Status, Verdict
from tests.gate.evidence.made_records import ACCURACY, FRANCE, LOSS, ROWS, config, gate, lines, record

T = scipy.stats.t.ppf(0.95, 19)
PASS, FAIL, UNDECIDED = Outcome.PASS, Outcome.FAIL, Outcome.UNDECIDED


def accuracy(**question):
    return {"metric": "binary_accuracy", **question}


NON_INFERIOR = accuracy(non_inferior={"margin": 0.01})
NOT_WORSE = accuracy(not_worse={})


@pytest.mark.parametrize(
    ("errors", "outcome"),
    [(10, PASS), (1.01, PASS), (0.99, UNDECIDED), (0, UNDECIDED), (-0.99, UNDECIDED), (-1.01, FAIL)],
)
def test_non_inferior_passes_above_its_margin_fails_below_and_is_undecided_between(errors, outcome):
    change = -0.01 + errors * T * 0.001
    (line,) = lines([record(0.9, 0.001, change=change)], NON_INFERIOR)
    assert (line.outcome, line.effect) == (outcome, "pass" if outcome is PASS else "block")
    assert (line.lower, line.upper) == pytest.approx((change - T * 0.001, change + T * 0.001))
    assert (line.value, line.baseline, line.difference, line.rows) == pytest.approx((0.9, 0.9 - change, change, ROWS))
    assert line.p == pytest.approx(scipy.stats.t.sf((change + 0.01) / 0.001, 19), rel=1e-9)


def test_less_is_better_where_the_metric_says_so():
    margin = {"metric": "mean_squared_error", "non_inferior": {"margin": 0.01}}
    of = [lines([record(0.3, 0.001, change=change, key=LOSS)], margin)[0] for change in (-0.5, 0.005, 0.02)]
    assert [line.outcome for line in of] == [PASS, PASS, FAIL]
    assert of[0].expected == "a change below 0.01 with 95% confidence"


@pytest.mark.parametrize(
    ("question", "value", "outcome"),
    [
        ({"at_least": 0.8}, 0.81, PASS),
        ({"at_least": 0.8}, 0.8005, UNDECIDED),
        ({"at_least": 0.8}, 0.79, FAIL),
        ({"at_most": 0.8}, 0.79, PASS),
        ({"at_most": 0.8}, 0.7995, UNDECIDED),
        ({"at_most": 0.8}, 0.81, FAIL),
    ],
)
def test_bounds_are_held_with_confidence(question, value, outcome):
    (line,) = lines([record(value, 0.001)], accuracy(**question))
    assert (line.outcome, line.difference) == (outcome, None)


def test_not_worse_blocks_what_is_shown_after_correction_over_slices():
    """A p-value of about 0.02 alone is a regression; as one of three slices by Holm it is none."""
    change = -scipy.stats.t.isf(0.02, 19) * 0.001
    small = record(0.9, 0.001, change=change)
    others = [record(0.9, 0.001, change=0.0, slice_key=(("country", name),)) for name in "ab"]
    assert lines([small], NOT_WORSE)[0].outcome is FAIL
    overall = lines([small, *others], NOT_WORSE)[0]
    assert overall.outcome is PASS
    assert overall.p == pytest.approx(0.06, rel=1e-6)
    assert lines([small, *others], NOT_WORSE, correction="none")[0].outcome is FAIL


def test_an_intersection_of_slices_needs_no_correction():
    change = -0.01 + 1.01 * T * 0.001
    records = [record(0.9, 0.001, change=change, slice_key=(("country", str(at)),)) for at in range(50)]
    assert {line.outcome for line in lines(records, NON_INFERIOR)} == {PASS}


def test_where_undecided_passes_a_failure_is_one_of_many_tests():
    """Then the gate blocks what is shown, and twenty slices at the margin must not fail by chance."""
    below = -0.01 - scipy.stats.t.isf(0.02, 19) * 0.001
    records = [record(0.9, 0.001, change=below if at == 0 else -0.01, slice_key=(("c", at),)) for at in range(20)]
    assert lines(records, NON_INFERIOR)[0].outcome is FAIL
    assert lines(records, NON_INFERIOR, undecided="pass")[0].outcome is UNDECIDED


@pytest.mark.parametrize(("policy", "effect"), [("block", "block"), ("warn", "warn"), ("pass", "pass")])
def test_the_file_says_what_an_undecided_slice_does(policy, effect):
    (line,) = lines([record(0.9, 0.001, change=-0.01)], NON_INFERIOR, undecided=policy)
    assert (line.outcome, line.effect) == (UNDECIDED, effect)
    (line,) = lines([record(0.9, 0.001, change=-0.01)], {**NON_INFERIOR, "undecided": policy})
    assert line.effect == effect


def test_a_warning_never_blocks():
    for records in ([record(0.9, 0.001, change=-0.5)], [record(0.9)], []):
        assert {line.effect for line in lines(records, {**NON_INFERIOR, "severity": "warn"})} == {"warn"}


def test_an_undecided_line_says_the_rows_that_would_settle_it():
    (line,) = lines([record(0.9, 0.001, change=-0.01 + 0.5 * T * 0.001)], NON_INFERIOR)
    assert line.rows_needed == pytest.approx(4 * ROWS, abs=1)  # half the distance needs four times the rows
    assert "about 40,000 rows of the slice would settle it" in line.why
    (line,) = lines([record(0.9, 0.001, change=-0.01)], NON_INFERIOR)
    assert (line.rows_needed, line.never) == (None, True)
    assert "no number of rows would settle it" in line.why


def test_a_slice_with_few_rows_is_undecided_whatever_its_value():
    few = [record(0.9, 0.001, change=-0.5, rows=199), record(math.nan, 0.001, change=math.nan, rows=3)]
    for one in few:
        (line,) = lines([one], NOT_WORSE)
        assert (line.outcome, line.effect, line.rows_needed) == (UNDECIDED, "block", 200)
        assert "fewer rows than min_rows 200" in line.why
    assert lines(few[:1], NOT_WORSE, min_rows=199)[0].outcome is FAIL
    assert lines(few[:1], {**NOT_WORSE, "min_rows": 100})[0].outcome is FAIL
    assert lines(few[:1], NOT_WORSE, undecided="pass")[0].effect == "pass"


@pytest.mark.parametrize(
    ("records", "why"),
    [
        ([record(0.9, change=0.0)], "it has no confidence interval here"),
        ([record(0.9, math.nan, change=0.0)], "it has no confidence interval here"),
        ([record(math.nan, 0.1, change=math.nan)], "it is undefined"),
        ([record(0.9, 0.1)], "the baseline 'old' has no value of it"),
        ([record(0.9, 0.1, change=0.0, key=LOSS)], "metric not found"),
        ([record(0.9, 0.1, change=0.0, slice_key=FRANCE)], "no slice of the run is one of its slices"),
        ([], "no slice of the run is one of its slices"),
    ],
)
def test_what_cannot_be_judged_blocks_with_its_reason_even_if_undecided_passes(records, why):
    (line,) = lines(records, {**NOT_WORSE, "slices": [{}]}, undecided="pass")
    assert (line.outcome, line.effect) == (UNDECIDED, "block")
    assert why in line.why


def test_the_same_value_in_every_resample_is_no_evidence():
    (line,) = lines([record(1.0, 0.0)], accuracy(at_least=0.8))
    assert (line.outcome, line.effect) == (UNDECIDED, "block")
    assert "every resample has the same value" in line.why


@pytest.mark.parametrize(("rows", "outcome"), [(250, UNDECIDED), (299, PASS)])
def test_models_that_agree_on_all_rows_are_as_sure_as_their_number(rows, outcome):
    """Of no change in n rows Clopper and Pearson say at most 1 - 0.05 ** (1 / n): 1.2 % for 250, 0.997 % for 299."""
    (line,) = lines([record(0.9, 0.0, change=0.0, rows=rows)], NON_INFERIOR)
    assert line.outcome is outcome
    assert line.upper == pytest.approx(1 - 0.05 ** (1 / rows))
    assert outcome is PASS or line.rows_needed == pytest.approx(299, abs=3)


def test_only_the_slices_that_are_named_are_judged():
    records = [record(0.9, 0.001), record(0.1, 0.001, slice_key=FRANCE)]
    wanted: dict[str, dict[str, Any]] = {
        "all": {},
        "overall": {"slices": [{}]},
        "fr": {"slices": [{"feature_values": {"country": "fr"}}]},
        "country": {"slices": [{"feature_keys": ["country"]}]},
    }
    by_slices = {
        name: [line.slice for line in lines(records, accuracy(at_least=0.8, **slices))]
        for name, slices in wanted.items()
    }
    assert by_slices == {
        "all": ["Overall", "country=fr"],
        "overall": ["Overall"],
        "fr": ["country=fr"],
        "country": ["country=fr"],
    }


def test_a_class_may_be_named():
    keys = [ACCURACY._replace(sub_key=None), MetricKey("other", "new")]
    assert [line.metric for line in lines([record(0.9, 0.1, key=key) for key in keys], accuracy(at_least=0.1))]
    assert "metric not found" in lines([record(0.9, 0.1)], accuracy(at_least=0.1, class_id=3))[0].why


def test_an_error_bound_counts_against_either_side():
    message = record(0.805, 0.001)
    assert lines([message], accuracy(at_least=0.8))[0].outcome is PASS
    message.inexact.add(key=message.metric_keys_and_values[0].key, error_bound=0.004)
    assert lines([message], accuracy(at_least=0.8))[0].outcome is UNDECIDED


def test_looks_share_the_level_and_are_named():
    change = -scipy.stats.t.isf(0.02, 19) * 0.001
    (line,) = lines([record(0.9, 0.001, change=change)], NOT_WORSE, looks=10)
    assert (line.outcome, line.expected) == (PASS, "no shown change to the worse (level 0.05 over 10 looks, holm)")
    (line,) = lines([record(0.9, 0.001, change=0.0)], NON_INFERIOR, looks=10)
    assert line.expected == "a change above -0.01 with 95% confidence over 10 looks"
    assert line.upper == pytest.approx(scipy.stats.t.isf(0.005, 19) * 0.001)


def test_the_order_of_records_makes_no_difference():
    generator = np.random.default_rng(4)
    records = [record(0.9, 0.01, change=c, slice_key=(("c", i),)) for i, c in enumerate(generator.normal(0, 0.02, 30))]
    assert lines(records, NOT_WORSE, NON_INFERIOR) == lines(records[::-1], NOT_WORSE, NON_INFERIOR)


# The whole verdict


def verdict_on(records, *thresholds, counts=None, **more):
    section, asked = gate(*thresholds, **more), config()
    result = whole_gate.validate(records, asked, gate=section)
    verdict = whole_gate.verdict(
        result,
        records,
        counts=counts or Counts(rows=ROWS),
        limits=Limits(),
        lines=whole_gate.lines_of(records, asked, section),
        force=(section["force"] or {}).get("reason", ""),
    )
    return result, verdict


def test_a_gate_blesses_with_nothing_but_evidence():
    result, verdict = verdict_on([record(0.9, 0.001, change=0.0)], NON_INFERIOR)
    assert (result.validation_ok, verdict.status, verdict.reasons) == (True, Status.BLESSED, ())
    (check,) = verdict.checks
    assert (check.outcome, check.met, check.failed) == (PASS, 1, 0)


def test_what_blocks_is_a_failure_of_the_validation_result_too():
    records = [record(0.9, 0.001, change=-0.2), record(0.9, 0.001, change=0.0, slice_key=FRANCE)]
    result, verdict = verdict_on(records, NON_INFERIOR)
    assert (result.validation_ok, verdict.status) == (False, Status.NOT_BLESSED)
    (of_slice,) = result.metric_validations_per_slice
    (failure,) = of_slice.failures
    assert failure.metric_value.double_value.value == pytest.approx(-0.2)
    assert failure.metric_threshold.change_threshold.absolute.value == -0.01
    (reason,) = verdict.reasons
    assert (reason.slice, reason.message) == ("Overall", failure.message)
    (check,) = verdict.checks
    assert (check.outcome, check.met, check.failed, check.undecided) == (FAIL, 2, 1, 0)


def test_undecided_and_warned_slices_are_counted_as_such():
    records = [record(0.9, 0.001, change=-0.01)]
    (check,) = verdict_on(records, NON_INFERIOR)[1].checks
    assert (check.outcome, check.failed, check.undecided) == (UNDECIDED, 1, 1)
    _, verdict = verdict_on(records, NON_INFERIOR, undecided="warn")
    (check,) = verdict.checks
    assert (verdict.status, check.outcome, check.warned) == (Status.BLESSED, Outcome.WARN, 1)
    _, verdict = verdict_on([], {**NON_INFERIOR, "severity": "warn"})
    assert [(check.outcome, check.met) for check in verdict.checks] == [(Outcome.WARN, 0)]


def test_a_forced_pass_is_on_record_with_its_reason():
    records = [record(0.9, 0.001, change=-0.2)]
    result, verdict = verdict_on(records, NON_INFERIOR, force={"reason": "fixes INC-42"})
    assert (result.validation_ok, verdict.status, verdict.forced) == (False, Status.BLESSED, "fixes INC-42")
    assert len(verdict.reasons) == 1
    assert "forced pass: fixes INC-42" in verdict.lines()[0]
    assert verdict_on([record(0.9, 0.001, change=0.0)], NON_INFERIOR, force={"reason": "x"})[1].forced == ""
    assert verdict_on(records, NON_INFERIOR, force={"reason": ""})[1].status is Status.NOT_BLESSED


def test_too_few_rows_are_never_forced():
    _, verdict = verdict_on([], NON_INFERIOR, force={"reason": "x"}, counts=Counts(rows=0))
    assert (verdict.status, verdict.forced) == (Status.NOT_EVALUATED, "")


def test_a_verdict_is_read_back_and_one_without_evidence_is_what_it_was():
    _, verdict = verdict_on([record(0.9, 0.001, change=-0.2)], NON_INFERIOR, force={"reason": "x"})
    assert Verdict.from_json(verdict.to_json()) == verdict
    old = Verdict(Status.BLESSED, rows=3)
    assert not {"evidence", "forced"} & {*__import__("json").loads(old.to_json())}
    assert Verdict.from_json(old.to_json()) == old


def test_for_a_first_run_comparisons_are_left_out_and_listed():
    one = config()
    del one.model_specs[1]
    section = gate(NON_INFERIOR, accuracy(at_least=0.5))
    left, kept = whole_gate.lines_of([record(0.9, 0.001)], one, section, rubber_stamp=True)[::-1]
    if left.outcome is not Outcome.WARN:
        left, kept = kept, left
    assert (left.outcome, left.effect, kept.outcome) == (Outcome.WARN, "warn", PASS)
    assert whole_gate.validate([record(0.9, 0.001)], one, rubber_stamp=True, gate=section) == ValidationResult(
        validation_ok=True, rubber_stamp=True
    )
