"""Metrics and losses of Keras 3 by name, held against Keras itself on the rows of each slice."""

from __future__ import annotations

import importlib
from concurrent.futures import ThreadPoolExecutor
from json import dumps
from typing import Any

import numpy as np
import pytest

from assay.config.own_modules import KERAS_LOSSES, KERAS_METRICS, ONLY_IN_KERAS, OURS_IN_KERAS, own_module
from assay.errors import ConfigError, EvalConfigError, MetricError
from assay.evaluators.metrics_and_plots import MetricsAndPlotsEvaluator
from assay.extracts.columns import row_count, take
from assay.metrics.binding.bound import metrics_of
from assay.metrics.computations.keras_metrics import KerasKind, KerasTable
from assay.metrics.declare import definitions
from assay.metrics.keras_definitions import _OTHERS
from assay.metrics.states.objects import Rows

from .engine import config_of, cut, evaluated, whole

RNG = np.random.default_rng(4)
ROWS = 300
BY_GROUP = 'slicing_specs {} slicing_specs { feature_keys: "group" }'
SHARES: dict[str, Any] = {
    "features": {"group": RNG.integers(0, 3, ROWS)},
    "labels": RNG.integers(0, 2, ROWS).astype(float),
    "predictions": RNG.random(ROWS),
    "example_weights": RNG.integers(0, 4, ROWS).astype(float),
}
IDS = {**SHARES, "predictions": RNG.integers(0, 2, ROWS).astype(float)}
VECTORS = {
    **SHARES,
    "labels": np.eye(3)[RNG.integers(0, 3, ROWS)],
    "predictions": RNG.dirichlet([1.0, 1.0, 1.0], ROWS),
}

OWN_KERAS = "tests.metrics.own_keras_metrics"

METRICS = [
    ("Accuracy", {}, IDS),
    ("BinaryIoU", {}, SHARES),
    ("Hinge", {}, SHARES),
    ("IoU", {"num_classes": 2, "target_class_ids": [1]}, IDS),
    ("LogCoshError", {}, SHARES),
    ("MeanIoU", {"num_classes": 2}, IDS),
    ("Poisson", {}, SHARES),
    ("R2Score", {}, SHARES),
    ("RootMeanSquaredError", {}, SHARES),
    ("SquaredHinge", {}, SHARES),
    ("CategoricalHinge", {}, VECTORS),
    ("CosineSimilarity", {}, VECTORS),
    ("F1Score", {"average": "macro"}, VECTORS),
    ("FBetaScore", {"average": "weighted", "beta": 2.0}, VECTORS),
    ("KLDivergence", {}, VECTORS),
    ("OneHotMeanIoU", {"num_classes": 3}, VECTORS),
]
LOSSES = [
    ("BinaryFocalCrossentropy", {"gamma": 1.0}, SHARES),
    ("Huber", {"delta": 0.3}, SHARES),
    ("LogCosh", {}, SHARES),
    ("CategoricalFocalCrossentropy", {}, VECTORS),
    ("CosineSimilarity", {}, VECTORS),
]
ALL = [(KERAS_METRICS, *one) for one in METRICS] + [(KERAS_LOSSES, *one) for one in LOSSES]
cases = pytest.mark.parametrize(("module", "name", "settings", "batch"), ALL, ids=[f"{m}.{n}" for m, n, _, _ in ALL])


def asked(module, name, settings):
    return config_of(
        f"metrics {{ class_name: '{name}' module: '{module}' config: {dumps(dumps(settings))} }}", BY_GROUP
    )


def by_keras(module, name, settings, labels, predictions, weights):
    """What Keras says of rows, which have a last axis; those without weight are left out."""
    own = getattr(importlib.import_module(module), name)
    labels, predictions = (v if v.ndim > 1 else v[:, None] for v in (labels, predictions))
    if module == KERAS_LOSSES:
        losses = own(**settings, reduction=None, dtype="float64")(labels, predictions)
        return np.average(np.asarray(losses), weights=weights)
    held = own(**settings, dtype="float64")
    held.update_state(labels, predictions, sample_weight=weights)
    return float(np.asarray(held.result()))


@cases
def test_every_slice_has_the_value_that_keras_gives_its_rows(module, name, settings, batch):
    pieces = [(i, [piece]) for i, piece in enumerate(cut(batch, 100, 120))]
    found = evaluated(pieces, asked(module, name, settings))
    assert len(found) == 4
    for key, values in found.items():
        inside = batch["example_weights"] > 0
        if key:
            inside &= batch["features"]["group"] == int(key[0][1])
        rows = [batch[column][inside] for column in ("labels", "predictions", "example_weights")]
        (value,) = values.values()
        assert value == pytest.approx(by_keras(module, name, settings, *rows), rel=1e-6), key


