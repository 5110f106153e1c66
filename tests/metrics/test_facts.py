"""Facts that a metric declares: each is known, and true of its values."""

import dataclasses
import itertools
from functools import partial

import numpy as np
import pytest

from assay.config.attributions import ATTRIBUTIONS
from assay.errors import ConfigError
from assay.metrics import declare
from assay.metrics.computations.terms import Weights
from assay.metrics.declare import Definition, Facts, definitions

from .asked import ONE_MODEL, asked, of_different_names
from .engine import config_of, whole

IS_UNDEFINED = {
    "one class": lambda labels, predicted, weights: len(set(labels[weights > 0])) < 2,
    "one class, or recall + specificity is 1": lambda labels, predicted, weights: (
        len(set(labels[weights > 0])) < 2
        or share(predicted, labels == 1, weights) == share(predicted, labels == 0, weights)
    ),
    "no positive labels": lambda labels, predicted, weights: not (labels * weights).any(),
    "labels sum to 0": lambda labels, predicted, weights: not (labels * weights).any(),
    "no negative labels": lambda labels, predicted, weights: not ((1 - labels) * weights).any(),
    "no positive predictions": lambda labels, predicted, weights: not (predicted * weights).any(),
    "no negative predictions": lambda labels, predicted, weights: not ((1 - predicted) * weights).any(),
    "weights sum to 0": lambda labels, predicted, weights: not weights.any(),
}
"""What each reason says of the labels, the predictions as classes, and the weights of rows."""

WEIGHTS = ([0.0, 0.0, 0.0, 0.0], [1.0, 2.0, 0.0, 0.0], [1.0, 1.0, 0.0, 1.0], [1.0, 1.0, 2.0, 2.0])
WITH_REASON = of_different_names(name for name, d in ONE_MODEL.items() if d.undefined and not d.needs.domain.view)
"""Without metrics of whole vectors and of ranked lists: test_class_values.py, test_ranking.py."""


def share(predicted, rows, weights):
    """Of the weight of some rows, the share that is predicted positive: recall, or 1 - specificity."""
    return (predicted * weights)[rows].sum() / weights[rows].sum()


def test_a_value_is_undefined_for_the_reason_that_its_metric_declares_and_for_no_other():
    """In a slice for each way in which four rows can have classes and predictions, under four sets of weights."""
    choices = itertools.product(
        itertools.product([0.0, 1.0], repeat=4), itertools.product([0.0, 1.0], repeat=4), WEIGHTS
    )
    slices = [tuple(map(np.array, choice)) for choice in choices]
    labels, predicted, weights = (np.concatenate(columns) for columns in zip(*slices, strict=True))
    batch = {
        "features": {"group": np.repeat(np.arange(len(slices)), 4)},
        "labels": labels,
        "predictions": 0.2 + 0.6 * predicted,
        "example_weights": weights,
    }
    config = config_of(" ".join(asked(name) for name in WITH_REASON), 'slicing_specs { feature_keys: "group" }')
    met = set()
    for key, values in whole(batch, config).items():
        for metric, value in values.items():
            reason = definitions()[metric.class_name].undefined
            expected = bool(IS_UNDEFINED[reason](*slices[key[0][1]]))
            assert np.isnan(value) == expected, f"{metric.class_name}: {slices[key[0][1]]}"
            met.add((reason, expected))
    assert met == {(reason, is_undefined) for reason in IS_UNDEFINED for is_undefined in (False, True)}


def test_only_counts_of_rows_and_values_of_the_data_are_no_estimates():
    described = {name for name, definition in definitions().items() if not definition.is_estimate}
    shown = {name for name, definition in definitions().items() if definition.shows_data}
    assert shown == {"FalsePositiveFeatureSampler", "FalseNegativeFeatureSampler", "FixedSizeSample"}
    of_queries = {"TotalQueries", "TotalDocuments", "MinDocuments", "MaxDocuments"}
    assert described == shown | of_queries | ATTRIBUTIONS | {"ExampleCount", "WeightedExampleCount"}


def test_aliases_have_the_facts_of_their_metric():
    for alias, name in (("TPR", "Recall"), ("PPV", "Precision"), ("WeightedExampleCount", "ExampleCount")):
        definition = dataclasses.replace(definitions()[alias], class_name=name, name=definitions()[name].name)
        assert definition == definitions()[name]


def test_every_fact_is_an_attribute_of_the_same_type():
    assert Facts.__annotations__.keys() <= {field.name for field in dataclasses.fields(Definition)}
    for name, kind in Facts.__annotations__.items():
        assert kind.__forward_arg__ == Definition.__annotations__[name], name


@pytest.mark.parametrize(
    ("declaration", "facts", "message"),
    [
        (declare.metric, {"undefned": ""}, r"^metric Own: there is no fact 'undefned'; did you mean 'undefined'\?"),
        (declare.metric, {"better": "lower", "rnge": "[0, 1]"}, r"^metric Own: there is no fact 'rnge'"),
        (declare.plot, {"isestimate": True}, r"^metric Own: there is no fact 'isestimate'; did you mean 'is_estimate'"),
        (partial(declare.metric, better="lower"), {"add_up": True}, r"^metric Own: there is no fact 'add_up'"),
    ],
)
def test_a_misspelt_fact_ends_the_import(declaration, facts, message):
    with pytest.raises(ConfigError, match=message):
        declaration("Own", needs=Weights(), **facts)


def test_a_class_name_that_another_function_of_the_module_has_is_refused():
    def mine(weight):
        return weight

    def also_mine(weight):
        return weight

    declare.metric("Mine", needs=Weights())(mine)
    try:
        with pytest.raises(
            ConfigError, match=r"metric Mine: tests.*also_mine declares a class name that tests.*mine has"
        ):
            declare.metric("Mine", needs=Weights())(also_mine)
        assert declare._OF_OTHERS[__name__, "Mine"].function is mine
    finally:
        del declare._OF_OTHERS[__name__, "Mine"]


def test_a_module_of_ones_own_may_have_a_class_name_of_ours():
    registered = definitions()["ExampleCount"].function

    def example_count_of_mine(weight):
        return weight

    declare.metric("ExampleCount", needs=Weights())(example_count_of_mine)
    try:
        assert definitions()["ExampleCount"].function is registered
        assert declare._OF_OTHERS[__name__, "ExampleCount"].function is example_count_of_mine
    finally:
        del declare._OF_OTHERS[__name__, "ExampleCount"]
