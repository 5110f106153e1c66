"""The families of metrics: settings, lists of values, undefined cases; values against independent references."""

import json
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics as sk

from assay.errors import ColumnTypeError, EvalConfigError, MissingColumnError
from assay.extracts.columns import take
from assay.metrics.binding.bound import metrics_of
from assay.metrics.declare import definitions

from .asked import asked
from .engine import config_of, cut, evaluated, unchecked, whole
from .hard_data import hard_batch

ROWS = 3000
BATCH = hard_batch(ROWS)
LABELS, SCORES, WEIGHTS = BATCH["labels"], BATCH["predictions"], BATCH["example_weights"]


def value_of(batch, class_name, **settings):
    (value,) = whole(batch, config_of(asked(class_name, **settings)))[()].values()
    return value


def data(labels, predictions, weights=None):
    weights = np.ones(len(labels)) if weights is None else np.asarray(weights, float)
    return {
        "features": {},
        "labels": np.asarray(labels, float),
        "predictions": np.asarray(predictions, float),
        "example_weights": weights,
    }


# Curves ---------------------------------------------------------------------------------------------------------------


def counts_at(threshold, batch=BATCH):
    y, p, w = batch["labels"], batch["predictions"], batch["example_weights"]
    above = p > threshold
    return [
        w[above & (y == 1)].sum(),
        w[above & (y == 0)].sum(),
        w[~above & (y == 0)].sum(),
        w[~above & (y == 1)].sum(),
    ]


THRESHOLDS = [0.1, 0.25, 0.5, 0.75, 0.9999]


def rates(thresholds):
    tp, fp, tn, fn = np.array([counts_at(t) for t in thresholds]).T
    return {"tpr": tp / (tp + fn), "fpr": fp / (fp + tn), "precision": tp / (tp + fp)}


def test_an_area_over_given_thresholds_is_exact_and_includes_both_ends():
    found = rates(THRESHOLDS)
    x, y = [1.0, *found["fpr"], 0.0], [1.0, *found["tpr"], 0.0]
    expected = sum((a - b) * (c + d) / 2 for a, b, c, d in zip(x, x[1:], y, y[1:], strict=False))
    assert value_of(BATCH, "AUC", thresholds=THRESHOLDS) == pytest.approx(expected, rel=1e-12)
    assert value_of(BATCH, "AUC", thresholds=[-1, *THRESHOLDS[::-1], 2]) == pytest.approx(expected, rel=1e-12)


def test_an_area_over_every_score_is_that_of_scikit_learn():
    small = take(BATCH, np.arange(300))
    thresholds = np.unique(small["predictions"]).tolist()
    expected = sk.roc_auc_score(small["labels"], small["predictions"], sample_weight=small["example_weights"])
    assert value_of(small, "AUC", thresholds=thresholds) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("curve", ["ROC", "PR", "pr"])
@pytest.mark.parametrize("settings", [{}, {"thresholds": THRESHOLDS}, {"num_thresholds": 50}], ids=str)
def test_minoring_and_majoring_bound_the_interpolated_area(curve, settings):
    lower, area, upper = (
        value_of(BATCH, "AUC", curve=curve, summation_method=method, **settings)
        for method in ("minoring", "interpolation", "majoring")
    )
    assert lower < area < upper
    assert upper - lower < (0.05 if not settings else 0.7)


@pytest.mark.parametrize("method", ["interpolation", "minoring", "majoring"])
def test_the_area_under_precision_recall_has_two_names(method):
    pr = value_of(BATCH, "AUC", curve="PR", summation_method=method)
    assert pr == value_of(BATCH, "AUCPrecisionRecall", summation_method=method)


AT = {
    "SensitivityAtSpecificity": ("specificity", lambda r: (1 - r["fpr"], r["tpr"])),
    "SpecificityAtSensitivity": ("sensitivity", lambda r: (r["tpr"], 1 - r["fpr"])),
    "PrecisionAtRecall": ("recall", lambda r: (r["tpr"], r["precision"])),
    "RecallAtPrecision": ("precision", lambda r: (r["precision"], r["tpr"])),
    "RecallAtFalsePositiveRate": ("false_positive_rate", lambda r: (-r["fpr"], r["tpr"])),
    "ThresholdAtRecall": ("recall", lambda r: (r["tpr"], np.array(THRESHOLDS))),
}


