"""Values of one slice minus those of another, against scikit-learn on the rows of each."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from statsmodels.stats.proportion import confint_proportions_2indep

import assay
from assay.errors import ConfigError, EvalConfigError
from assay.metrics.keys import MetricKey
from assay.results.keys import metric_key_from_proto, slices_of

ROWS = 400
AUC = {"class_name": "AUC", "config": {"exact": True}}
ACCURACY = {"class_name": "BinaryAccuracy"}
BY_GROUP = {"feature_keys": ["group"]}
GROUP_A = {"feature_values": {"group": "a"}}


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(1)
    label = rng.integers(0, 2, ROWS)
    return pd.DataFrame(
        {
            "label": label,
            "score": np.clip(0.3 * label + 0.7 * rng.random(ROWS), 0, 1),
            "old": rng.random(ROWS),
            "group": rng.choice(["a", "b", "c"], ROWS, p=[0.5, 0.45, 0.05]),
            "level": rng.integers(0, 3, ROWS),
        }
    )


def config(*pairs, metric=AUC, slices=({},), models=None, **more):
    return {
        "model_specs": models or [{"label_key": "label", "prediction_key": "score"}],
        "slicing_specs": list(slices),
        "cross_slicing_specs": list(pairs),
        "metrics_specs": [{"metrics": [metric]}],
        **more,
    }


def values(result, key=None):
    """(slice,) or (baseline, comparison) -> value."""
    found = {}
    for record in assay.load_metrics(result.output):
        for entry in record.metric_keys_and_values:
            if key is None or metric_key_from_proto(entry.key) == key:
                found[slices_of(record)] = entry.value.double_value.value
    return found


def auc_of(frame, group=None, column="score"):
    rows = frame if group is None else frame[frame["group"] == group]
    return roc_auc_score(rows["label"], rows[column])


def test_a_pair_has_the_value_of_the_baseline_slice_minus_that_of_the_other(frame):
    result = assay.analyze_raw_data(frame, config({"slicing_specs": [BY_GROUP]}))
    found = values(result)
    pairs = {key: value for key, value in found.items() if len(key) == 2}
    assert pairs == pytest.approx(
        {((), (("group", group),)): auc_of(frame) - auc_of(frame, group) for group in "abc"}, abs=1e-12
    )
    assert {key for key in found if len(key) == 1} == {((),), *(((("group", g),),) for g in "abc")}


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        ({"baseline_spec": GROUP_A}, {("a", None), ("a", "b"), ("a", "c")}),
        ({"baseline_spec": GROUP_A, "slicing_specs": [BY_GROUP]}, {("a", "b"), ("a", "c")}),
        (
            {"baseline_spec": BY_GROUP, "slicing_specs": [BY_GROUP]},
            {(one, other) for one in "abc" for other in "abc" if one != other},
        ),
        ({"baseline_spec": BY_GROUP}, {("a", None), ("b", None), ("c", None)}),
        ({"baseline_spec": {"feature_values": {"group": "nobody"}}}, set()),
    ],
)
def test_slices_of_the_baseline_spec_meet_those_of_the_others(frame, pair, expected):
    found = values(assay.analyze_raw_data(frame, config(pair, slices=[{}, BY_GROUP])))
    texts = {tuple(dict(key).get("group") for key in pair) for pair in found if len(pair) == 2}
    assert texts == expected


def test_a_pair_has_an_interval_around_its_difference(frame):
    options = {"compute_confidence_intervals": True}
    result = assay.analyze_raw_data(
        frame, config({"baseline_spec": GROUP_A, "slicing_specs": [BY_GROUP]}, options=options)
    )
    (entry,) = (
        entry
        for record in assay.load_metrics(result.output)
        for entry in record.metric_keys_and_values
        if len(slices_of(record)) == 2 and dict(slices_of(record)[1]) == {"group": "b"}
    )
    interval = entry.confidence_interval
    low, high = interval.lower_bound.double_value.value, interval.upper_bound.double_value.value
    assert low < entry.value.double_value.value < high
    # Two groups of 200 and 180 rows: by Hanley and McNeil an AUC of 0.8 has a standard error of about 0.031.
    assert interval.standard_error.double_value.value == pytest.approx(0.031 * 2**0.5, rel=0.5)


def test_by_formula_a_pair_without_rows_in_common_has_the_interval_of_both_together(frame):
    options = {"compute_confidence_intervals": True, "confidence_intervals": {"method": "ANALYTIC"}}
    pairs = {"baseline_spec": GROUP_A}
    result = assay.analyze_raw_data(frame, config(pairs, slices=[{}, BY_GROUP], metric=ACCURACY, options=options))
    right = {group: (rows["score"] > 0.5) == rows["label"] for group, rows in frame.groupby("group")}
    reasons = {}
    for record in assay.load_metrics(result.output):
        if len(slices_of(record)) == 2:
            other = dict(slices_of(record)[1]).get("group")
            (entry,) = record.metric_keys_and_values
            reasons[other] = [one.reason for one in record.no_intervals]
            if other is None:
                assert not entry.HasField("confidence_interval")
                continue
            counts = [count for group in ("a", other) for count in (right[group].sum(), len(right[group]))]
            interval = entry.confidence_interval
            found = interval.lower_bound.double_value.value, interval.upper_bound.double_value.value
            expected = confint_proportions_2indep(*counts, compare="diff", method="newcomb")
            assert found == pytest.approx(expected, rel=1e-9)
    assert reasons["b"] == reasons["c"] == []
    (why,) = reasons[None]
    assert why.startswith("the two slices have rows in common")


def test_changes_between_models_have_differences_between_slices(frame):
    models = [
        {"name": "new", "label_key": "label", "prediction_key": "score"},
        {"name": "old", "label_key": "label", "prediction_key": "old", "is_baseline": True},
    ]
    asked = config({"slicing_specs": [GROUP_A]}, models=models)
    change = MetricKey("auc", "new", example_weighted=False, is_diff=True)
    found = values(assay.analyze_raw_data(frame, asked), change)
    of_all, of_a = (auc_of(frame, g) - auc_of(frame, g, "old") for g in (None, "a"))
    assert found[(), (("group", "a"),)] == pytest.approx(of_all - of_a, abs=1e-12)


def with_threshold(bounds, pair):
    threshold = {"cross_slicing_specs": [pair], "threshold": {"value_threshold": bounds}}
    return {**AUC, "cross_slice_thresholds": [threshold]}


def test_a_threshold_on_pairs_bounds_the_difference_and_the_verdict_names_the_pair(frame):
    pair = {"slicing_specs": [BY_GROUP]}
    worst = max(auc_of(frame) - auc_of(frame, group) for group in "abc")
    for bound, status in ((worst + 1e-6, "BLESSED"), (worst - 1e-6, "NOT_BLESSED")):
        metric = with_threshold({"upper_bound": bound}, pair)
        verdict = assay.analyze_raw_data(frame, config(pair, metric=metric)).verdict
        assert verdict.status == status
        (check,) = verdict.checks
        assert (check.met, check.slices) == (3, "overall vs group")
    (reason,) = verdict.reasons
    assert reason.slice == max("abc", key=lambda g: auc_of(frame) - auc_of(frame, g)).join(["Overall vs group=", ""])
    assert reason.value == pytest.approx(worst, abs=1e-12)


def test_a_threshold_on_pairs_that_do_not_occur_is_told(frame):
    pair = {"slicing_specs": [{"feature_values": {"group": "nobody"}}]}
    verdict = assay.analyze_raw_data(frame, config(pair, metric=with_threshold({"upper_bound": 1.0}, pair))).verdict
    assert verdict.status == "NOT_BLESSED"
    assert [r.message for r in verdict.reasons] == [
        "no pair of slices matches the thresholds on overall vs group=nobody"
    ]


def test_a_threshold_on_pairs_that_nothing_computes_is_refused(frame):
    metric = with_threshold({"upper_bound": 1.0}, {"slicing_specs": [BY_GROUP]})
    for pairs in ([], [{"slicing_specs": [{"feature_keys": ["level"]}]}], [{"baseline_spec": GROUP_A}]):
        with pytest.raises(EvalConfigError, match="no cross slicing spec compares all rows with group, so that"):
            assay.analyze_raw_data(frame, config(*pairs, metric=metric))


def test_pairs_with_a_slice_that_is_too_small_have_no_values(frame):
    small = int((frame["group"] == "c").sum())
    pair = {"slicing_specs": [BY_GROUP]}
    asked = config(pair, metric=with_threshold({"upper_bound": 1.0}, pair), options={"min_slice_size": small + 1})
    result = assay.analyze_raw_data(frame, asked)

    # Group b is withheld, as all rows without a and b are those of c.
    assert {dict(key[1])["group"] for key in values(result) if len(key) == 2} == {"a"}
    (reason,) = result.verdict.reasons
    assert (reason.slice, reason.rows) == ("", None)
    assert "is not shown in 2 slices that min_slice_size hides" in reason.message


def test_too_many_pairs_are_refused(frame, tmp_path):
    frame.to_parquet(tmp_path / "rows.parquet")
    analysis = {
        "inputs": {"format": "parquet", "files": str(tmp_path / "rows.parquet")},
        "eval_config": config({"baseline_spec": BY_GROUP, "slicing_specs": [BY_GROUP]}),
        "output": str(tmp_path / "out"),
        "max_slices": 8,
    }
    from assay.plan.analysis_file import compile_analysis
    from assay.run import local

    with pytest.raises(ConfigError, match=r"3 slices by group and 3 others make more than 8 pairs"):
        local.run(compile_analysis(analysis, tmp_path))


def test_tables_and_frames_have_a_line_for_each_pair(frame):
    result = assay.analyze_raw_data(frame, config({"slicing_specs": [BY_GROUP]}))
    table = result.to_frame()
    assert list(table["slice"])[-3:] == [f"Overall vs group={group}" for group in "abc"]
    assert "Overall vs group=a" in result._repr_html_()
