"""The roles of all columns: label, predictions, weights, queries."""

from __future__ import annotations

import numpy as np

from assay.errors import InputError
from assay.proposal import names
from assay.proposal.data import Data
from assay.proposal.facts import BOOLEAN, LIST, NUMBER, TEXT, Facts
from assay.proposal.labels import Label, label_of
from assay.proposal.roles import NONE, Asked, Roles, check_asked
from assay.proposal.scores import likely_scores, no_scores, scores_of

_LEAST_ROWS_A_QUERY = 2.0


def roles_of(data: Data, asked: Asked) -> Roles:
    """Chooses what each column serves for.

    Raises:
        InputError: no label or predictions, or several of which nobody can tell which are meant.
        MissingColumnError: a column that is asked for and is not there.
    """
    check_asked(asked, data.facts, data.sample.unread)
    label = _label(data, asked)
    scores = scores_of(data, asked, label.name)
    copies = [name for model in scores.models for name in model.columns if _is_copy(data, name, label.name)]
    why_scores = scores.why + "; the same as the label in every row, so is it a prediction?" * bool(copies)
    found = Roles(label.name, scores.models)
    weight, why_weight = _weight(data, asked, found)
    query = _query(data, asked, found, scores.models[0].columns)
    passed_over = {**scores.passed_over, **dict.fromkeys(label.twins, f"it says the same as {label.name}")}
    if not weight:
        passed_over |= why_weight
    return Roles(
        label.name,
        scores.models,
        weight,
        query,
        {"label": label.why, "predictions": why_scores, **(why_weight if weight else {})},
        passed_over,
    )


def _label(data: Data, asked: Asked) -> Label:
    """The label. Where there is none and there are no predictions, the predictions are what is said to be missing."""
    likely = likely_scores(data, asked)
    try:
        return label_of(data, asked, likely)
    except InputError:
        if likely:
            raise
    raise no_scores(data, asked, "")


def _weight(data: Data, asked: Asked, roles: Roles) -> tuple[str, dict[str, str]]:
    """The column of example weights, and why; or "" and why columns that are named like weights are none."""
    if asked.weight == NONE:
        return "", {}
    if asked.weight:
        problem = _no_weight(data.facts[asked.weight])
        if problem:
            raise InputError(f"column {asked.weight!r} {problem}; expected weights of rows, 0 or more")
        return asked.weight, {"weight": "as you said"}
    named = [f for f in data.facts.values() if names.may_be_weight(f.name) and f.name not in roles.columns]
    good = [f.name for f in named if names.is_weight(f.name) and not _no_weight(f)]
    if len(good) == 1:
        return good[0], {"weight": "by its name"}
    say = {f.name: f"if it is the weight of a row, say {asked.option('weight', f.name)}" for f in named}
    return "", {name: why for name, why in say.items() if not _no_weight(data.facts[name])}


def _no_weight(facts: Facts) -> str:
    """Why a column cannot hold weights; "" if it can."""
    if facts.kind != NUMBER or facts.numbers is None:
        return f"holds {facts.kind}"
    if facts.low < 0:
        return "has numbers below 0"
    return "has nothing above 0" if not facts.high > 0 else ""


def _query(data: Data, asked: Asked, roles: Roles, scores: tuple[str, ...]) -> str:
    """The column that tells queries apart, where rows of a query are a list that the model ranks."""
    label, score = data.facts[roles.label], data.facts[scores[0]]
    is_ranked = label.kind in (NUMBER, BOOLEAN) and label.low >= 0 and score.width == 1 and len(scores) == 1
    if asked.query == NONE:
        return ""
    if asked.query:
        if not is_ranked:
            raise InputError(
                f"query {asked.query!r}: expected labels of 0 or more, what a row is worth to its query, and one "
                f"prediction a row; {roles.label!r} holds {label.kind}"
            )
        return asked.query
    named = [f for f in data.facts.values() if names.is_query(f.name) and f.name not in roles.columns]
    good = [f.name for f in named if is_ranked and _repeats(f)]
    return good[0] if len(good) == 1 else ""


def _repeats(facts: Facts) -> bool:
    is_key = facts.kind == TEXT or (facts.kind == NUMBER and facts.is_whole)
    return is_key and facts.distinct > 1 and facts.rows / facts.distinct >= _LEAST_ROWS_A_QUERY


def same_within(data: Data, name: str, query: str) -> bool:
    """Whether all rows of each query have the same number in a column."""
    numbers = data.facts[name].numbers
    if numbers is None or data.facts[name].kind == LIST:
        return False
    codes = data.codes(query)
    order = np.argsort(codes, kind="stable")
    same_query = codes[order][1:] == codes[order][:-1]
    return bool((np.isclose(numbers[order][1:], numbers[order][:-1]) | ~same_query).all())


def _is_copy(data: Data, name: str, label: str) -> bool:
    one, other = data.facts[name].numbers, data.facts[label].numbers
    return one is not None and other is not None and np.array_equal(one, other, equal_nan=True)