@pytest.mark.parametrize("name", AT)
@pytest.mark.parametrize("wanted", [0.03, 0.35, 0.62, 0.97])
def test_the_best_rate_at_given_thresholds_is_that_of_a_search_by_hand(name, wanted):
    setting, select = AT[name]
    held, sought = select(rates(THRESHOLDS))
    feasible = sought[held >= (-wanted if name == "RecallAtFalsePositiveRate" else wanted)]
    expected = feasible.max() if len(feasible) else 0.0
    found = value_of(BATCH, name, thresholds=THRESHOLDS, **{setting: wanted})
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", AT)
def test_a_list_of_rates_gives_an_array_in_its_order_and_one_rate_a_number(name):
    setting, _ = AT[name]
    wanted = [0.9, 0.2, 0.5]
    array = value_of(BATCH, name, **{setting: wanted})
    assert array.shape == (3,)
    assert array.tolist() == [value_of(BATCH, name, **{setting: one}) for one in wanted]
    assert np.ndim(value_of(BATCH, name, **{setting: [0.5]})) == 0


@pytest.mark.parametrize("name", AT)
@pytest.mark.parametrize("label", [0.0, 1.0])
def test_rates_are_undefined_without_the_class_that_they_speak_of(name, label):
    setting, _ = AT[name]
    one_class = {**BATCH, "labels": np.full(ROWS, label)}
    needs_negatives = name in ("SensitivityAtSpecificity", "SpecificityAtSensitivity", "RecallAtFalsePositiveRate")
    assert np.isnan(value_of(one_class, name, **{setting: 0.5})) == (label == 0 or needs_negatives)


def test_a_rate_that_no_threshold_reaches_gives_0():
    batch = data([0, 0, 1, 1], [0.8, 0.9, 0.1, 0.2])
    assert value_of(batch, "RecallAtPrecision", precision=0.9) == 0
    assert value_of(batch, "PrecisionAtRecall", recall=0.5, thresholds=[0.5]) == 0
    assert value_of(batch, "PrecisionAtRecall", recall=0.5) == pytest.approx(1 / 2)


def test_the_highest_threshold_at_a_recall_is_on_the_grid_whatever_scores_there_are():
    batch = data([0, 1, 1, 1], [0.95, 0.72004, 0.5, 0.31])
    assert value_of(batch, "ThresholdAtRecall", recall=[0.3, 0.6, 1.0], num_thresholds=11) == pytest.approx(
        [0.7, 0.4, 0.3]
    )
    assert value_of(batch, "ThresholdAtRecall", recall=0) == pytest.approx(1 + 1e-7, abs=1e-12)


def test_maximal_recall_counts_every_score_above_0():
    assert value_of(data([1, 1, 1, 0], [0, 1e-9, 0.9, 0.4]), "MaxRecall") == pytest.approx(2 / 3)


# Discrimination, regression, losses ---------------------------------------------------------------------------------


def test_discrimination_compares_the_mean_predictions_of_both_classes():
    positives = np.average(SCORES[LABELS == 1], weights=WEIGHTS[LABELS == 1])
    negatives = np.average(SCORES[LABELS == 0], weights=WEIGHTS[LABELS == 0])
    assert value_of(BATCH, "CoefficientOfDiscrimination") == pytest.approx(positives - negatives, rel=1e-12)
    assert value_of(BATCH, "RelativeCoefficientOfDiscrimination") == pytest.approx(positives / negatives, rel=1e-12)


def test_discrimination_is_undefined_for_one_class_and_its_ratio_for_negatives_that_all_score_0():
    assert np.isnan(value_of(data([1, 1], [0.5, 0.6]), "CoefficientOfDiscrimination"))
    assert np.isnan(value_of(data([0, 0], [0.5, 0.6]), "RelativeCoefficientOfDiscrimination"))
    zero = data([0, 1], [0, 0.6])
    assert np.isnan(value_of(zero, "RelativeCoefficientOfDiscrimination"))
    assert value_of(zero, "CoefficientOfDiscrimination") == pytest.approx(0.6)


