"""The metrics that fit a kind of problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from assay.proposal.problem import NUMBERS, RANKED, SEVERAL_CLASSES, TWO_CLASSES, Problem

_MOST_CLASSES_ONE_BY_ONE = 50
_MOST_CLASSES_IN_PAIRS = 30

HIGHER, LOWER = "HIGHER_IS_BETTER", "LOWER_IS_BETTER"


class Metric(NamedTuple):
    """A metric to ask for.

    Attributes:
        class_name: of the metric.
        config: its settings.
        better: the direction in which a threshold bounds it; "" for no threshold.
    """

    class_name: str
    config: Mapping[str, Any] = {}
    better: str = ""


class Group(NamedTuple):
    """A metrics spec.

    Attributes:
        why: what it is for.
        head: its fields beside the metrics.
        metrics: the metrics.
    """

    why: str
    head: Mapping[str, Any]
    metrics: tuple[Metric, ...]


def groups_for(problem: Problem, query: str = "", without_query: str = "") -> tuple[Group, ...]:
    """The metrics specs for a problem; one metric has a direction to be bounded in.

    Args:
        problem: its kind and scale.
        query: the column that tells queries apart, of ranked lists.
        without_query: what a caller says where rows make no such lists.
    """
    if problem.kind == RANKED:
        return _ranked(query, without_query)
    if problem.kind == NUMBERS:
        return (Group("How far predictions are from labels", {}, _ERRORS),)
    if problem.kind == TWO_CLASSES:
        return _two_classes(problem)
    return _several_classes(problem) if problem.kind == SEVERAL_CLASSES else _several_labels(problem)


def _names(*class_names: str) -> tuple[Metric, ...]:
    return tuple(map(Metric, class_names))


_ERRORS = (
    Metric("MeanAbsoluteError", better=LOWER),
    *_names("MeanSquaredError", "SquaredPearsonCorrelation", "MeanLabel", "MeanPrediction"),
)


def _ranked(query: str, without_query: str) -> tuple[Group, ...]:
    ranked = (
        Metric("NDCG", {"top_k_list": [3, 10]}, HIGHER),
        *_names("MRR", "MAP"),
        Metric("HitRateAtK", {"top_k_list": [3]}),
    )
    return (
        Group(
            f"How good the order of the rows of each query is. If {query} makes no ranked lists: {without_query}",
            {"query_key": query},
            ranked,
        ),
        Group(
            "How many queries and rows there are",
            {"query_key": query, "example_weights": {"unweighted": True}},
            _names("QueryStatistics"),
        ),
    )


def _two_classes(problem: Problem) -> tuple[Group, ...]:
    if problem.is_decision:
        metrics = (
            Metric("BinaryAccuracy", better=HIGHER),
            *_names("BalancedAccuracy", "Precision", "Recall", "F1Score"),
        )
        why = "How often the predicted class is right"
    else:
        metrics = (Metric("AUC", better=HIGHER), *_names("AUCPrecisionRecall"))
        why = "How well predictions tell the classes apart"
        if problem.is_probability:
            metrics += _names("Precision", "Recall", "F1Score", "Calibration", "CalibrationPlot", "ConfusionMatrixPlot")
            why += "; precision, recall and F1 at a threshold of 0.5"
    head = {} if problem.class_id is None else {"binarize": {"class_ids": {"values": [problem.class_id]}}}
    return (Group(why, head, metrics),)


def _several_classes(problem: Problem) -> tuple[Group, ...]:
    pairs = _names("MultiClassConfusionMatrixPlot") if problem.width <= _MOST_CLASSES_IN_PAIRS else ()
    whole = (Metric("CategoricalAccuracy", better=HIGHER), *_names("CohenKappa"), *pairs)
    groups = [Group("All classes together: the highest number decides", {}, whole)]
    if not problem.is_probability:
        return tuple(groups)
    top = {"top_k": 1}
    each = (Metric("Precision", top), Metric("Recall", top), Metric("AUC"))
    return (*groups, *_by_class(problem, each, (Metric("F1Score", top), Metric("AUC"))))


def _several_labels(problem: Problem) -> tuple[Group, ...]:
    pairs = _names("MultiLabelConfusionMatrixPlot") if problem.width <= _MOST_CLASSES_IN_PAIRS else ()
    ranks = Metric("LabelRankingAveragePrecision", better=HIGHER)
    if not problem.is_probability:
        return (Group("All classes together", {}, (ranks,)),)
    whole = (ranks, *_names("SubsetAccuracy", "HammingLoss"), *pairs)
    each = _names("F1Score", "AUC")
    return Group("All classes together", {}, whole), *_by_class(problem, each, _names("F1Score"))


def _by_class(problem: Problem, each: tuple[Metric, ...], mean: tuple[Metric, ...]) -> tuple[Group, ...]:
    """Each class against the others, unless there are many, and the mean over classes."""
    ids = list(range(problem.width))
    aggregate: dict[str, Any] = {"macro_average": True}
    if not problem.classes:
        aggregate["class_weights"] = dict.fromkeys(ids, 1)
    groups = [Group("The mean over classes, each of which counts the same", {"aggregate": aggregate}, mean)]
    if problem.width <= _MOST_CLASSES_ONE_BY_ONE:
        head = {"binarize": {"class_ids": {"values": ids}}}
        groups.insert(0, Group("Each class against all others", head, each))
    return tuple(groups)
