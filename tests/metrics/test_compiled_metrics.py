"""What a Keras model was compiled with, as its files say it, becomes metrics by the names that Keras gives them."""

from typing import Any

import pytest

from assay.metrics.compiled_metrics import DefaultMetric, Unknown, default_metrics
from assay.models.compiled import Compiled


def of_keras(class_name, module="keras.metrics", **config):
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


def one(metric, *, loss=None, width=None):
    """What becomes of a single metric of a model."""
    return next(iter(default_metrics(Compiled(loss, [metric], None, (), width))))


def seen(metric, **model):
    found = one(metric, **model)
    assert isinstance(found, DefaultMetric), found
    return found.name, found.class_name, found.module, found.settings


BINARY, SPARSE = "binary_crossentropy", "sparse_categorical_crossentropy"


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("mse", ("mse", "MeanSquaredError", "", {})),
        ("MSE", ("MSE", "MeanSquaredError", "", {})),
        ("AUC", ("AUC", "AUC", "", {})),
        ("mean_absolute_error", ("mean_absolute_error", "MeanAbsoluteError", "", {})),
        ("hinge", ("hinge", "Hinge", "keras.metrics", {})),
        ("logcosh", ("logcosh", "LogCoshError", "keras.metrics", {})),
        (
            of_keras(
                "AUC", name="roc", dtype="float32", num_thresholds=200, curve="PR", num_labels=None, multi_label=False
            ),
            ("roc", "AUC", "", {"num_thresholds": 200, "curve": "PR"}),
        ),
        (of_keras("Precision", name="p", thresholds=None, class_id=2), ("p", "Precision", "", {"class_id": 2})),
        (of_keras("F1Score", name="f", average="macro"), ("f", "F1Score", "keras.metrics", {"average": "macro"})),
        (of_keras("IoU", name="i", sparse_y_true=False), ("i", "IoU", "keras.metrics", {"sparse_y_true": False})),
        (
            of_keras("function", "keras.metrics") | {"config": "mean_squared_error"},
            ("mean_squared_error", "MeanSquaredError", "", {}),
        ),
        (
            {
                "class_name": "MeanMetricWrapper",
                "config": {"name": "acc", "dtype": "float32", "fn": "categorical_accuracy"},
            },
            ("acc", "CategoricalAccuracy", "", {}),
        ),
    ],
)
def test_a_metric_of_keras_is_found_by_text_object_or_function(metric, expected):
    assert seen(metric) == expected


@pytest.mark.parametrize(
    ("name", "loss", "width", "class_name"),
    [
        ("accuracy", BINARY, 1, "BinaryAccuracy"),
        ("acc", "mse", 1, "BinaryAccuracy"),
        ("accuracy", BINARY, 5, "CategoricalAccuracy"),
        ("accuracy", SPARSE, None, "CategoricalAccuracy"),
        ("Accuracy", of_keras("CategoricalCrossentropy", "keras.losses"), None, "CategoricalAccuracy"),
        ("crossentropy", BINARY, 1, "BinaryCrossentropy"),
        ("ce", SPARSE, 3, "CategoricalCrossentropy"),
    ],
)
def test_accuracy_and_crossentropy_go_by_the_shape_of_the_predictions_as_in_keras(name, loss, width, class_name):
    assert seen(name, loss=loss, width=width)[:2] == (name, class_name)


@pytest.mark.parametrize(
    ("metric", "name", "why"),
    [
        ("accuracy", "accuracy", "name BinaryAccuracy or CategoricalAccuracy in metrics_specs"),
        ("my_metric", "my_metric", "code of the model's own"),
        (of_keras("Lift", "my_module", name="lift"), "lift", "code of the model's own"),
        (of_keras("AUC", "my_module", name="auc"), "auc", "code of the model's own"),
        (of_keras("mine>AUC", name="auc"), "auc", "code of the model's own"),
        (
            of_keras("function", "builtins") | {"config": "mean_squared_error"},
            "mean_squared_error",
            "code of the model's",
        ),
        ({"class_name": "__lambda__", "config": {"value": ["x", None, None]}}, "__lambda__", "code of the model's own"),
        (of_keras("F1Score", name="f", average=None), "f", "a value for each class"),
        (of_keras("PearsonCorrelation", name="r"), "r", "no sum over rows"),
    ],
)
def test_what_is_no_metric_of_keras_or_cannot_be_summed_is_told_by_name(metric, name, why):
    found = one(metric, loss=BINARY)
    assert isinstance(found, Unknown)
    assert found.name == name
    assert why in found.why


