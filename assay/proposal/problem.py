"""Which kind of problem label and predictions make, and what a model spec has to say for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from assay.errors import InputError
from assay.proposal.class_order import ids_or_names, names_in_order
from assay.proposal.data import Data, is_flag
from assay.proposal.facts import LIST, NUMBER, Facts
from assay.proposal.roles import Asked, Model, Roles, shown_names
from assay.proposal.scale import Scale, scale_of
from assay.proposal.scores import is_decision, text_of

TWO_CLASSES, SEVERAL_CLASSES, SEVERAL_LABELS, NUMBERS, RANKED = (
    "two classes",
    "several classes, one a row",
    "several classes, any number a row",
    "a number (regression)",
    "ranked lists",
)
"""Kinds of problems."""

_OPPOSITES = {"1": ("0", "-1"), "yes": ("no",), "y": ("n",), "true": ("false",), "t": ("f",), "positive": ("negative",)}
"""Positive label -> the negative ones that go with it."""


@dataclass(frozen=True)
class Problem:
    """What is to be evaluated.

    Attributes:
        kind: of the problem.
        models: whose predictions are in the data.
        scales: of their predictions.
        width: numbers in a prediction.
        positive_label: what the model spec says; "" for nothing.
        classes: names of the classes, by id; () for none.
        sparse_labels: whether labels are lists of classes.
        class_id: of two classes with a number each, the id of the positive one; None for one number a row.
        is_decision: whether predictions are classes rather than probabilities.
        why: field of the model spec -> why.
        passed_over: column -> why it is no prediction.
    """

    kind: str
    models: tuple[Model, ...]
    scales: tuple[Scale, ...]
    width: int = 1
    positive_label: str = ""
    classes: tuple[str, ...] = ()
    sparse_labels: bool = False
    class_id: int | None = None
    is_decision: bool = False
    why: Mapping[str, str] = field(default_factory=dict)
    passed_over: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_probability(self) -> bool:
        """Whether the predictions of all models are probabilities."""
        return all(scale.is_probability for scale in self.scales)


def problem_of(data: Data, asked: Asked, roles: Roles) -> Problem:
    """Tells the kind of the problem.

    Raises:
        InputError: label and predictions do not go together.
    """
    label, model = data.facts[roles.label], roles.models[0]
    width = len(model.columns) if len(model.columns) > 1 else data.facts[model.columns[0]].width
    if roles.query or (label.kind == NUMBER and width == 1 and not asked.positive and not _is_of_two(label)):
        kind = RANKED if roles.query else NUMBERS
        return Problem(kind, roles.models, tuple(Scale("", "", True, "numbers") for _ in roles.models))
    if label.kind == LIST:
        found = _of_lists(data, asked, roles, width)
    elif width == 1:
        found = _of_two(data, asked, roles)
    elif width == 2:
        found = _of_pairs(data, asked, roles)
    else:
        names, why = names_in_order(data, asked, roles, width)
        found = _problem(data, SEVERAL_CLASSES, roles, width, classes=names, why={"classes": why})
    return found


def _problem(data: Data, kind: str, roles: Roles, width: int, **fields: Any) -> Problem:
    scales = tuple(_scale_of(data, model, each=kind == SEVERAL_LABELS) for model in roles.models)
    return Problem(kind, roles.models, scales, width, **fields)


def _scale_of(data: Data, model: Model, *, each: bool) -> Scale:
    numbers = [data.facts[name].numbers for name in model.columns]
    return scale_of([column for column in numbers if column is not None], model.columns, each=each)


def _is_of_two(label: Facts) -> bool:
    """Whether numbers are those of two classes."""
    return is_flag(label) or (label.is_whole and label.distinct == 2)


def _of_two(data: Data, asked: Asked, roles: Roles) -> Problem:
    """Two classes, of which predictions give one number."""
    label = data.facts[roles.label]
    positive, why = _positive(data, asked, label, data.facts[roles.models[0].columns[0]])
    decisions = [is_decision(data.facts[model.columns[0]], label) for model in roles.models]
    return _problem(
        data,
        TWO_CLASSES,
        roles,
        1,
        positive_label=positive,
        is_decision=all(decisions) and is_flag(label),
        why={"positive_label": why},
    )


def _positive(data: Data, asked: Asked, label: Facts, score: Facts) -> tuple[str, str]:
    """What `positive_label` has to say, and why; "" where labels are 0 and 1."""
    values = [value for value in label.values if value != ""]
    texts = [text_of(value) for value in values]
    if asked.positive:
        if label.counts and asked.positive not in texts:
            raise InputError(f"no row of the sample has the label {asked.positive!r}; there are {shown_names(texts)}")
        says_itself = is_flag(label) and asked.positive in ("1", "true")
        return "" if says_itself else asked.positive, "as you said"
    if is_flag(label):
        return "", ""
    if len(values) != 2:
        found = f"{label.distinct:,} different labels" if len(values) != 1 else f"one label only, {texts[0]!r}"
        option = asked.option("positive", texts[0] if texts else "LABEL")
        raise InputError(
            f"column {label.name!r} has {found}, and {score.name!r} one number a row; expected two labels. Say which "
            f"is the positive one, as {option} does, or give a number for each class"
        )
    known = positive_by_meaning(texts)
    if known:
        return known, "by its meaning"
    lower, higher = _by_scores(data, label, score, values)
    why = f"its rows have higher predictions; the other way round: {asked.option('positive', text_of(lower))}"
    return text_of(higher), why


def positive_by_meaning(texts: Sequence[str]) -> str:
    """Which of two labels is the positive one, whatever the data; "" if they do not say."""
    one, other = texts
    for positive, negative in ((one, other), (other, one)):
        if negative.casefold() in _OPPOSITES.get(positive.casefold(), ()):
            return positive
    return ""


def _by_scores(data: Data, label: Facts, score: Facts, values: list[Any]) -> list[Any]:
    """Labels by the mean prediction of their rows, which is that of the positive class."""
    assert score.numbers is not None
    numbers = np.where(np.isfinite(score.numbers), score.numbers, np.nan)
    with np.errstate(invalid="ignore"):
        of_label = {value: numbers[data.rows_with(label.name, value)] for value in values}
    return sorted(values, key=lambda value: float(np.nansum(of_label[value])) / max(1, len(of_label[value])))


def _of_pairs(data: Data, asked: Asked, roles: Roles) -> Problem:
    """Two classes, of which predictions give a number for each."""
    label, model = data.facts[roles.label], roles.models[0]
    if len(model.columns) > 1 and _add_up_to_one(data, model):
        return _of_positive_column(data, asked, roles)
    names, why = names_in_order(data, asked, roles, 2)
    positive = asked.positive or (positive_by_meaning(names) if names else "")
    ids = list(names) or ["0", "1"]
    class_id = ids.index(positive) if positive in ids else 1
    found = _problem(data, TWO_CLASSES, roles, 2, classes=names, class_id=class_id, why={"classes": why})
    return replace(found, why={**found.why, "class_id": f"{ids[class_id]} of {label.name} is the positive class"})


def _add_up_to_one(data: Data, model: Model) -> bool:
    numbers = [data.facts[name].numbers for name in model.columns]
    total = np.sum([column for column in numbers if column is not None], axis=0)
    return bool(np.isclose(total[np.isfinite(total)], 1, atol=1e-3).all())


def _of_positive_column(data: Data, asked: Asked, roles: Roles) -> Problem:
    """Of two columns that add up to 1, that of the positive class says it all."""
    classes = roles.models[0].classes
    positive = asked.positive or positive_by_meaning(classes) or classes[1]
    at = classes.index(positive) if positive in classes else 1
    models = tuple(replace(model, columns=(model.columns[at],), classes=()) for model in roles.models)
    others = {model.columns[1 - at]: f"it is 1 - {model.columns[at]}" for model in roles.models}
    found = _of_two(data, replace(asked, positive=positive), replace(roles, models=models))
    why = "predictions are those of this class" if not asked.positive else "as you said"
    return replace(found, why={**found.why, "positive_label": why}, passed_over=others)


def _of_lists(data: Data, asked: Asked, roles: Roles, width: int) -> Problem:
    """Labels are lists: a number for each class, or the classes that a row has."""
    label = data.facts[roles.label]
    if width < 2:
        raise InputError(
            f"column {label.name!r} holds lists, and predictions are one number a row; expected a number for each class"
        )
    if label.width == width and label.numbers is not None and label.is_shares:
        sums = label.numbers.sum(axis=1)
        one_each = bool(np.isclose(sums[np.isfinite(sums)], 1, atol=1e-3).all())
        return _problem(data, SEVERAL_CLASSES if one_each else SEVERAL_LABELS, roles, width)
    names, why = ids_or_names(data, asked, roles, width)
    return _problem(data, SEVERAL_LABELS, roles, width, classes=names, sparse_labels=True, why={"classes": why})
