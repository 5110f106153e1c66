"""Which column is the label: by name, by the name of a prediction, or the only one that predictions can be for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from assay.errors import InputError
from assay.proposal import names
from assay.proposal.data import Data, auc, class_of_each_column
from assay.proposal.facts import BOOLEAN, LIST, NUMBER, TEXT, Facts
from assay.proposal.roles import Asked, shown_names
from assay.proposal.scores import columns_by_class

_FAR_FROM_CHANCE = 0.2
"""How far from 0.5 the area under the ROC curve must be for a prediction to speak for a label."""
_USUAL = "label, target, y, outcome, ..."


class Label(NamedTuple):
    """The column of the labels.

    Attributes:
        name: of the column.
        why: it was chosen.
        twins: other columns that could be it, and say the same.
    """

    name: str
    why: str
    twins: tuple[str, ...] = ()


def label_of(data: Data, asked: Asked, scores: Sequence[str]) -> Label:
    """Chooses the column of the labels.

    Args:
        data: the sample.
        asked: what the caller says.
        scores: columns that may hold predictions.

    Raises:
        InputError: there is none, or there are several of which nobody can tell which is meant.
    """
    if asked.label:
        if data.facts[asked.label].kind not in (NUMBER, BOOLEAN, TEXT, LIST):
            raise InputError(f"column {asked.label!r} holds {data.facts[asked.label].kind}; expected labels")
        return Label(asked.label, "as you said")
    taken = {*scores, asked.weight, asked.query, *asked.slices}
    possible = [f for f in data.facts.values() if f.name not in taken and _may_hold_labels(f)]
    for found, why in (
        ([f.name for f in possible if names.is_label(f.name)], "by its name"),
        ([f.name for f in possible if names.may_be_label(f.name)], "by its name"),
        (_named_by_scores(possible, scores), "predictions are named after it"),
        (
            [f.name for f in possible if columns_by_class(data, f.name, scores)],
            "predictions are named after its values",
        ),
    ):
        if found:
            return _only_one(data, asked, found, why)
    return _by_content(data, asked, possible, scores)


def _may_hold_labels(facts: Facts) -> bool:
    is_called_score = names.may_be_score(facts.name) and not names.is_label(facts.name)
    return facts.kind in (NUMBER, BOOLEAN, TEXT, LIST) and not is_called_score


def _named_by_scores(possible: Sequence[Facts], scores: Sequence[str]) -> list[str]:
    """Columns after which predictions are named: `income` of `predicted_income`, `is_fraud` of `fraud_score`."""
    meant = {words for name in scores if (words := names.beside_score(name))}
    return [facts.name for facts in possible if names.without_asking(facts.name) in meant]


def _only_one(data: Data, asked: Asked, found: Sequence[str], why: str) -> Label:
    """The only one of these columns, or the first of those that say the same; of an id and its name, the id."""
    first, *others = sorted(found, key=lambda name: data.facts[name].kind == TEXT)
    if not others or all(_say_the_same(data, first, other) for other in others):
        return Label(first, why, tuple(others))
    options = " or ".join(asked.option("label", name) for name in found[:3])
    raise InputError(f"several columns may be the label: {shown_names(found)}; say {options}")


def _say_the_same(data: Data, one: str, other: str) -> bool:
    is_flat = LIST not in (data.facts[one].kind, data.facts[other].kind)
    return is_flat and data.decides(one, other) and data.decides(other, one)


def _by_content(data: Data, asked: Asked, possible: Sequence[Facts], scores: Sequence[str]) -> Label:
    """The only column that the predictions can be for, if they agree with it."""
    fitting = [f for f in possible if any(_fits(f, data.facts[score]) for score in scores)]
    agreeing = [f.name for f in fitting if any(_agree(data, f, data.facts[score]) for score in scores)]
    if not agreeing and len(fitting) == 1 and any(_tells(data, fitting[0], data.facts[score]) for score in scores):
        agreeing = [fitting[0].name]
    if len(agreeing) == 1:
        return Label(agreeing[0], "no column is named like a label, and the predictions agree with this one alone")
    if not fitting:
        raise InputError(
            f"no column is named like a label ({_USUAL}); expected the true outcome of each row beside the "
            f"predictions. If there is one, say {asked.option('label', 'COLUMN')}; columns: "
            f"{shown_names(f.name for f in possible)}"
        )
    ordered = sorted((f.name for f in fitting), key=lambda name: name not in agreeing)
    options = " or ".join(asked.option("label", name) for name in ordered[:3])
    raise InputError(
        f"no column is named like a label ({_USUAL}); those that may be it: {shown_names(ordered)}; say {options}"
    )


def _fits(label: Facts, score: Facts) -> bool:
    """Whether predictions of this form can be for this label."""
    if score.width == 1:
        return label.is_binary and (label.kind != NUMBER or label.is_whole)
    if label.kind == LIST:
        return label.distinct <= score.width or label.width == score.width
    if label.kind == TEXT:
        return label.distinct == score.width
    return label.is_whole and label.low >= 0 and label.high == score.width - 1


def _agree(data: Data, label: Facts, score: Facts) -> bool:
    """Whether predictions are much nearer to this label than chance."""
    if not _fits(label, score) or score.numbers is None:
        return False
    if label.kind == LIST:
        return True
    if score.width == 1:
        return _distance_from_chance(data, label, score) > _FAR_FROM_CHANCE
    if label.kind == TEXT:
        return bool(class_of_each_column(data, label.name, score.numbers))
    assert label.numbers is not None
    right = np.where(np.isfinite(score.numbers), score.numbers, -np.inf).argmax(axis=1) == label.numbers
    return float(right.mean()) > 2 / score.width or score.width == 2


def _distance_from_chance(data: Data, label: Facts, score: Facts) -> float:
    """How far from 0.5 the area under the ROC curve is."""
    assert score.numbers is not None
    return abs(auc(score.numbers, data.rows_with(label.name, label.values[-1])) - 0.5)


def _tells(data: Data, label: Facts, score: Facts) -> bool:
    """Whether one number a row tells two labels apart by more than noise: four standard errors of the area.

    Source: the variance of the Mann-Whitney statistic where there is no difference, (m + n + 1) / (12 m n).
    """
    if score.width != 1 or not _fits(label, score):
        return False
    m, n = list(label.counts.values())[:2]
    return _distance_from_chance(data, label, score) > 4 * math.sqrt((m + n + 1) / (12 * m * n))