NDCG: dict[str, Any] = {
    "class_name": "tensorflow_ranking>NDCGMetric",
    "config": {"name": "metric/ndcg_10", "topn": 10, "ragged": False},
}


def test_metrics_of_tensorflow_ranking_are_known_with_its_own_gains_alone():
    own = {"gain_fn": "pow_minus_1", "rank_discount_fn": "tensorflow_ranking>log2_inverse"}
    for config in ({}, own):
        metric = {**NDCG, "config": {**NDCG["config"], **config}}
        assert seen(metric) == ("metric/ndcg_10", "NDCGMetric", "", {"topn": 10})

    other = one({**NDCG, "config": {**NDCG["config"], "gain_fn": "mine"}})
    unknown = one({**NDCG, "class_name": "tensorflow_ranking>ARPMetric"})
    assert isinstance(other, Unknown)
    assert isinstance(unknown, Unknown)
    assert "gain_fn is code" in other.why
    assert "does not have this metric" in unknown.why


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("mse", ("MeanSquaredError", "", {})),
        (SPARSE, ("SparseCategoricalCrossentropy", "", {})),
        ("log_cosh", ("LogCosh", "keras.losses", {})),
        (
            of_keras(
                "BinaryCrossentropy",
                "keras.losses",
                name="b",
                reduction="sum_over_batch_size",
                from_logits=True,
                axis=-1,
            ),
            ("BinaryCrossentropy", "", {"from_logits": True}),
        ),
        (
            of_keras("Huber", "keras.losses", name="h", reduction="auto", delta=0.5),
            ("Huber", "keras.losses", {"delta": 0.5}),
        ),
        (of_keras("Huber", "keras.losses", reduction="sum"), "reduction is 'sum'"),
        ("my_loss", "my_loss: it is code"),
        (of_keras("Dice", "keras.losses"), "no sum over rows"),
    ],
)
def test_a_loss_is_a_weighted_metric_named_loss(loss, expected):
    (found,) = default_metrics(Compiled(loss, None, None))
    assert found.name == "loss"
    if isinstance(expected, str):
        assert isinstance(found, Unknown)
        assert expected in found.why
    else:
        assert isinstance(found, DefaultMetric)
        assert (found.class_name, found.module, found.settings) == expected
        assert found.weighted


@pytest.mark.parametrize(
    ("loss", "metrics"),
    [
        (["mse", "mae"], [["mape"], ["mae", "msle"]]),
        ({"a": "mse", "b": "mae"}, {"a": "mape", "b": ["mae", "msle"]}),
    ],
)
def test_each_output_has_its_metrics_and_its_loss_and_their_sum_is_left_out(loss, metrics):
    found = default_metrics(Compiled(loss, metrics, None, ("a", "b")))
    known = [(one.output, one.name, one.class_name) for one in found if isinstance(one, DefaultMetric)]
    assert known == [
        ("a", "mape", "MeanAbsolutePercentageError"),
        ("b", "mae", "MeanAbsoluteError"),
        ("b", "msle", "MeanSquaredLogarithmicError"),
        ("a", "loss", "MeanSquaredError"),
        ("b", "loss", "MeanAbsoluteError"),
    ]
    (total,) = [one for one in found if isinstance(one, Unknown)]
    assert total.name == "loss"


def test_weighted_metrics_are_weighted_and_metrics_are_not():
    found = default_metrics(Compiled(None, ["mse"], ["mae"]))
    assert [(one.name, one.weighted) for one in found if isinstance(one, DefaultMetric)] == [
        ("mse", False),
        ("mae", True),
    ]