@cases
def test_order_and_weights_are_as_for_any_metric(module, name, settings, batch):
    """Keras counts rows, not weights, in R2Score, but only where it adjusts the score."""
    config = asked(module, name, settings)
    shuffled = take(batch, np.random.default_rng(1).permutation(ROWS))
    weights = batch["example_weights"].astype(int)
    repeated = take({**batch, "example_weights": np.ones(ROWS)}, np.repeat(np.arange(ROWS), weights))
    expected = whole(batch, config)
    for other in (whole(shuffled, config), whole(repeated, config)):
        for key, values in expected.items():
            assert list(other[key].values()) == pytest.approx(list(values.values()), rel=1e-9)
    without = whole({**batch, "example_weights": np.zeros(row_count(batch))}, config)
    assert all(np.isnan(value) for values in without.values() for value in values.values())


@pytest.mark.parametrize("name", sorted(OURS_IN_KERAS))
def test_what_is_ours_needs_no_keras(name):
    assert name in definitions()
    for module in (
        "keras.metrics",
        "tf_keras.metrics",
        "tensorflow.keras.losses",
        "tensorflow_model_analysis.metrics",
        "",
    ):
        assert own_module(module, name) == ""


def test_every_name_of_keras_is_ours_or_keras_or_neither():
    for module, names in ONLY_IN_KERAS.items():
        there = {name for name in dir(importlib.import_module(module)) if name[0].isupper()}
        assert names <= there
        assert names.isdisjoint(definitions())
        elsewhere = {*OURS_IN_KERAS, *_OTHERS, *ONLY_IN_KERAS[KERAS_METRICS], "F1Score"}
        assert there - names <= elsewhere


@pytest.mark.parametrize(
    ("module", "name", "settings", "batch", "message"),
    [
        (
            KERAS_METRICS,
            "PearsonCorrelation",
            {},
            VECTORS,
            "its state variables do not add up, so that parts of the data c",
        ),
        (KERAS_METRICS, "F1Score", {}, VECTORS, r"result gave an array of the shape \(3,\); expected one number"),
        (OWN_KERAS, "Broken", {}, SHARES, r"update_state raised KeyError: 'age' \(own_keras_metrics.py, line \d+\)"),
        (KERAS_LOSSES, "Dice", {}, SHARES, r"expected a number for each of 300 rows, found the shape \(\)"),
    ],
)
def test_what_keras_cannot_say_of_parts_of_the_data_is_refused_by_name(module, name, settings, batch, message):
    with pytest.raises(MetricError, match=rf"^metric {name} of module {module}.*: {message}"):
        whole(batch, asked(module, name, settings))


@pytest.mark.parametrize(
    ("module", "name", "settings", "message"),
    [
        (KERAS_METRICS, "Mean", {}, "Mean of keras.metrics: it takes values, and no labels and predictions; without"),
        (KERAS_METRICS, "NoSuch", {}, "module 'keras.metrics' has no 'NoSuch'"),
        (
            KERAS_METRICS,
            "RootMeanSquaredError",
            {"delta": 3},
            "config of RootMeanSquaredError: Keras has no setting 'delta' for it; there are dtype, name",
        ),
        (
            KERAS_LOSSES,
            "Huber",
            {"reduction": "sum"},
            "reduction: a loss is always the mean over rows by weight; remove",
        ),
    ],
)
def test_what_is_wrong_is_told_before_any_row_is_read(module, name, settings, message):
    with pytest.raises(ConfigError, match=message):
        MetricsAndPlotsEvaluator(asked(module, name, settings))


def test_a_name_of_keras_needs_no_module_and_no_keras_until_it_is_computed():
    (metric,) = metrics_of(config_of('metrics { class_name: "Huber" }'))
    assert (metric.module, metric.key.name) == (KERAS_LOSSES, "huber")
    with pytest.raises(EvalConfigError, match="there is no metric 'Hubert'"):
        metrics_of(config_of('metrics { class_name: "Hubert" }'))


def test_classes_of_keras_from_a_module_of_ones_own_are_computed_likewise():
    values = whole(SHARES, asked(OWN_KERAS, "Bias", {}))
    for key, found in values.items():
        inside = SHARES["features"]["group"] == int(key[0][1]) if key else np.ones(ROWS, bool)
        error = (SHARES["predictions"] - SHARES["labels"])[inside]
        assert list(found.values()) == pytest.approx([np.average(error, weights=SHARES["example_weights"][inside])])


def test_threads_that_compute_one_metric_do_not_mix_its_variables():
    table = KerasTable(KerasKind(KERAS_METRICS, "RootMeanSquaredError"))
    batches = [Rows(np.zeros(n), np.full(n, float(n)), np.ones(n), None) for n in range(3, 43)]
    alone = [table.vector_of(rows) for rows in batches]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(table.vector_of, batches))
    np.testing.assert_array_equal(together, alone)