def regression_batch(seed=3, rows=2000):
    rng = np.random.default_rng(seed)
    labels = rng.lognormal(2, 1, rows)
    return data(labels, labels * rng.lognormal(0, 0.3, rows), rng.lognormal(0, 1.5, rows))


ERRORS = {
    "MeanAbsoluteError": sk.mean_absolute_error,
    "MeanSquaredError": sk.mean_squared_error,
    "MeanSquaredLogarithmicError": sk.mean_squared_log_error,
    "MeanAbsolutePercentageError": lambda y, p, sample_weight: (
        100 * sk.mean_absolute_percentage_error(y, p, sample_weight=sample_weight)
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_those_of_scikit_learn(name):
    batch = regression_batch()
    expected = ERRORS[name](batch["labels"], batch["predictions"], sample_weight=batch["example_weights"])
    assert value_of(batch, name) == pytest.approx(expected, rel=1e-12)


def test_rows_whose_error_is_undefined_are_left_out_with_their_weight():
    assert value_of(data([0, 2, 4], [9, 1, 5], [7, 1, 3]), "MeanAbsolutePercentageError") == pytest.approx(
        (1 * 50 + 3 * 25) / 4
    )
    assert np.isnan(value_of(data([0, 0], [1, 2]), "MeanAbsolutePercentageError"))
    assert value_of(data([1, 3], [-2, 1], [9, 1]), "MeanSquaredLogarithmicError") == pytest.approx(np.log(2) ** 2)
    assert value_of(data([1, 3], [-1, 1]), "MeanSquaredLogarithmicError") == np.inf
    assert value_of(data([1, 3], [-1, 1], [0, 1]), "MeanSquaredLogarithmicError") == pytest.approx(np.log(2) ** 2)


def exact_r2(x, y, w):
    """In rational numbers."""
    x, y, w = ([Fraction(float(v)) for v in column] for column in (x, y, w))
    total = sum(w)
    mx, my = (sum(a * b for a, b in zip(w, v, strict=True)) / total for v in (x, y))
    cov, vx, vy = (
        sum(c * (a - m) * (b - n) for c, a, b in zip(w, p, q, strict=True))
        for p, q, m, n in ((x, y, mx, my), (x, x, mx, mx), (y, y, my, my))
    )
    return float(cov**2 / (vx * vy))


@pytest.mark.parametrize("mean", [0.0, 1e6, -1e9])
def test_a_correlation_keeps_its_digits_where_the_mean_is_large_however_the_rows_are_cut(mean):
    rng = np.random.default_rng(4)
    x = rng.normal(size=900)
    batch = data(mean + x, mean + 0.5 * x + rng.normal(size=900), rng.lognormal(0, 1.5, 900))
    expected = exact_r2(batch["labels"], batch["predictions"], batch["example_weights"])
    assert value_of(batch, "SquaredPearsonCorrelation") == pytest.approx(expected, rel=1e-13)
    splits = [(i, [piece]) for i, piece in enumerate(cut(batch, 1, 2, 300, 0, 400))]
    (found,) = evaluated(splits, config_of(asked("SquaredPearsonCorrelation")))[()].values()
    assert found == pytest.approx(expected, rel=1e-13)
    if mean == 0:
        assert found == pytest.approx(weighted_r2(batch), rel=1e-9)


def weighted_r2(batch):
    cov = np.cov(batch["labels"], batch["predictions"], aweights=batch["example_weights"])
    return cov[0, 1] ** 2 / (cov[0, 0] * cov[1, 1])


@pytest.mark.parametrize("scale", [1e-28, 1e35])
def test_a_correlation_does_not_depend_on_the_unit(scale):
    batch = regression_batch(rows=200)
    scaled = {**batch, "labels": batch["labels"] * scale, "predictions": batch["predictions"] * scale}
    assert value_of(scaled, "SquaredPearsonCorrelation") == pytest.approx(weighted_r2(batch), rel=1e-9)


def test_an_unweighted_correlation_is_that_of_numpy():
    batch = regression_batch()
    (found,) = whole(batch, config_of(asked("SquaredPearsonCorrelation"), weighted=False))[()].values()
    assert found == pytest.approx(np.corrcoef(batch["labels"], batch["predictions"])[0, 1] ** 2, rel=1e-9)


def test_a_correlation_with_a_constant_is_undefined_even_across_batches():
    batch = data(np.full(50, 0.1), np.arange(50), np.random.default_rng(1).lognormal(0, 2, 50))
    splits = [(i, [piece]) for i, piece in enumerate(cut(batch, 7, 20))]
    (found,) = evaluated(splits, config_of(asked("SquaredPearsonCorrelation")))[()].values()
    assert np.isnan(found)


def test_binary_cross_entropy_is_the_log_loss():
    scores = np.clip(SCORES, 1e-6, 1 - 1e-6)
    expected = sk.log_loss(LABELS, scores, sample_weight=WEIGHTS)
    batch = {**BATCH, "predictions": scores}
    assert value_of(batch, "BinaryCrossEntropy") == pytest.approx(expected, rel=1e-9)
    logits = {**BATCH, "predictions": np.log(scores / (1 - scores))}
    assert value_of(logits, "BinaryCrossEntropy", from_logits=True) == pytest.approx(expected, rel=1e-9)


def test_label_smoothing_moves_labels_towards_the_middle():
    batch = data([1, 0], [0.9, 0.3])
    expected = -np.mean([0.95 * np.log(0.9) + 0.05 * np.log(0.1), 0.95 * np.log(0.7) + 0.05 * np.log(0.3)])
    assert value_of(batch, "BinaryCrossEntropy", label_smoothing=0.1) == pytest.approx(expected)


def test_a_sure_prediction_costs_nothing_if_right_and_everything_if_wrong():
    assert value_of(data([1, 0], [1, 0]), "BinaryCrossEntropy") == 0
    assert value_of(data([1, 0], [0, 0]), "BinaryCrossEntropy") == np.inf
    assert value_of(data([1, 0], [0, 0], [0, 1]), "BinaryCrossEntropy") == 0


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(1, keepdims=True))


def vectors(rows=400, classes=4):
    rng = np.random.default_rng(6)
    logits = rng.normal(size=(rows, classes)) * 3
    return logits, rng.integers(0, classes, rows), rng.lognormal(0, 1, rows)


def test_categorical_cross_entropy_is_the_log_loss_of_vectors_and_class_ids():
    logits, ids, weights = vectors()
    p = np.exp(log_softmax(logits))
    expected = sk.log_loss(ids, p, sample_weight=weights)
    for labels in (ids, np.eye(4)[ids]):
        assert value_of(data(labels, p, weights), "CategoricalCrossEntropy") == pytest.approx(expected, rel=1e-9)
        assert value_of(data(labels, 7 * p, weights), "CategoricalCrossEntropy") == pytest.approx(expected, rel=1e-9)
        far = data(labels, logits + 1000, weights)
        assert value_of(far, "CategoricalCrossEntropy", from_logits=True) == pytest.approx(expected, rel=1e-9)


def test_label_smoothing_spreads_over_all_classes():
    logits, ids, weights = vectors()
    smooth = np.eye(4)[ids] * 0.8 + 0.2 / 4
    expected = np.average(-(smooth * log_softmax(logits)).sum(1), weights=weights)
    found = value_of(data(ids, logits, weights), "CategoricalCrossEntropy", from_logits=True, label_smoothing=0.2)
    assert found == pytest.approx(expected, rel=1e-9)


# Columns, plots -----------------------------------------------------------------------------------------------------


def test_the_mean_of_a_column_leaves_missing_values_out_and_takes_its_own_weights():
    batch = {
        **data([0, 1, 1], [0.1, 0.2, 0.3], [5, 5, 5]),
        "features": {"age": pa.array([30.0, None, 60.0]), "w": pa.array([1, 1, 3])},
    }
    path = ["features", "age"]
    plain, weighted = (
        whole(batch, config_of(asked("Mean", feature_key_path=path, example_weights_key_path=w)))[()]
        for w in (None, ["features", "w"])
    )
    assert [(m.key.name, m.key.example_weighted, v) for m, v in plain.items()] == [("mean_features.age", False, 45.0)]
    assert [(m.key.example_weighted, v) for m, v in weighted.items()] == [(True, pytest.approx(210 / 4))]


def test_the_mean_of_a_column_names_what_is_missing_or_no_number():
    batch = {**data([0], [0.1]), "features": {"name": pa.array(["x"]), "pair": np.ones((1, 2))}}
    for path, error, words in [
        (["features", "age"], MissingColumnError, "features.age"),
        (["features"], MissingColumnError, "no column"),
        (["features", "name"], ColumnTypeError, "features.name"),
        (["features", "pair"], ColumnTypeError, "one number a row"),
    ]:
        with pytest.raises(error, match=words):
            value_of(batch, "Mean", feature_key_path=path, example_weights_key_path=None)


CHANGE = "threshold { change_threshold { direction: HIGHER_IS_BETTER absolute { value: 0.1 } } }"


@pytest.mark.parametrize("placed", [CHANGE, f"per_slice_thresholds {{ slicing_specs {{}} {CHANGE} }}"])
def test_a_change_of_the_mean_of_a_column_is_refused_as_it_is_the_same_for_every_model(placed):
    with pytest.raises(
        EvalConfigError, match=r"metrics_specs\[0\]\.metrics\[0\]: Mean has a change_threshold, but a col"
    ):
        metrics_of(config_of(f"{asked('Mean')[:-2]} {placed} }}"))


def test_the_columns_of_a_mean_are_told_to_the_readers():
    (metric,) = metrics_of(
        config_of(asked("Mean", feature_key_path=["features", "age"], example_weights_key_path=["features", "w"]))
    )
    assert metric.stream.columns == ("age", "w")


def test_a_score_distribution_counts_exactly_and_needs_no_labels():
    batch = {k: v for k, v in BATCH.items() if k != "labels"}
    thresholds, tp, fp, tn, fn = value_of(batch, "ScoreDistributionPlot", num_thresholds=250)
    above = np.array([WEIGHTS[t < SCORES].sum() for t in thresholds])
    assert len(thresholds) == 252
    np.testing.assert_allclose(tp, above, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(tn, WEIGHTS.sum() - above, rtol=1e-9, atol=1e-9)
    assert not fp.any()
    assert not fn.any()


@pytest.mark.parametrize(
    ("buckets", "left", "right"), [(1000, 0, 1), (10, 0, 1), (40, 0, 1), (7, 0, 1), (50, -3, 5), (3, 0.25, 0.75)]
)
def test_calibration_buckets_of_any_number_and_range_hold_each_row_once(buckets, left, right):
    rng = np.random.default_rng(8)
    fine = (rng.integers(-300, 10_300, ROWS) + 0.5) / 10_000  # inside fine buckets, some beyond both ends
    inside = np.abs(fine * buckets - np.rint(fine * buckets)) > buckets / 10_000  # and none on a coarse edge
    scores = left + fine[inside] * (right - left)
    batch = {**take(BATCH, inside), "predictions": scores}
    config = config_of(asked("CalibrationPlot", num_buckets=buckets, left=left, right=right))
    (value,) = unchecked(batch, config).values()
    lower, upper, weight, label, prediction = value
    assert len(lower) == buckets + 2
    assert (lower[0], lower[1], upper[-2], upper[-1]) == (-np.inf, left, pytest.approx(right), np.inf)
    within = [(scores >= a) & (scores < b) for a, b in zip(lower, upper, strict=True)]
    for found, of_row in ((weight, 1), (label, batch["labels"]), (prediction, scores)):
        expected = [(batch["example_weights"] * of_row)[rows].sum() for rows in within]
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


# Settings -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("AUC", {"curve": "XY"}, "'ROC', 'PR', found 'XY'"),
        ("AUC", {"summation_method": "midpoint"}, "'minoring'"),
        ("AUC", {"num_thresholds": 1}, "above 1"),
        ("AUC", {"num_thresholds": 10.5}, "whole number"),
        ("AUC", {"num_thresholds": 100, "thresholds": [0.5]}, "exclude each other"),
        ("AUC", {"thresholds": ["high"]}, "expected a number, found 'high'"),
        ("AUC", {"thresholds": []}, "empty"),
        ("AUC", {"threshold": 0.5}, "no setting 'threshold'"),
        ("PrecisionAtRecall", {"recall": 1.5}, "from 0 to 1"),
        ("PrecisionAtRecall", {"recall": [0.5, "x"]}, "expected a number, found 'x'"),
        ("PrecisionAtRecall", {"recall": []}, "empty"),
        ("MaxRecall", {"thresholds": [0.5]}, "no setting 'thresholds'"),
        ("MeanSquaredError", {"term": "weight"}, "no setting 'term'"),
        ("BinaryCrossEntropy", {"from_logits": "yes"}, "true or false"),
        ("BinaryCrossEntropy", {"label_smoothing": 2}, "from 0 to 1"),
        ("BinaryCrossEntropy", {"term": "weight"}, "no setting 'term'"),
        ("CalibrationPlot", {"left": 1, "right": 0}, "below right"),
        ("CalibrationPlot", {"num_buckets": 0}, "from 1"),
        ("ConfusionMatrixPlot", {"num_thresholds": 0}, "above 0"),
        ("Mean", {"feature_key_path": 3}, "expected text"),
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_taken_is_refused_with_its_place(name, settings, words):
    with pytest.raises(EvalConfigError, match=words) as error:
        metrics_of(config_of(asked(name, **settings)))
    assert str(error.value).startswith("metrics_specs[0].metrics[0].config: ")
    assert name in str(error.value)


@pytest.mark.parametrize("name", [name for name, d in definitions().items() if d.example])
def test_a_setting_that_a_metric_cannot_do_without_is_asked_for_with_an_example(name):
    setting = next(iter(json.loads(f"{{{definitions()[name].example}}}")))
    for given in (None, {setting: None}):
        config = f" config: {json.dumps(json.dumps(given))}" if given else ""
        key = 'query_key: "q" ' if definitions()[name].top_k else ""
        with pytest.raises(EvalConfigError, match=f"needs the setting '{setting}'; set it, for example"):
            metrics_of(config_of(f'{key}metrics {{ class_name: "{name}"{config} }}'))


@pytest.mark.parametrize("name", definitions())
def test_every_definition_says_what_documentation_needs(name):
    definition = definitions()[name]
    assert (definition.function.__doc__ or "").rstrip().endswith((".", "it."))
    assert definition.is_plot or definition.range
    assert set(definition.checks) <= set(definition.settings)
    assert set(definition.required) <= {definition.renames.get(name, name) for name in definition.state_settings}
    json.loads(f"{{{definition.example}}}")


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1.0, 1e12])
def test_calibration_has_the_same_value_whatever_the_scale_of_the_weights(scale):
    batch = {"features": {}, "labels": np.array([0.0, 1.0]), "predictions": np.array([0.4, 0.8])}
    batch["example_weights"] = np.full(2, scale)
    (value,) = whole(batch, config_of('metrics { class_name: "Calibration" }', weighted=True))[()].values()
    assert value == pytest.approx(1.2)


