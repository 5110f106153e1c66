"""Values against scikit-learn, on hard data."""

import numpy as np
import pytest
from sklearn import metrics as sk

from assay.extracts.columns import take

from .auc_bound import auc_bound
from .engine import config_of, evaluated, whole
from .hard_data import hard_batch

BATCH = hard_batch(4000)


def at_half(function, **settings):
    return lambda y, p, w: function(y, p > 0.5, sample_weight=w, zero_division=np.nan, **settings)


def matrix(y, p, w):
    tn, fp, fn, tp = sk.confusion_matrix(y, p > 0.5, sample_weight=w, labels=[0, 1]).ravel()
    return tp, fp, tn, fn


REFERENCES = {
    "TruePositives": lambda y, p, w: matrix(y, p, w)[0],
    "FalsePositives": lambda y, p, w: matrix(y, p, w)[1],
    "TrueNegatives": lambda y, p, w: matrix(y, p, w)[2],
    "FalseNegatives": lambda y, p, w: matrix(y, p, w)[3],
    "BinaryAccuracy": lambda y, p, w: sk.accuracy_score(y, p > 0.5, sample_weight=w),
    "Precision": at_half(sk.precision_score),
    "Recall": at_half(sk.recall_score),
    "Specificity": at_half(sk.recall_score, pos_label=0),
    "NegativePredictiveValue": at_half(sk.precision_score, pos_label=0),
    "F1Score": at_half(sk.f1_score),
    "ThreatScore": lambda y, p, w: sk.jaccard_score(y, p > 0.5, sample_weight=w),
    "BalancedAccuracy": lambda y, p, w: sk.balanced_accuracy_score(y, p > 0.5, sample_weight=w),
    "Informedness": lambda y, p, w: sk.balanced_accuracy_score(y, p > 0.5, sample_weight=w, adjusted=True),
    "MatthewsCorrelationCoefficient": lambda y, p, w: sk.matthews_corrcoef(y, p > 0.5, sample_weight=w),
    "MeanSquaredError": lambda y, p, w: sk.mean_squared_error(y, p, sample_weight=w),
    "MeanLabel": lambda y, p, w: np.average(y, weights=w),
    "MeanPrediction": lambda y, p, w: np.average(p, weights=w),
    "Calibration": lambda y, p, w: np.average(p, weights=w) / np.average(y, weights=w),
    "ExampleCount": lambda y, p, w: w.sum(),
    "PositiveLikelihoodRatio": lambda y, p, w: sk.class_likelihood_ratios(y, p > 0.5, sample_weight=w)[0],
    "NegativeLikelihoodRatio": lambda y, p, w: sk.class_likelihood_ratios(y, p > 0.5, sample_weight=w)[1],
}


@pytest.mark.parametrize("weighted", [True, False], ids=["weighted", "unweighted"])
@pytest.mark.parametrize("name", REFERENCES)
def test_equals_scikit_learn(name, weighted):
    config = config_of(f'metrics {{ class_name: "{name}" }}', weighted=weighted)
    weights = BATCH["example_weights"] if weighted else np.ones(4000)
    (found,) = whole(BATCH, config)[()].values()
    assert found == pytest.approx(REFERENCES[name](BATCH["labels"], BATCH["predictions"], weights), rel=1e-12)


def test_auc_equals_scikit_learn_where_no_two_scores_share_a_bucket():
    rng = np.random.default_rng(5)
    scores = (rng.permutation(9_999)[:4000] + 0.5) / 10_000
    batch = {**BATCH, "predictions": scores}
    (found,) = whole(batch, config_of('metrics { class_name: "AUC" }'))[()].values()
    assert found == pytest.approx(
        sk.roc_auc_score(batch["labels"], scores, sample_weight=batch["example_weights"]), rel=1e-12
    )


def test_auc_differs_from_scikit_learn_by_no_more_than_ties_within_buckets_can_do():
    (found,) = whole(BATCH, config_of('metrics { class_name: "AUC" }'))[()].values()
    labels, scores, weights = BATCH["labels"], BATCH["predictions"], BATCH["example_weights"]
    bound = auc_bound(labels, scores, weights)
    assert found == pytest.approx(sk.roc_auc_score(labels, scores, sample_weight=weights), abs=bound)


