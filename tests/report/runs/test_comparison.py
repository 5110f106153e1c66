"""Two runs held against each other: values against results that were made by hand."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from assay.errors import ResultsError, UsageError
from assay.metrics.keys import MetricKey
from assay.metrics.values import Interval
from assay.notebook.compare import compare
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.report.numbers import Number
from assay.report.runs.comparison import APART, IN_DOUBT, OTHER_SETTINGS, OVERLAP, Change, Comparison
from assay.results.files import load_metrics
from assay.storage.framing import framed
from assay.types import SliceKey
from tests.report.made_results import save

SLICES: list[SliceKey] = [(), *(((("city", name),)) for name in ("Bonn", "Köln", "Ulm"))]
AUC = MetricKey("auc", "new")


def changed(before, after, **options) -> Comparison:
    return compare(str(before), str(after), **options).comparison


@pytest.fixture
def before(tmp_path: Path) -> Path:
    folder = tmp_path / "before"
    save(folder, SLICES, np.array([0.75, 0.7, 0.8, 0.65]))
    return folder


def edit(folder: Path, name: str, change) -> None:
    content = json.loads((folder / name).read_text())
    change(content)
    (folder / name).write_text(json.dumps(content))


def after(tmp_path: Path, auc, slices=None, **more) -> Path:
    folder = tmp_path / "after"
    save(folder, slices or SLICES, np.array(auc), **more)
    return folder


def around(auc, width) -> dict[MetricKey, Interval]:
    values = np.array(auc)
    return {AUC: Interval(values - width, values + width, values * 0 + width / 2, 20)}


def test_a_change_is_the_value_after_minus_the_value_before(before, tmp_path):
    found = changed(before, after(tmp_path, [0.5, 0.7, 0.9, 0.65]))
    by_metric = {change.metric: change for change in found.overall}
    assert by_metric["auc"].by == pytest.approx(-0.25)
    assert by_metric["auc"].direction == "worse"
    assert by_metric["auc old"].by == 0
    assert by_metric["auc old"].direction == ""
    assert by_metric["auc"].rows == (1000, 1000)


def test_a_lower_error_is_better(before, tmp_path):
    error = MetricKey("mean_squared_error", "new")
    found = changed(before, after(tmp_path, [0.75, 0.7, 0.8, 0.65], more={error: np.full(4, 0.125)}))
    (change,) = (change for change in found.overall if change.metric == "mean_squared_error")
    assert (change.by, change.direction) == (-0.125, "better")


def test_slices_are_ordered_by_how_far_the_metric_with_a_threshold_moved(before, tmp_path):
    found = changed(before, after(tmp_path, [0.75, 0.71, 0.9, 0.6]))
    assert found.leading == "auc"
    assert list(found.slices) == ["city=Köln", "city=Ulm", "city=Bonn"]
    assert [change.metric for change in found.slices["city=Ulm"]] == ["auc"]


def test_a_slice_whose_value_became_undefined_moved_more_than_any_other(before, tmp_path):
    found = changed(before, after(tmp_path, [0.75, np.nan, 0.0, 0.65]))
    assert list(found.slices) == ["city=Bonn", "city=Köln", "city=Ulm"]
    assert math.isnan(found.slices["city=Bonn"][0].by)
    assert found.slices["city=Bonn"][0].direction == ""


def test_slices_whose_intervals_are_apart_come_before_larger_changes(tmp_path):
    old, new = [0.75, 0.7, 0.8, 0.65], [0.75, 0.5, 0.85, 0.65]
    save(tmp_path / "a", SLICES, np.array(old), intervals=around(old, np.array([0.01, 0.2, 0.01, 0.01])))
    save(tmp_path / "b", SLICES, np.array(new), intervals=around(new, np.array([0.01, 0.2, 0.01, 0.01])))
    found = changed(tmp_path / "a", tmp_path / "b")
    assert list(found.slices) == ["city=Köln", "city=Bonn", "city=Ulm"]
    assert [found.slices[name][0].certainty for name in found.slices] == [APART, OVERLAP, OVERLAP]


def test_nothing_is_said_of_the_certainty_of_a_change_where_one_run_has_no_intervals(before, tmp_path):
    new = [0.1, 0.1, 0.1, 0.1]
    found = changed(before, after(tmp_path, new, intervals=around(new, 0.01)))
    assert {change.certainty for change in found.changes(None)} == {""}
    shown = str(compare(before, tmp_path / "after"))
    assert "nothing tells whether a change is more than chance" in shown
    assert "significan" not in shown


def test_intervals_that_touch_overlap():
    def certainty(low, high):
        return Change("Overall", "auc", "", Number(0.5, (0.4, 0.6)), Number(0.7, (low, high)), (1, 1)).certainty

    assert certainty(0.6, 0.8) == OVERLAP
    assert certainty(0.61, 0.8) == APART
    assert certainty(0.0, 1.0) == OVERLAP


def test_a_change_within_what_the_values_may_be_off_by_is_told_to_be_so():
    def change(by, *bounds):
        numbers = Number(0.5, error_bound=bounds[0]), Number(0.5 + by, error_bound=bounds[1])
        return Change("Overall", "auc", "", *numbers, (1, 1), "higher")

    assert change(0.01, 0.01, 0.005).certainty == IN_DOUBT
    assert change(-0.01, 0.004, 0.004).certainty == ""
    assert change(0.0, 0.0, 0.0).certainty == ""


def test_infinite_values_that_are_the_same_did_not_change():
    assert Change("Overall", "loss", "", Number(math.inf), Number(math.inf), (1, 1), "lower").by == 0
    assert Change("Overall", "loss", "", Number(0.1), Number(math.inf), (1, 1), "lower").direction == "worse"


def test_slices_and_metrics_of_one_run_alone_are_named(before, tmp_path):
    slices = [(), (("city", "Bonn"),), (("city", "Trier"),)]
    recall = {MetricKey("recall", "new"): np.ones(3)}
    found = changed(before, after(tmp_path, [0.75, 0.7, 0.8], slices, more=recall))
    assert (sorted(found.gone_slices), found.new_slices) == (["city=Köln", "city=Ulm"], ["city=Trier"])
    assert (found.gone_metrics, found.new_metrics) == ([], ["recall"])
    assert list(found.slices) == ["city=Bonn"]


def test_thresholds_with_another_outcome_are_told_with_both(before, tmp_path):
    new = after(tmp_path, [0.75, 0.5, 0.5, 0.65])

    def checked(expected, **counts):
        return {"metric": "auc [new]", "expected": expected, "slices": "city", "met": 3, **counts}

    first = [checked("at least 0.6"), checked("at least 0.1"), checked("at least 0.2")]
    second = [checked("at least 0.6", failed=2, undecided=1), checked("at least 0.1"), checked("at least 0.7", met=0)]
    edit(before, "verdict.json", lambda verdict: verdict.update(checks=first))
    edit(new, "verdict.json", lambda verdict: verdict.update(checks=second))
    assert {change.threshold: (change.before, change.after) for change in changed(before, new).thresholds} == {
        "auc [new]: at least 0.6, city": ("PASS", "FAIL in 1 of 3, UNDECIDED in 1 of 3"),
        "auc [new]: at least 0.7, city": ("", "FAIL, no slice"),
        "auc [new]: at least 0.2, city": ("PASS", ""),
    }


def test_what_differs_in_data_models_parameters_and_config_is_listed(before, tmp_path):
    new = after(tmp_path, [0.75, 0.7, 0.8, 0.65], places=("data/2/*", "models/2"))

    def other(run):
        config = run["evalConfig"]
        config["slicingSpecs"].append({"featureKeys": ["sex"]})
        threshold = config["metricsSpecs"][0]["metrics"][0]["perSliceThresholds"][0]["threshold"]
        threshold["valueThreshold"]["lowerBound"] = 0.7

    edit(new, "eval_config.json", other)
    edit(new, "results.json", lambda facts: facts["params"].update(date="2024-05-02"))
    found = {change.what: (change.before, change.after) for change in changed(before, new).facts}
    assert found["params.date"] == ("2024-05-01", "2024-05-02")
    assert found["data"] == ("data/*", "data/2/*")
    assert found["model new"] == ("models/new", "models/2")
    assert found['eval_config.slicing_specs[{"feature_keys": ["sex"]}]'] == ("", "yes")
    (bound,) = (change for what, change in found.items() if what.endswith("value_threshold.lower_bound"))
    assert bound == ("0.6", "0.7")
    assert len(found) == 5


def test_a_run_held_against_itself_differs_in_nothing(before):
    found = changed(before, before)
    assert (found.facts, found.thresholds, found.new_slices, found.gone_slices) == ([], [], [], [])
    assert {change.by for change in found.changes(None)} == {0}
    shown = str(compare(before, before))
    assert "None of 3 slices moved by auc." in shown
    assert "chance" not in shown


def test_models_are_matched_by_their_roles(before, tmp_path):
    new = after(tmp_path, [0.5, 0.7, 0.8, 0.65])
    rename(new, {"new": "v2", "old": "new"})  # the candidate of the run before is the baseline now
    by_metric = {change.metric: change for change in changed(before, new).overall}
    assert by_metric["auc"].by == pytest.approx(0.5 - 0.75)
    assert by_metric["auc new"].by == 0


def without_rows(folder: Path) -> None:
    """Records as TFMA writes them, which does not count rows."""
    records = list(load_metrics(folder))
    for record in records:
        record.rows = 0
    write(folder, records)


def write(folder: Path, records: list[MetricsForSlice]) -> None:
    content = b"".join(framed(record.SerializeToString()) for record in records)
    (folder / "metrics-00000-of-00001.tfrecord").write_bytes(content)


def rename(folder: Path, names: dict[str, str]) -> None:
    records = list(load_metrics(folder))
    for record in records:
        for pair in record.metric_keys_and_values:
            pair.key.model_name = names[pair.key.model_name]
    write(folder, records)
    (folder / "validations.tfrecord").unlink()

    def other(run):
        config = run["evalConfig"]
        for spec in config["modelSpecs"]:
            spec["name"] = names[spec["name"]]
        config["metricsSpecs"][0]["modelNames"] = list(names.values())

    edit(folder, "eval_config.json", other)


def test_numbers_of_arrays_are_compared_one_by_one(tmp_path):
    rates = MetricKey("rates", "new")
    save(tmp_path / "a", SLICES, np.full(4, 0.7), more={rates: np.array([[0.1, 0.2]] * 4)})
    save(tmp_path / "b", SLICES, np.full(4, 0.7), more={rates: np.array([[0.1, 0.3]] * 4)})
    found = [c for c in changed(tmp_path / "a", tmp_path / "b").overall if c.metric == "rates"]
    assert [(change.at, change.by) for change in found] == [("[0]", 0), ("[1]", pytest.approx(0.1))]


def test_numbers_of_arrays_have_intervals_of_their_own(tmp_path):
    rates = MetricKey("rates", "new")
    for folder, values in (("a", np.array([[0.1, 0.2]] * 4)), ("b", np.array([[0.1, 0.3]] * 4))):
        interval = Interval(values - 0.04, values + 0.04, values * 0, 20)
        save(tmp_path / folder, SLICES, np.full(4, 0.7), more={rates: values}, intervals={rates: interval})
    found = [c for c in changed(tmp_path / "a", tmp_path / "b").overall if c.metric == "rates"]
    assert [change.certainty for change in found] == [OVERLAP, APART]


def with_thresholds(folder: Path, *thresholds: float) -> None:
    def other(run):
        config = {"thresholds": thresholds, "name": "rates"}
        run["evalConfig"]["metricsSpecs"][0]["metrics"].append({"className": "FallOut", "config": json.dumps(config)})

    edit(folder, "eval_config.json", other)


def test_numbers_of_arrays_are_named_for_their_thresholds(tmp_path):
    rates = MetricKey("rates", "new")
    for folder, values in (("a", [0.5, 0.25]), ("b", [0.75, 0.25])):
        save(tmp_path / folder, SLICES, np.full(4, 0.7), more={rates: np.array([values] * 4)})
        with_thresholds(tmp_path / folder, 0.25, 0.5)
    found = [c for c in changed(tmp_path / "a", tmp_path / "b").overall if c.metric == "rates"]
    assert [(change.at, change.by, change.direction) for change in found] == [
        ("@0.25", 0.25, "worse"),
        ("@0.5", 0, ""),
    ]


def test_arrays_of_other_lengths_are_not_compared_and_that_is_said(tmp_path):
    rates = MetricKey("rates", "new")
    save(tmp_path / "a", SLICES, np.full(4, 0.7), more={rates: np.array([[0.1, 0.2]] * 4)})
    save(tmp_path / "b", SLICES, np.full(4, 0.7), more={rates: np.array([[0.1, 0.2, 0.3]] * 4)})
    assert changed(tmp_path / "a", tmp_path / "b").not_compared == ["rates"]


def test_a_metric_with_other_settings_is_marked_and_its_array_is_not_compared(before, tmp_path):
    rates = MetricKey("false_positive_rate", "new")
    save(before, SLICES, np.full(4, 0.7), more={rates: np.array([[0.1, 0.2]] * 4)})
    new = after(tmp_path, np.full(4, 0.7), more={rates: np.array([[0.1, 0.2]] * 4)})

    def set_(thresholds):
        def other(run):
            metrics = run["evalConfig"]["metricsSpecs"][0]["metrics"]
            metrics[0]["config"] = json.dumps({"exact": len(metrics) == 2})[1:-1]
            config = {"thresholds": thresholds, "name": "false_positive_rate"}
            metrics.append({"className": "FallOut", "config": json.dumps(config)})

        return other

    edit(before, "eval_config.json", set_([0.25, 0.5]))
    edit(new, "eval_config.json", set_([0.5, 0.75]))
    edit(new, "eval_config.json", lambda run: run["evalConfig"]["metricsSpecs"][0]["metrics"][0].pop("config"))
    found = changed(before, new)
    assert found.not_compared == ["false_positive_rate"]
    assert {c.certainty for c in found.overall if c.metric == "auc"} == {OTHER_SETTINGS}
    assert {c.certainty for c in found.overall if c.metric == "mean_squared_error"} == {""}


def test_metrics_that_are_asked_for_are_shown_in_all_slices_and_in_that_order(before, tmp_path):
    new = after(tmp_path, [0.5, 0.7, 0.8, 0.65])
    found = changed(before, new, metrics=["mean_squared_error", "auc_diff"])
    assert [change.metric for change in found.overall] == [
        "mean_squared_error",
        "mean_squared_error old",
        "auc change",
    ]
    assert len(found.slices["city=Bonn"]) == 3
    with pytest.raises(ResultsError, match=r"no metric 'acu' in the results; did you mean 'auc'\?"):
        changed(before, new, metrics=["acu"])


def test_slices_that_are_asked_for_by_a_part_of_their_name_are_compared_alone(before, tmp_path):
    new = after(tmp_path, [0.5, 0.7, 0.8, 0.65])
    found = changed(before, new, slices="city:k")
    assert (list(found.slices), found.overall) == (["city=Köln"], [])
    with pytest.raises(ResultsError, match="no slice has 'Hamburg' in its name; there are Overall, city="):
        changed(before, new, slices="Hamburg")


def test_only_changes_that_meet_a_condition_are_kept(before, tmp_path):
    found = changed(before, after(tmp_path, [0.5, 0.75, 0.875, np.nan]))
    assert list(found.where("change > 0.06 and rows > 1001").slices) == ["city=Köln"]
    assert list(found.where("b = undefined").slices) == ["city=Ulm"]
    assert [change.metric for change in found.where("metric = 'auc'").overall] == ["auc"]
    assert found.where("a > 1").changes(None) == []


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("change <", "--where: at its end: expected a name, a number or a text"),
        ("chnge < 0", "there is no such name; did you mean 'change'?"),
        ("slice < 3", "expected a text to compare with slice"),
    ],
)
def test_a_condition_that_cannot_be_read_is_refused_with_its_place(before, condition, words):
    with pytest.raises(UsageError, match=re.escape(words)):
        changed(before, before).where(condition)


def test_results_without_verdict_and_config_are_compared_by_what_they_have(before, tmp_path):
    new = after(tmp_path, [0.5, 0.7, 0.8, 0.65])
    for name in ("verdict.json", "results.json", "eval_config.json", "validations.tfrecord"):
        (new / name).unlink()
    without_rows(new)
    found = changed(before, new)
    assert found.verdicts[1] is None
    assert {change.rows for change in found.overall} == {(1000, None)}
    assert "All rows, 1,000 in A:" in str(compare(before, new))
    assert found.where("rows > 999").overall == found.overall
    assert {change.metric: change.by for change in found.overall}["auc"] == pytest.approx(-0.25)
    assert "none" in str(compare(before, new))


def test_a_run_that_could_not_evaluate_has_nothing_in_common(before, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "verdict.json").write_text('{"status": "NOT_EVALUATED", "reasons": [{"message": "no rows"}]}')
    found = changed(before, empty)
    assert (list(found.overall), dict(found.slices), len(found.gone_slices)) == ([], {}, 4)
    assert "No number to compare" in str(compare(before, empty))


def test_a_folder_without_results_is_refused(before, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("hello")
    with pytest.raises(ResultsError, match=r"no results; expected metrics or verdict\.json"):
        compare(before, tmp_path / "other")
    with pytest.raises(ResultsError, match="expected a folder of results; there is nothing"):
        compare(before, tmp_path / "nowhere")


def test_a_frame_has_a_row_for_each_number_with_its_interval(tmp_path):
    old, new = [0.75, 0.7, 0.8, 0.65], [0.5, 0.7, np.nan, 0.65]
    save(tmp_path / "a", SLICES, np.array(old), intervals=around(old, 0.125))
    save(tmp_path / "b", SLICES, np.array(new))
    frame = compare(tmp_path / "a", tmp_path / "b", metrics=["auc"]).to_frame().query("metric == 'auc'")
    frame = frame.set_index("slice")
    overall = frame.loc["Overall"]
    assert (overall["a"], overall["a_lower_bound"], overall["a_upper_bound"], overall["b"]) == (0.75, 0.625, 0.875, 0.5)
    assert (overall["change"], overall["direction"], overall["rows_b"]) == (-0.25, "worse", 1000)
    assert np.isnan(frame["b_lower_bound"]).all()
    assert np.isnan(frame["change"]["city=Köln"])
