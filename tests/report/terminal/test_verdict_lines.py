"""What a log shows of a verdict: each threshold with the value that it hangs on, and what was left out and why."""

import json

import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

import assay
from assay.config.source import parse_eval_config
from assay.gate.unchecked import change_thresholds
from assay.report.terminal.verdict_lines import short_text, verdict_lines
from assay.verdict import Verdict

ROWS = pd.DataFrame(
    {
        "label": [0, 1, 1, 0, 1, 0, 1, 0, 1, 0],
        "new": [0.1, 0.9, 0.6, 0.4, 0.9, 0.2, 0.4, 0.6, 0.7, 0.3],
        "old": [0.3, 0.8, 0.4, 0.5, 0.6, 0.2, 0.5, 0.4, 0.6, 0.4],
        "group": ["a"] * 6 + ["b"] * 4,
    }
)
SPECS = [
    {"name": "new", "label_key": "label", "prediction_key": "new"},
    {"name": "old", "label_key": "label", "prediction_key": "old", "is_baseline": True},
]


def config(threshold, slices=({}, {"feature_keys": ["group"]}), specs=SPECS, **metric):
    metrics = [{"class_name": "AUC", "threshold": threshold, **metric}, {"class_name": "ExampleCount"}]
    return {"model_specs": specs, "slicing_specs": list(slices), "metrics_specs": [{"metrics": metrics}]}


def at_least(bound):
    return {"value_threshold": {"lower_bound": {"value": bound}}}


def checks(*arguments, **settings):
    return assay.analyze_raw_data(ROWS, config(*arguments), **settings).verdict.checks


def test_a_threshold_that_holds_is_shown_with_the_value_nearest_to_its_bound():
    (check,) = checks(at_least(0.5))
    of_b = ROWS[ROWS["group"] == "b"]
    assert (check.metric, check.expected, check.slices) == ("auc [new]", "at least 0.5", "all")
    assert (check.met, check.failed, check.slice, check.rows) == (3, 0, "group=b", 4)
    assert check.value == pytest.approx(roc_auc_score(of_b["label"], of_b["new"]), abs=1e-3)


@pytest.mark.parametrize(
    ("metric", "bound", "failed", "slice_"),
    [("AUC", 0.8, 1, "group=b"), ("AUC", 0.999, 2, "Overall"), ("WeightedExampleCount", 11, 3, "Overall")],
)
def test_a_threshold_that_fails_is_shown_with_the_first_slice_that_fails(metric, bound, failed, slice_):
    (check,) = assay.analyze_raw_data(ROWS, config(at_least(bound), class_name=metric)).verdict.checks
    assert (check.met, check.failed, check.slice) == (3, failed, slice_)


def test_a_change_is_shown_as_a_change():
    (check,) = checks({"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": {"value": -0.5}}}, ({},))
    expected = roc_auc_score(ROWS["label"], ROWS["new"]) - roc_auc_score(ROWS["label"], ROWS["old"])
    assert check.expected == "a change of at least -0.5"
    assert check.value == pytest.approx(expected, abs=1e-3)


def test_a_threshold_for_slices_that_are_not_there_met_none():
    per_slice = [{"slicing_specs": [{"feature_values": {"group": "z"}}], "threshold": at_least(0.1)}]
    result = assay.analyze_raw_data(ROWS, config(at_least(0.1), per_slice_thresholds=per_slice)).verdict
    by_slices = {check.slices: (check.met, check.rows) for check in result.checks}
    assert by_slices["group=z"] == (0, None)
    assert any("no slice" in line and "group=z" in line for line in verdict_lines(json.loads(result.to_json())))


def test_a_value_that_may_be_off_is_shown_with_its_error_bound():
    close = ROWS.assign(new=ROWS["new"] * 1e-3 + [1e-5 * i for i in range(10)])
    few = config(at_least(0.1), ({},), config={"num_thresholds": 4000})
    (check,) = assay.analyze_raw_data(close, few).verdict.checks
    assert 0 < check.error_bound < 0.1
    (line,) = (line for line in verdict_lines({"status": "BLESSED", "checks": [vars(check)]}) if "0.1" in line)
    assert f"{check.value:.6g} ± {check.error_bound:.2g}" in line


def test_an_infinite_value_is_no_undefined_one():
    sure = ROWS.assign(new=ROWS["label"].replace(1, 0.0))  # a probability of 0 for what is true
    bound = {"value_threshold": {"upper_bound": {"value": 9}}}
    verdict = assay.analyze_raw_data(sure, config(bound, ({},), class_name="BinaryCrossEntropy")).verdict
    (check,) = verdict.checks
    assert (check.value, check.failed, check.no_number) == (None, 1, "infinite")
    assert Verdict.from_json(verdict.to_json()) == verdict
    (line,) = (line for line in verdict_lines(json.loads(verdict.to_json())) if "at most 9 " in line)
    assert line.split()[-2:] == ["infinite", "10"]