def test_area_under_precision_recall_is_near_scikit_learns_average_precision():
    (found,) = whole(BATCH, config_of('metrics { class_name: "AUCPrecisionRecall" }'))[()].values()
    reference = sk.average_precision_score(
        BATCH["labels"], BATCH["predictions"], sample_weight=BATCH["example_weights"]
    )
    assert found == pytest.approx(reference, abs=5e-3)


def test_counts_at_a_threshold_are_exact_even_between_scores_of_one_bucket():
    scores = np.array([0.50001, 0.50002, 0.50003, 0.50004])
    batch = {"features": {}, "labels": np.ones(4), "predictions": scores, "example_weights": np.ones(4)}
    config = config_of("""metrics { class_name: "TP" config: '"thresholds": [0.50002, 0.500035, 0.5, 0.6]' }""")
    (found,) = whole(batch, config)[()].values()
    assert found.tolist() == [2.0, 1.0, 4.0, 0.0]


def test_a_fractional_label_counts_as_part_of_both_classes():
    batch = {
        "features": {},
        "labels": np.array([0.25, 1.0]),
        "predictions": np.array([0.9, 0.2]),
        "example_weights": np.array([2.0, 1.0]),
    }
    names = ["TP", "FP", "FN", "TN", "MeanLabel"]
    config = config_of(" ".join(f'metrics {{ class_name: "{n}" }}' for n in names))
    found = {metric.class_name: value for metric, value in whole(batch, config)[()].items()}
    assert found == {"TP": 0.5, "FP": 1.5, "FN": 1.0, "TN": 0.0, "MeanLabel": pytest.approx(0.5)}


def test_vectors_are_flattened_and_class_ids_become_one_hot():
    scores = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
    one_hot = {
        "features": {},
        "labels": np.array([[1.0, 0, 0], [0, 1, 0]]),
        "predictions": scores,
        "example_weights": np.array([1.0, 2.0]),
    }
    ids = {**one_hot, "labels": np.array([0, 1])}
    flattened = {"TP": 1.0, "FP": 2.0, "ExampleCount": 3.0}
    loss = {"CategoricalCrossEntropy": pytest.approx(-(np.log(0.7) + 2 * np.log(0.3)) / 3), "ExampleCount": 3.0}
    for batch, expected in ((one_hot, flattened), (one_hot, loss), (ids, loss)):
        config = config_of(" ".join(f'metrics {{ class_name: "{name}" }}' for name in expected))
        assert {metric.class_name: value for metric, value in whole(batch, config)[()].items()} == expected


def test_calibration_buckets_hold_each_row_once():
    config = config_of('metrics { class_name: "CalibrationPlot" } metrics { class_name: "ConfusionMatrixPlot" }')
    batch = {**BATCH, "predictions": np.floor(BATCH["predictions"] * 9_999) / 10_000 + 0.00005}  # inside a bucket
    values = {metric.class_name: value for metric, value in whole(batch, config)[()].items()}
    lower, upper, weight, label, prediction = values["CalibrationPlot"]
    inside = [(batch["predictions"] >= a) & (batch["predictions"] < b) for a, b in zip(lower, upper, strict=True)]
    w = BATCH["example_weights"]
    np.testing.assert_allclose(weight, [w[i].sum() for i in inside], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(label, [(w * BATCH["labels"])[i].sum() for i in inside], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(prediction, [(w * batch["predictions"])[i].sum() for i in inside], rtol=1e-9, atol=1e-12)


def test_an_empty_batch_adds_nothing():
    config = config_of('metrics { class_name: "AUC" } metrics { class_name: "MeanLabel" }')
    empty = take(BATCH, np.zeros(0, np.int64))
    with_empty = evaluated([(0, [empty, BATCH, empty])], config)
    assert list(with_empty[()].values()) == list(whole(BATCH, config)[()].values())
