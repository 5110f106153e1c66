"""How far groups lie apart, against scikit-learn on the rows of each and the definitions of fairlearn and Aequitas."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import recall_score
from statsmodels.stats.proportion import confint_proportions_2indep

import assay
from assay.errors import EvalConfigError
from assay.results.keys import metric_key_from_proto, slices_of

RECALL = {"class_name": "Recall", "config": {"thresholds": [0.5]}}
BY_SEX = {"feature_keys": ["sex"]}


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(7)
    label = rng.integers(0, 2, 600)
    return pd.DataFrame(
        {
            "label": label,
            "score": np.clip(0.2 * label + 0.8 * rng.random(600), 0, 1),
            "sex": rng.choice(["f", "m", "x"], 600, p=[0.5, 0.45, 0.05]),
        }
    )


def config(threshold=None, options=None, **disparity):
    spec = {"metrics": [{"class_name": "MeanPrediction"}, RECALL]}
    return {
        "model_specs": [{"label_key": "label", "prediction_key": "score"}],
        "slicing_specs": [BY_SEX],
        "disparities": [{"slicing_spec": BY_SEX, "metrics": ["mean_prediction"], **disparity}],
        "metrics_specs": [{**spec, "thresholds": threshold or {}}],
        "options": options or {},
    }


def values(result):
    """(slice, metric) -> value."""
    return {
        (slices_of(record)[0], metric_key_from_proto(entry.key).name): entry.value.double_value.value
        for record in assay.load_metrics(result.output)
        for entry in record.metric_keys_and_values
    }


def of(sex):
    return (("sex", sex),)


@pytest.mark.parametrize("reference", [None, "m"])
def test_groups_have_their_difference_and_ratio_to_the_reference(frame, reference):
    more = {} if reference is None else {"reference": {"feature_values": {"sex": reference}}}
    found = values(assay.analyze_raw_data(frame, config(**more)))
    means = frame.groupby("sex")["score"].mean()
    base = frame["score"].mean() if reference is None else means[reference]
    for sex in "fmx":
        assert found[of(sex), "mean_prediction_difference"] == pytest.approx(means[sex] - base, abs=1e-12)
        assert found[of(sex), "mean_prediction_ratio"] == pytest.approx(means[sex] / base, abs=1e-12)


def test_the_overall_slice_has_difference_and_ratio_of_the_extremes(frame):
    found = values(assay.analyze_raw_data(frame, config()))
    means = frame.groupby("sex")["score"].mean()
    assert found[(), "mean_prediction_difference_by_sex"] == pytest.approx(means.max() - means.min(), abs=1e-12)
    assert found[(), "mean_prediction_ratio_by_sex"] == pytest.approx(means.min() / means.max(), abs=1e-12)
    assert {name for (key, name) in found if not key} == {
        "mean_prediction", "recall", "mean_prediction_difference_by_sex", "mean_prediction_ratio_by_sex",
    }  # fmt: skip


def test_a_metric_at_one_threshold_has_disparities_too(frame):
    found = values(assay.analyze_raw_data(frame, config(metrics=["recall"])))
    recalls = {s: recall_score(rows["label"], rows["score"] > 0.5) for s, rows in frame.groupby("sex")}
    expected = min(recalls.values()) / max(recalls.values())
    assert found[(), "recall_ratio_by_sex"] == pytest.approx(expected, abs=1e-9)


def at_least(bound):
    return {"value_threshold": {"lower_bound": bound}}


def test_thresholds_by_name_are_for_the_slices_that_have_the_value(frame):
    means = frame.groupby("sex")["score"].mean()
    ratios, extreme = means / frame["score"].mean(), means.min() / means.max()
    bounds = {
        "mean_prediction_ratio": at_least(float(ratios.min()) + 1e-6),
        "mean_prediction_ratio_by_sex": at_least(float(extreme) + 1e-6),
    }
    verdict = assay.analyze_raw_data(frame, config(bounds)).verdict
    assert {(reason.slice, reason.metric) for reason in verdict.reasons} == {
        (f"sex={ratios.idxmin()}", "mean_prediction_ratio"),
        ("Overall", "mean_prediction_ratio_by_sex"),
    }
    assert [check.met for check in verdict.checks] == [3, 1]
    lower = {name: at_least(bound["value_threshold"]["lower_bound"] - 2e-6) for name, bound in bounds.items()}
    assert assay.analyze_raw_data(frame, config(lower)).verdict.status == "BLESSED"


def test_small_groups_are_left_out_of_the_extremes(frame):
    third = np.flatnonzero(frame["sex"] == "x")
    frame = frame.assign(sex=np.where(np.isin(np.arange(len(frame)), third[::2]), "y", frame["sex"]))
    options = {"min_slice_size": len(third) // 2 + 2}  # x and y together are enough, so that no other group is hidden
    found = values(assay.analyze_raw_data(frame, config(options=options)))
    means = frame[frame["sex"].isin(["f", "m"])].groupby("sex")["score"].mean()
    assert found[(), "mean_prediction_difference_by_sex"] == pytest.approx(means.max() - means.min(), abs=1e-12)
    assert (of("x"), "mean_prediction_ratio") not in found


def test_disparities_have_intervals(frame):
    result = assay.analyze_raw_data(frame, config(options={"compute_confidence_intervals": True}))
    table = result.to_frame()
    for place in (("sex=f", "mean_prediction_ratio"), ("Overall", "mean_prediction_difference_by_sex")):
        row = table[(table["slice"] == place[0]) & (table["metric"] == place[1])]
        assert (row["lower_bound"] < row["value"]).all()
        assert (row["value"] < row["upper_bound"]).all()
        assert len(row) == 1


ANALYTIC = {"compute_confidence_intervals": True, "confidence_intervals": {"method": "ANALYTIC"}}


def test_by_formula_groups_have_intervals_beside_the_reference_group_and_extremes_have_a_reason(frame):
    asked = config(options=ANALYTIC, metrics=["recall"], reference={"feature_values": {"sex": "m"}})
    result = assay.analyze_raw_data(frame, asked)
    lines = result.to_frame().to_dict("records")
    found = {(line["slice"], line["metric"]): (line["lower_bound"], line["upper_bound"]) for line in lines}
    positives = frame[frame["label"] == 1]
    counts = {sex: ((rows["score"] > 0.5).sum(), len(rows)) for sex, rows in positives.groupby("sex")}
    for sex in "fx":
        expected = confint_proportions_2indep(*counts[sex], *counts["m"], compare="diff", method="newcomb")
        assert found[f"sex={sex}", "recall_difference"] == pytest.approx(expected, rel=1e-9)
        lower, upper = found[f"sex={sex}", "recall_ratio"]
        (hits, rows), (others, of) = counts[sex], counts["m"]
        assert lower < (hits / rows) / (others / of) < upper
    assert np.isnan(found["sex=m", "recall_difference"]).all()
    reasons = {
        metric_key_from_proto(one.key).name: one.reason
        for record in assay.load_metrics(result.output)
        for one in record.no_intervals
    }
    assert set(reasons) == {"recall_difference_by_sex", "recall_ratio_by_sex"}
    assert all(why.startswith("there is no formula for a comparison of the largest") for why in reasons.values())


def test_by_formula_a_group_beside_all_rows_has_no_interval_and_the_reason(frame):
    result = assay.analyze_raw_data(frame, config(options=ANALYTIC))
    reasons = {
        metric_key_from_proto(one.key).name: one.reason
        for record in assay.load_metrics(result.output)
        for one in record.no_intervals
    }
    assert reasons["mean_prediction_ratio"].startswith("the two slices have rows in common")
    table = result.to_frame()
    assert table[table["metric"] == "mean_prediction_ratio"]["lower_bound"].isna().all()


@pytest.mark.parametrize(
    ("disparity", "message"),
    [
        ({"metrics": ["mean_predictoin"]}, r"^disparities\[0\].metrics\[0\]: no metric has the name .*mean_prediction"),
        ({"metrics": []}, r"^disparities\[0\].metrics: expected names of metrics"),
        ({"slicing_spec": {}}, r"^disparities\[0\].slicing_spec: expected several slices"),
        ({"reference": BY_SEX}, r"^disparities\[0\].reference: expected one slice"),
    ],
)
def test_disparities_that_compare_nothing_are_refused(frame, disparity, message):
    with pytest.raises(EvalConfigError, match=message):
        assay.analyze_raw_data(frame, config(**disparity))
