"""Accuracies, losses and rankings of several classes, against scikit-learn."""

import json

import numpy as np
import pytest
from sklearn import metrics as sk

from assay.errors import BadRowError, ColumnTypeError, EvalConfigError
from assay.extracts.columns import take
from assay.metrics.binding.bound import metrics_of
from assay.metrics.declare import definitions
from assay.metrics.entries.views import Vectors

from .asked import ONE_MODEL, asked
from .engine import EVERY_SLICE, config_of, whole
from .hard_data import hard_classes

CLASSES = 6
BATCH = hard_classes(1500, CLASSES)
LABELS, SCORES, WEIGHTS = BATCH["labels"], BATCH["predictions"], BATCH["example_weights"]
SETS = (np.random.default_rng(3).random(SCORES.shape) < SCORES + 0.1).astype(float)
SETS[::50], SETS[1::50] = 0, 1
SEVERAL = {**BATCH, "labels": SETS}
ROUNDED = np.round(np.random.default_rng(9).dirichlet(np.ones(CLASSES), len(SCORES)), 6)
"""Scores that are all above 0, so that no loss is infinite."""

APART = np.argsort(np.random.default_rng(5).random(SCORES.shape), axis=1) / CLASSES
"""Scores of which no two of a row are equal: scikit-learn takes the last of these, Keras all."""


def known(batch):
    """Rows that have a class."""
    return take(batch, batch["labels"] >= 0)


def value_of(batch, class_name, **settings):
    (value,) = whole(batch, config_of(asked(class_name, **settings)))[()].values()
    return float(value)


def rows_of(labels, scores):
    count = len(labels)
    return {
        "features": {},
        "labels": np.array(labels, float),
        "predictions": np.array(scores, float),
        "example_weights": np.ones(count),
    }


def kappa(weights):
    def expected(y, p, w):
        return sk.cohen_kappa_score(
            y[y >= 0], p.argmax(1)[y >= 0], labels=range(CLASSES), weights=weights, sample_weight=w[y >= 0]
        )

    return expected


def top_k(k):
    return lambda y, p, w: sk.top_k_accuracy_score(y, p, k=k, labels=range(CLASSES), sample_weight=w)


def log_loss(y, p, w):
    return sk.log_loss(y, p / p.sum(1, keepdims=True), labels=range(CLASSES), sample_weight=w)


def correlation(y, p, w):
    return sk.matthews_corrcoef(y[y >= 0], p.argmax(1)[y >= 0], sample_weight=w[y >= 0])


RANKED, POSITIVE = (
    {**known(BATCH), "predictions": APART[LABELS >= 0]},
    {**known(BATCH), "predictions": ROUNDED[LABELS >= 0]},
)
ONE = [
    ("CategoricalAccuracy", {}, BATCH, lambda y, p, w: sk.accuracy_score(y, p.argmax(1), sample_weight=w)),
    ("SparseCategoricalAccuracy", {}, BATCH, lambda y, p, w: sk.accuracy_score(y, p.argmax(1), sample_weight=w)),
    ("TopKCategoricalAccuracy", {}, RANKED, top_k(5)),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, RANKED, top_k(2)),
    ("TopKCategoricalAccuracy", {"k": 1}, BATCH, lambda y, p, w: sk.accuracy_score(y, p.argmax(1), sample_weight=w)),
    ("CategoricalCrossentropy", {}, POSITIVE, log_loss),
    ("SparseCategoricalCrossentropy", {}, POSITIVE, log_loss),
    ("CohenKappa", {}, BATCH, kappa(None)),
    ("CohenKappa", {"weights": "linear"}, BATCH, kappa("linear")),
    ("CohenKappa", {"weights": "quadratic"}, BATCH, kappa("quadratic")),
    ("MultiClassMatthewsCorrelationCoefficient", {}, BATCH, correlation),
]
ANY = [
    ("SubsetAccuracy", {}, lambda y, p, w: sk.accuracy_score(y, p > 0.5, sample_weight=w)),
    ("SubsetAccuracy", {"threshold": 0.2}, lambda y, p, w: sk.accuracy_score(y, p > 0.2, sample_weight=w)),
    ("HammingLoss", {}, lambda y, p, w: sk.hamming_loss(y, p > 0.5, sample_weight=w)),
    ("HammingLoss", {"threshold": 0.2}, lambda y, p, w: sk.hamming_loss(y, p > 0.2, sample_weight=w)),
    (
        "LabelRankingAveragePrecision",
        {},
        lambda y, p, w: sk.label_ranking_average_precision_score(y, p, sample_weight=w),
    ),
    ("LabelRankingLoss", {}, lambda y, p, w: sk.label_ranking_loss(y, p, sample_weight=w)),
    ("CoverageError", {}, lambda y, p, w: sk.coverage_error(y, p, sample_weight=w)),
]
CASES = [*ONE, *((name, settings, SEVERAL, expected) for name, settings, expected in ANY)]
IDS = [f"{name} {json.dumps(settings)}" for name, settings, *_ in CASES]


@pytest.mark.parametrize("weighted", [True, False], ids=["weighted", "unweighted"])
@pytest.mark.parametrize(("name", "settings", "batch", "expected"), CASES, ids=IDS)
def test_a_value_is_that_of_scikit_learn_in_every_slice(name, settings, batch, expected, weighted):
    found = whole(batch, config_of(asked(name, **settings), EVERY_SLICE, weighted))
    assert len(found) > 20
    for key, values in found.items():
        rows = np.ones(len(batch["labels"]), bool)
        for feature, wanted in key:
            rows &= np.array(batch["features"][feature].to_pylist()) == wanted
        own = [batch[column][rows] for column in ("labels", "predictions", "example_weights")]
        weights = own[2] if weighted else np.ones(len(own[2]))
        (value,) = values.values()
        if (
            len(set(own[0][own[0] >= 0])) > 1 or own[0].ndim == 2
        ):  # of one class scikit-learn makes up a value, or fails
            assert value == pytest.approx(expected(own[0], own[1], weights), rel=1e-10, abs=1e-12), key