def test_an_undefined_value_is_shown_as_such():
    one_class = ROWS.assign(group=["c", *ROWS["group"][1:]])
    verdict = assay.analyze_raw_data(one_class, config(at_least(0.1))).verdict
    (check,) = verdict.checks
    assert (check.slice, check.value, check.rows) == ("group=c", None, 1)
    (line,) = (line for line in verdict_lines(json.loads(verdict.to_json())) if "at least 0.1 " in line)
    assert line.split()[-2:] == ["undefined", "1"]


def test_the_lines_stand_below_each_other_and_say_what_was_left_out():
    rows = pd.concat([ROWS, pd.DataFrame([{"label": 1, "new": float("nan"), "old": 0.1, "group": "a"}])])
    verdict = assay.analyze_raw_data(rows, config(at_least(0.8)), on_bad_rows="skip", max_bad_rows=0.5).verdict
    lines = verdict_lines(json.loads(verdict.to_json()))
    assert lines[0] == "NOT_BLESSED: 11 rows"
    assert lines[1].split() == ["threshold", "expected", "slices", "holds", "decided", "by", "value", "rows"]
    assert lines[2].startswith("  auc [new]  at least 0.8  all (3)  no, 1 of 3 fail  group=b")
    assert lines[1].index("holds") == lines[2].index("no, 1 of 3 fail")
    assert lines[3].startswith("  left out: 1 bad row (")
    assert lines[4].startswith("  reason: group=b: auc [new] is ")


CHANGE = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": {"value": 0}}}


def test_without_a_baseline_it_says_which_change_thresholds_were_not_checked():
    verdict = assay.analyze_raw_data(ROWS, config(CHANGE, specs=SPECS[:1]), rubber_stamp=True).verdict
    plain = json.loads(verdict.to_json())
    assert "  no baseline: rubber stamp; not checked: change thresholds" in verdict_lines(plain)
    names = change_thresholds(parse_eval_config(config(CHANGE)))
    assert "  no baseline: rubber stamp; not checked: AUC (a change of at least 0)" in verdict_lines(plain, names)
    assert short_text(plain) == "BLESSED; no baseline: rubber stamp"


def test_a_rubber_stamp_that_has_a_baseline_is_none():
    verdict = assay.analyze_raw_data(ROWS, config(CHANGE), rubber_stamp=True).verdict
    assert verdict.rubber_stamp
    assert not any("baseline" in line for line in verdict_lines(json.loads(verdict.to_json())))


def test_change_thresholds_are_found_wherever_a_config_has_them():
    per_slice = [{"slicing_specs": [{}], "threshold": CHANGE}, {"slicing_specs": [{}], "threshold": at_least(0.5)}]
    cross = [{"cross_slicing_specs": [{"baseline_spec": {}, "slicing_specs": [{}]}], "threshold": CHANGE}]
    metrics = [
        {"class_name": "AUC", "config": '"name": "own"', "per_slice_thresholds": per_slice},
        {"class_name": "FPR", "cross_slice_thresholds": cross},
        {"class_name": "Calibration", "threshold": at_least(0.5)},
    ]
    by_name = {"thresholds": {"mse": CHANGE}, "per_slice_thresholds": {"mae": {"thresholds": per_slice}}}
    found = change_thresholds(parse_eval_config({"metrics_specs": [{"metrics": metrics, **by_name}]}))
    assert found == tuple(f"{name} (a change of at least 0)" for name in ("own", "FPR", "mse", "mae"))


def test_the_verdict_in_a_line_has_the_tally_and_the_first_reason():
    verdict = json.loads(assay.analyze_raw_data(ROWS, config(at_least(0.999))).verdict.to_json())
    first = verdict["reasons"][0]["message"]
    assert short_text(verdict) == f"NOT BLESSED; thresholds: 0 of 1 hold; Overall: {first}; and 1 more reason"


def test_a_verdict_keeps_its_checks_and_one_of_an_older_version_has_none():
    verdict = assay.analyze_raw_data(ROWS, config(at_least(0.5))).verdict
    assert Verdict.from_json(verdict.to_json()) == verdict
    older = {key: value for key, value in json.loads(verdict.to_json()).items() if key != "checks"}
    assert Verdict.from_json(json.dumps(older)).checks == ()
    assert verdict_lines(older) == ["BLESSED: 10 rows"]


def test_names_of_slices_do_nothing_to_the_log():
    rows = ROWS.assign(group=["a"] * 6 + ["\x1b[2J\u202e"] * 4)
    verdict = assay.analyze_raw_data(rows, config(at_least(0.999), ({"feature_keys": ["group"]},))).verdict
    text = "\n".join(verdict_lines(json.loads(verdict.to_json())))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[2J\\u202e" in text
