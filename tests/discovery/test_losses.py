"""The loss of each row, and which rows have none."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sklearn.metrics

from assay.config.resolved import parse_eval_config
from assay.discovery.losses import losses_of
from assay.discovery.settings import search_of
from assay.errors import ConfigError
from assay.plan.find_slices import find_slices

BINARY = 'model_specs { label_key: "label" prediction_key: "p" } metrics_specs { metrics { class_name: "AUC" } }'
NUMBERS = BINARY.replace("AUC", "MeanSquaredError")
CLASSES = BINARY.replace("AUC", "CategoricalAccuracy")
TWO = (
    'model_specs { name: "new" label_key: "label" prediction_key: "p" } '
    'model_specs { name: "old" label_key: "label" prediction_key: "q" is_baseline: true } '
    'metrics_specs { metrics { class_name: "AUC" } }'
)


def loss_of(config, **section):
    return search_of(find_slices(section, "find_slices"), parse_eval_config(config)).searched.loss


def losses(config, labels, predictions, **section):
    return losses_of({"labels": labels, "predictions": predictions}, loss_of(config, **section)).of_rows


@pytest.mark.parametrize(("config", "name"), [(BINARY, "log_loss"), (NUMBERS, "squared_error"), (CLASSES, "log_loss")])
def test_the_loss_follows_from_the_metrics(config, name):
    assert loss_of(config).name == name
    assert loss_of(config, loss="zero_one").name == "zero_one"


def test_log_loss_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    labels, p = rng.integers(0, 2, 50).astype(float), rng.random(50)
    assert losses(BINARY, labels, p).mean() == pytest.approx(sklearn.metrics.log_loss(labels, p))
    classes, scores = rng.integers(0, 4, 50), rng.dirichlet(np.ones(4), 50)
    assert losses(CLASSES, classes, scores).mean() == pytest.approx(sklearn.metrics.log_loss(classes, scores))


def test_a_certain_and_wrong_prediction_costs_as_much_as_in_keras():
    assert losses(BINARY, np.array([1.0]), np.array([0.0])) == pytest.approx([-math.log(1e-7)])


def test_shares_of_wrong_predictions():
    assert losses(BINARY, np.array([1.0, 0, 1]), np.array([0.5, 0.5, 0.4]), loss="zero_one").tolist() == [0, 1, 1]
    scores = np.array([[0.2, 0.8], [0.7, 0.3]])
    assert losses(CLASSES, np.array([1, 1]), scores, loss="zero_one").tolist() == [0, 1]


def test_squared_errors():
    assert losses(NUMBERS, np.array([1.0, 5]), np.array([3.0, 5])).tolist() == [4, 0]


@pytest.mark.parametrize(
    ("label", "prediction"), [(np.nan, 0.5), (1, np.nan), (2, 0.5), (1, 1.5), (1, -0.5), (np.inf, 0.5)]
)
def test_rows_of_which_nobody_can_say_the_loss_have_none(label, prediction):
    assert np.isnan(losses(BINARY, np.array([label, 1.0]), np.array([prediction, 0.5]))).tolist() == [True, False]


def test_rows_of_several_classes_have_no_log_loss():
    scores = np.array([[0.2, 0.8], [0.7, 0.3]])
    assert np.isnan(losses(CLASSES, np.array([[1.0, 1], [0, 1]]), scores)).tolist() == [True, False]


def test_against_the_baseline_the_loss_is_the_difference():
    rows = {
        "labels": {"new": np.array([1.0, 0]), "old": np.array([1.0, 0])},
        "predictions": {"new": np.array([0.5, 0.5]), "old": np.array([0.25, 0.5])},
    }
    both = losses_of(rows, loss_of(TWO, baseline=True))
    assert both.of_rows == pytest.approx([math.log(0.25 / 0.5), 0])
    assert both.of_baseline == pytest.approx([-math.log(0.25), -math.log(0.5)])
    assert losses_of(rows, loss_of(TWO)).of_rows == pytest.approx([math.log(2), math.log(2)])


@pytest.mark.parametrize(
    ("config", "section", "message"),
    [
        (BINARY, {"baseline": True}, "find_slices.baseline: expected a baseline beside the model, found none"),
        (BINARY, {"model": "new"}, "find_slices.model: expected one of ['']"),
        (TWO, {"model": "old", "baseline": True}, "find_slices.baseline: expected a baseline beside the model"),
        (TWO.replace("is_baseline: true", ""), {}, "find_slices.model: there are several models; name one of"),
        (BINARY, {"features": ["a"], "edges": {"b": [1]}}, "find_slices.edges: 'b' is not among features"),
        (BINARY.replace("AUC", "ExampleCount"), {}, "find_slices.loss: no metric of the eval config tells"),
    ],
)
def test_what_does_not_fit_the_config_is_refused(config, section, message):
    with pytest.raises(ConfigError) as refused:
        loss_of(config, **section)
    assert message in str(refused.value)