def test_the_cases_speak_of_every_metric_of_whole_rows():
    of_rows = {name for name, d in ONE_MODEL.items() if isinstance(d.needs.domain.view, Vectors) and d.is_number}
    assert of_rows == {name for name, *_ in CASES} | {"CategoricalCrossEntropy"}


@pytest.mark.parametrize("name", [name for name, *_ in ONE])
def test_class_ids_and_one_hot_labels_have_the_same_value(name):
    one_hot = {**BATCH, "labels": (LABELS[:, None] == np.arange(CLASSES)).astype(float)}
    assert value_of(one_hot, name) == value_of(BATCH, name)


def test_of_equal_scores_the_first_are_the_highest():
    batch = {
        "features": {},
        "labels": np.arange(4.0),
        "predictions": np.full((4, 4), 0.25),
        "example_weights": np.ones(4),
    }
    assert [value_of(batch, "TopKCategoricalAccuracy", k=k) for k in (1, 2, 3, 4)] == [0.25, 0.5, 0.75, 1]


def test_no_prediction_of_a_row_without_a_class_is_right():
    batch = rows_of([[0, 0, 0], [0, 1, 0]], np.eye(3)[:2])
    for name, settings in (("CategoricalAccuracy", {}), ("TopKCategoricalAccuracy", {"k": 3})):
        assert value_of(batch, name, **settings) == 0.5


@pytest.mark.parametrize(
    ("actual", "predicted", "is_defined"),
    [
        ([3, 3, 3], [3, 3, 3], False),
        ([3, 3, 3], [3, 1, 3], True),
        ([0, 3, 1], [3, 3, 3], True),
        ([-1, 3], [0, 3], False),
    ],
)
def test_agreement_is_undefined_where_chance_leaves_nothing_open(actual, predicted, is_defined):
    weights = np.array([0.1, 0.7, 0.3])[: len(actual)]  # of which no sum is exact
    batch = {**rows_of(actual, np.eye(4)[predicted]), "example_weights": weights}
    for kind in ("none", "linear", "quadratic"):
        value = value_of(batch, "CohenKappa", weights=kind)
        assert np.isfinite(value) == is_defined
        assert not is_defined or value == pytest.approx(0, abs=1e-12)
    assert np.isnan(value_of(batch, "MultiClassMatthewsCorrelationCoefficient"))


def test_the_spelling_of_keras_is_known_and_means_the_same():
    batch = POSITIVE
    for name in ("CategoricalCrossentropy", "SparseCategoricalCrossentropy"):
        assert value_of(batch, name, label_smoothing=0.1) == value_of(
            batch, "CategoricalCrossEntropy", label_smoothing=0.1
        )
    names = {
        "BinaryCrossentropy",
        "SparseCategoricalAccuracy",
        "SparseTopKCategoricalAccuracy",
        "SparseCategoricalCrossentropy",
    }
    assert {definitions()[name].name for name in names} == {
        "binary_crossentropy",
        "sparse_categorical_accuracy",
        "sparse_top_k_categorical_accuracy",
        "sparse_categorical_crossentropy",
    }


@pytest.mark.parametrize(
    ("name", "settings", "labels", "scores", "message"),
    [
        ("TopKCategoricalAccuracy", {}, [0, 1], np.eye(2), "TopKCategoricalAccuracy: it asks for the 5 highest"),
        ("TopKCategoricalAccuracy", {"k": 3}, [0, 1], np.eye(2), "TopKCategoricalAccuracy: it asks for the 3 highest"),
        ("HammingLoss", {}, [[1, 0]] * 9, [[3.0, -1.0]] * 9, "is for probabilities from 0 to 1.*set thresholds"),
        ("CategoricalAccuracy", {}, [[1, 1, 0]] * 9, [[0.2, 0.3, 0.5]] * 9, "is for rows of one class"),
        ("CohenKappa", {}, [0, 1], [0.2, 0.4], "it needs a number for each class"),
    ],
)
def test_columns_that_a_metric_cannot_take_are_refused(name, settings, labels, scores, message):
    with pytest.raises(ColumnTypeError, match=message):
        whole(rows_of(labels, scores), config_of(asked(name, **settings)))


def test_a_share_of_a_class_is_refused_where_a_row_has_it_or_not():
    with pytest.raises(BadRowError, match="label neither 0 nor 1, which CoverageError cannot take"):
        whole(rows_of([[1, 0.5], [1, 0]], np.eye(2)), config_of(asked("CoverageError")))


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("TopKCategoricalAccuracy", {"k": 0}, "k must be above 0"),
        ("CohenKappa", {"weights": "cubic"}, "weights must be one of 'none', 'linear', 'quadratic'"),
        ("HammingLoss", {"term": "hit"}, "has no setting 'term'"),
        ("CategoricalAccuracy", {"one_class": False}, "has no setting 'one_class'"),
    ],
)
def test_settings_that_cannot_be_are_refused(name, settings, message):
    with pytest.raises(EvalConfigError, match=message):
        metrics_of(config_of(asked(name, **settings)))