@pytest.mark.parametrize("scale", [1e-10, 1.0, 1e10])
@pytest.mark.parametrize(("labels", "expected"), [([1.0, 3.0], 0.5), ([-0.1, -0.2, 0.3], np.nan), ([0.0, 0.0], np.nan)])
def test_calibration_is_undefined_where_labels_sum_to_0_and_nowhere_else(labels, expected, scale):
    labels = np.array(labels) * scale
    batch = {"features": {}, "labels": labels, "predictions": np.full(len(labels), scale)}
    batch["example_weights"] = np.ones(len(labels))
    (value,) = whole(batch, config_of('metrics { class_name: "Calibration" }', weighted=False))[()].values()
    np.testing.assert_allclose(value, expected)


@pytest.mark.parametrize(("threshold", "recall", "specificity"), [("-Infinity", 1, 0), ("Infinity", 0, 1)])
def test_every_score_is_above_minus_infinity_and_none_above_infinity(threshold, recall, specificity):
    names = ("Recall", "Specificity")
    text = " ".join(f"metrics {{ class_name: '{name}' config: '\"thresholds\": [{threshold}]' }}" for name in names)
    found = whole(hard_batch(50), config_of(text + "metrics { class_name: 'AUC' }"))[()]
    assert [float(value) for value in found.values()][:2] == [recall, specificity]
