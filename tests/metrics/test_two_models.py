"""Metrics that compare the predictions of a model with those of the baseline, against numpy and scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics.pairwise import cosine_similarity

import assay
from assay.config.comparisons import COMPARISONS
from assay.config.resolved import parse_eval_config, resolve_eval_config
from assay.errors import BadRowError, ColumnTypeError, EvalConfigError
from assay.gate.unchecked import change_thresholds
from assay.metrics.binding.bound import metrics_of
from assay.metrics.declare import definitions, groups
from assay.metrics.keys import MetricKey
from assay.results.keys import metric_key_from_proto, metric_key_to_proto
from assay.text.words import snake_case

from .asked import TWO_MODELS

ROWS = 400
RNG = np.random.default_rng(5)
LABELS = (RNG.random(ROWS) < 0.4).astype(float)
FRAME = pd.DataFrame(
    {
        "label": LABELS,
        "new": np.clip(RNG.normal(0.4 + 0.2 * LABELS, 0.2), 0, 1),
        "old": np.clip(RNG.normal(0.4 + 0.2 * LABELS, 0.25), 0, 1),
        "group": RNG.choice(["a", "b"], ROWS),
        "weight": RNG.lognormal(0, 1, ROWS),
    }
)
FRAME.loc[::7, "old"] = FRAME["new"][::7]
CLASSES = FRAME.assign(
    label=RNG.integers(0, 4, ROWS).astype(float),
    new=list(RNG.dirichlet(np.ones(4), ROWS)),
    old=list(RNG.dirichlet(np.ones(4), ROWS)),
)
SPECS = [
    {
        "name": name,
        "label_key": "label",
        "prediction_key": name,
        "example_weight_key": "weight",
        "is_baseline": name == "old",
    }
    for name in ("new", "old")
]


def config(*metrics, specs=SPECS, **of_spec):
    """A config of metrics: class names, or with a config or threshold."""
    asked = [{"class_name": metric} if isinstance(metric, str) else metric for metric in metrics]
    return {
        "model_specs": specs,
        "slicing_specs": [{}, {"feature_keys": ["group"]}],
        "metrics_specs": [{"metrics": asked, **of_spec}],
    }


def values(frame, *metrics, folder, **of_spec):
    """Slice -> name -> value, of the only candidate."""
    result = assay.analyze_raw_data(frame, config(*metrics, **of_spec), folder)
    table = result.to_frame()
    return {slice_: dict(zip(rows["metric"], rows["value"], strict=True)) for slice_, rows in table.groupby("slice")}


def rows_of(frame, slice_):
    return frame if slice_ == "Overall" else frame[frame["group"] == slice_.partition("=")[2]]


def mean(values_of_rows, frame):
    return np.average(values_of_rows, weights=frame["weight"])


# Values ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [0.5, 0.3])
def test_flip_rates_are_weighted_shares_of_the_four_cases_in_every_slice(tmp_path, threshold):
    asked = {"class_name": "BooleanFlipRates", "config": f'"threshold": {threshold}'}
    for slice_, found in values(FRAME, asked, folder=tmp_path).items():
        rows = rows_of(FRAME, slice_)
        was, is_now = rows["old"] > threshold, rows["new"] > threshold
        expected = {
            "flip_rate": mean(was != is_now, rows),
            "neg_to_neg_flip_rate": mean(~was & ~is_now, rows),
            "neg_to_pos_flip_rate": mean(~was & is_now, rows),
            "pos_to_neg_flip_rate": mean(was & ~is_now, rows),
            "pos_to_pos_flip_rate": mean(was & is_now, rows),
        }
        assert found == pytest.approx(expected, rel=1e-12)
        assert 0 < expected["flip_rate"] < 1


def test_the_distance_of_two_predictions_is_a_share_of_their_size(tmp_path):
    for slice_, found in values(FRAME, "SymmetricPredictionDifference", folder=tmp_path).items():
        rows = rows_of(FRAME, slice_)
        share = 2 * (rows["new"] - rows["old"]).abs() / (rows["new"] + rows["old"])
        assert found["symmetric_prediction_difference"] == pytest.approx(mean(share.fillna(0), rows), rel=1e-12)


@pytest.mark.parametrize(("new", "old", "expected"), [(0.0, 0.0, 0), (1e-9, 3e-9, 1), (1, -1, np.inf), (-2, -6, 1)])
def test_predictions_near_zero_and_of_different_signs_have_their_distance(tmp_path, new, old, expected):
    frame = FRAME.assign(new=float(new), old=float(old))
    found = values(frame, "SymmetricPredictionDifference", folder=tmp_path)["Overall"]
    assert found["symmetric_prediction_difference"] == pytest.approx(expected)


def test_the_cosine_of_vectors_is_that_of_scikit_learn_and_rows_of_zeros_have_none(tmp_path):
    old = np.stack(CLASSES["old"].tolist())
    old[3] = 0
    frame = CLASSES.assign(old=list(old))
    cosines = np.array([cosine_similarity([a], [b])[0, 0] for a, b in zip(frame["new"], frame["old"], strict=True)])
    kept = np.arange(ROWS) != 3
    for slice_, found in values(frame, "ModelCosineSimilarity", folder=tmp_path).items():
        rows = rows_of(frame[kept], slice_)
        assert found["model_cosine_similarity"] == pytest.approx(mean(cosines[rows.index], rows), rel=1e-12)


def test_flips_of_one_class_are_those_of_its_scores(tmp_path):
    asked = {"class_name": "SymmetricFlipRate", "config": '"threshold": 0.25'}
    result = assay.analyze_raw_data(CLASSES, config(asked, binarize={"class_ids": {"values": [1, 3]}}), tmp_path)
    for class_id in (1, 3):
        new, old = (np.stack(CLASSES[name].tolist())[:, class_id] > 0.25 for name in ("new", "old"))
        found = result.get_metrics_for_slice((), class_id=class_id)["symmetric_flip_rate_diff"]["doubleValue"]
        assert found == pytest.approx(mean(new != old, CLASSES), rel=1e-12)


def test_a_model_compared_with_itself_never_flips(tmp_path):
    found = values(
        FRAME.assign(old=FRAME["new"]), "SymmetricFlipRate", "SymmetricPredictionDifference", folder=tmp_path
    )
    assert set(found["Overall"].values()) == {0}


# The gate -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bound", [0.9, 0.01])
@pytest.mark.parametrize(
    "threshold",
    [
        lambda bound: {"value_threshold": {"upper_bound": bound}},
        lambda bound: {"change_threshold": {"absolute": bound, "direction": "LOWER_IS_BETTER"}},
    ],
    ids=["value", "change"],
)
def test_value_and_change_thresholds_bound_the_value(tmp_path, bound, threshold):
    asked = {"class_name": "SymmetricFlipRate", "threshold": threshold(bound)}
    verdict = assay.analyze_raw_data(FRAME, config(asked), tmp_path).verdict
    assert (verdict.status == "BLESSED") == (bound == 0.9)
    (check,) = verdict.checks
    assert (check.metric, check.met) == ("symmetric_flip_rate [new, weighted]", 3)


def test_a_threshold_by_name_finds_a_value_of_several_that_one_name_stands_for(tmp_path):
    thresholds = {"flip_rate": {"value_threshold": {"upper_bound": 0.01}}}
    verdict = assay.analyze_raw_data(FRAME, config("BooleanFlipRates", thresholds=thresholds), tmp_path).verdict
    assert [reason.metric for reason in verdict.reasons] == ["flip_rate"] * 3


@pytest.mark.parametrize("name", sorted(COMPARISONS))
def test_a_first_run_leaves_them_out_and_says_so(tmp_path, name):
    first = config(
        "ExampleCount", name, thresholds={"flip_rate": {"value_threshold": {"upper_bound": 1}}}, specs=SPECS[:1]
    )
    if name != "BooleanFlipRates":
        first["metrics_specs"][0].pop("thresholds")
    result = assay.analyze_raw_data(FRAME, first, tmp_path, rubber_stamp=True)
    assert (result.verdict.status, result.get_metric_names()) == ("BLESSED", ["example_count"])
    assert change_thresholds(parse_eval_config(first)) == (f"{name} (compares with the baseline)",)


# What is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "asked", "error"),
    [
        ({"specs": SPECS[:1]}, "SymmetricFlipRate", "compares a model with the baseline, and no model spec has is_bas"),
        ({"model_names": ["old"]}, "SymmetricFlipRate", "its metrics spec is for the baseline 'old' alone"),
        ({"binarize": {"k_list": {"values": [1]}}}, "SymmetricFlipRate", "without k_list"),
        (
            {"aggregate": {"weighted_macro_average": True, "class_weights": {"0": 1}}},
            "SymmetricFlipRate",
            "without k_list, weighted_macro_average",
        ),
        ({}, {"class_name": "BooleanFlipRates", "config": '"thresholds": 1'}, "did you mean 'threshold'"),
        (
            {},
            {
                "class_name": "SymmetricFlipRate",
                "threshold": {"change_threshold": {"relative": 0.1, "direction": "LOWER_IS_BETTER"}},
            },
            "has a relative change_threshold",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path, changes, asked, error):
    with pytest.raises(EvalConfigError, match=error):
        assay.analyze_raw_data(FRAME, config(asked, **changes), tmp_path)


def test_models_of_different_widths_are_refused_by_name(tmp_path):
    frame = CLASSES.assign(old=[row[:3] / row[:3].sum() for row in CLASSES["old"]])
    with pytest.raises(ColumnTypeError, match=r"'new'.* has 4 numbers a row and column 'old'.* has 3"):
        assay.analyze_raw_data(frame, config("ModelCosineSimilarity"), tmp_path)


def test_one_number_a_row_has_no_direction(tmp_path):
    with pytest.raises(ColumnTypeError, match="ModelCosineSimilarity: it needs a number for each class"):
        assay.analyze_raw_data(FRAME, config("ModelCosineSimilarity"), tmp_path)


@pytest.mark.parametrize("value", [np.nan, 1.5])
@pytest.mark.parametrize("model", ["new", "old"])
def test_a_bad_prediction_of_either_model_is_a_bad_row(tmp_path, model, value):
    frame = FRAME.copy()
    frame.loc[2, model] = value
    with pytest.raises((BadRowError, ColumnTypeError), match=f"row 2: prediction .* of model '{model}'"):
        assay.analyze_raw_data(frame, config("SymmetricFlipRate"), tmp_path / "1")
    skipped = assay.analyze_raw_data(frame, config("SymmetricFlipRate"), tmp_path / "2", on_bad_rows="skip")
    assert sum(skipped.verdict.bad_rows.values()) == 1


def test_a_class_that_the_models_do_not_have_is_refused(tmp_path):
    with pytest.raises(ColumnTypeError, match=r"SymmetricFlipRate: .*class 7"):
        assay.analyze_raw_data(CLASSES, config("SymmetricFlipRate", binarize={"class_ids": {"values": [7]}}), tmp_path)


# Names ----------------------------------------------------------------------------------------------------------------


def test_the_config_knows_every_metric_that_compares():
    named = {name: {"name": snake_case(name)} for name in TWO_MODELS}
    named["BooleanFlipRates"] = {s: s.removesuffix("_name") for s in groups()["BooleanFlipRates"].members.values()}
    assert named == COMPARISONS
    assert {definitions()[name].name for name in TWO_MODELS} == {one["name"] for one in named.values() if "name" in one}


def test_the_key_is_that_of_a_difference_for_tfma_and_comes_back():
    resolved = resolve_eval_config(parse_eval_config(config("SymmetricFlipRate")))
    (key,) = (metric.key for metric in metrics_of(resolved))
    assert key == MetricKey("symmetric_flip_rate", "new", example_weighted=True, compares=True)
    message = metric_key_to_proto(key)
    assert message.is_diff
    assert metric_key_from_proto(message) == key
