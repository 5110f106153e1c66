"""Which columns hold predictions: by name, by the classes that they are named after, or as the caller says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from assay.errors import InputError
from assay.models.known import FRAMEWORKS
from assay.proposal import names
from assay.proposal.data import Data
from assay.proposal.facts import BOOLEAN, LIST, MOST_COUNTED, NUMBER, TEXT, Facts
from assay.proposal.roles import Asked, Model, shown_names

_MOST_PAIRS = 1_000_000
"""Columns times classes that are compared by name."""

_SEPARATORS = "_-. []():/"
_CLASS_PREFIXES = frozenset(["", "p", "class", "c", "y"])


class Scores(NamedTuple):
    """The models whose predictions are in the data.

    Attributes:
        models: the candidate first.
        why: how they were told.
        passed_over: column -> why it is none of them.
    """

    models: tuple[Model, ...]
    why: str
    passed_over: Mapping[str, str]


def likely_scores(data: Data, asked: Asked) -> list[str]:
    """The columns that may hold predictions, whatever the label."""
    if asked.predictions:
        return list(asked.predictions)
    taken = {asked.label, asked.weight, asked.query, *asked.slices}
    usable = [facts for facts in data.facts.values() if holds_scores(facts) and facts.name not in taken]
    named = [f.name for f in usable if names.may_be_score(f.name) and not names.is_label(f.name)]
    if named:
        return named
    models = [f.name for f in usable if names.names_only_a_model(f.name)]
    if any(map(names.is_baseline, models)) and not all(map(names.is_baseline, models)):
        return models
    return [facts.name for facts in usable if is_distribution(facts)]


def holds_scores(facts: Facts) -> bool:
    """Whether a column could hold predictions: a number a row, or as many numbers in each."""
    if facts.kind == LIST:
        return facts.inner == NUMBER and facts.width > 0
    return facts.kind in (NUMBER, BOOLEAN) and facts.numbers is not None


def is_distribution(facts: Facts) -> bool:
    """Whether each row has a share for each of several classes."""
    if facts.kind != LIST or facts.numbers is None or facts.width < 2 or not facts.is_shares:
        return False
    sums = facts.numbers.sum(axis=1)
    return bool(np.isclose(sums[np.isfinite(sums)], 1, atol=1e-3).all()) and not facts.is_whole


def scores_of(data: Data, asked: Asked, label: str) -> Scores:
    """Chooses the models.

    Raises:
        InputError: no predictions, or several columns of which nobody can tell which are meant.
    """
    if asked.predictions:
        return Scores(_as_asked(asked, data), "as you said", {})
    groups = columns_by_class(data, label)
    if groups:
        models = _named([Model(rest, tuple(group.values()), tuple(group)) for rest, group in groups.items()])
        if len(models) == 1 or sum(model.is_baseline for model in models) == 1:
            return Scores(models, "a column for each class", {})

    likely = [name for name in likely_scores(data, asked) if name != label]
    if not likely:
        raise no_scores(data, asked, label)
    soft, passed_over = _without_decisions(data, likely, label)
    return _chosen(data, asked, label, soft, passed_over)


def _as_asked(asked: Asked, data: Data) -> tuple[Model, ...]:
    for name in asked.predictions:
        if not holds_scores(data.facts[name]):
            raise InputError(
                f"column {name!r} holds {data.facts[name].kind}; expected predictions as numbers: one a row, or a list "
                "with a number for each class"
            )
    if asked.baseline and asked.baseline not in asked.predictions:
        raise InputError(
            f"baseline {asked.baseline!r}: expected one of the predictions, {', '.join(asked.predictions)}"
        )
    return _named([Model(name, (name,)) for name in asked.predictions], asked.baseline)


def columns_by_class(data: Data, label: str, among: Sequence[str] | None = None) -> dict[str, dict[str, str]]:
    """Columns that are named after the classes: what they have in common -> class -> column; complete sets only.

    Args:
        data: the sample.
        label: column of the classes.
        among: the columns to look at; None for all.
    """
    facts = data.facts[label]
    values = [text_of(value) for value in facts.counts]
    if not 2 <= len(values) <= MOST_COUNTED or any(not value or "${" in value for value in values):
        return {}
    looked_at = data.facts if among is None else among
    flat = [name for name in looked_at if data.facts[name].kind == NUMBER and name != label]
    if len(flat) < len(values) or len(flat) * len(values) > _MOST_PAIRS:
        return {}
    groups: dict[str, dict[str, str]] = {}
    for name in flat:
        for value in values:
            rest = _without_class(name, value)
            if rest is not None and (names.may_be_score(rest) or rest.casefold() in _CLASS_PREFIXES):
                groups.setdefault(rest, {}).setdefault(value, name)
    order = sorted(values, key=_place)
    return {
        rest: {value: group[value] for value in order}
        for rest, group in groups.items()
        if len(group) == len(values) and _are_shares_or_scores(data, rest, list(group.values()))
    }


def _place(value: str) -> tuple[bool, float, str]:
    """Numbers in their order, and then texts in theirs."""
    try:
        return False, float(value), value
    except ValueError:
        return True, 0.0, value


def _are_shares_or_scores(data: Data, rest: str, columns: Sequence[str]) -> bool:
    """Columns that are called after classes, but not like predictions, must look like shares of them."""
    if names.may_be_score(rest):
        return True
    numbers = [data.facts[name].numbers for name in columns]
    total = np.sum([column for column in numbers if column is not None], axis=0)
    return bool(np.isclose(total[np.isfinite(total)], 1, atol=1e-3).all())


def _without_class(name: str, value: str) -> str | None:
    """What is left of a name before or after that of a class; None if it neither begins nor ends so."""
    folded, wanted = name.casefold().rstrip("])"), value.casefold()
    if not wanted:
        return None
    before, after = folded.removesuffix(wanted), folded.removeprefix(wanted)
    if before != folded and not (before[-1:].isdigit() and wanted[0].isdigit()):  # 10 does not end in 0
        return before.strip(_SEPARATORS)
    if after != folded and not (after[:1].isdigit() and wanted[-1].isdigit()):
        return after.strip(_SEPARATORS)
    return None


def text_of(value: object) -> str:
    """A label as the name of its class."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _without_decisions(data: Data, likely: list[str], label: str) -> tuple[list[str], dict[str, str]]:
    """The columns without those that have the predicted class, if there are others that say more."""
    facts = data.facts[label]
    decisions = [name for name in likely if is_decision(data.facts[name], facts)]
    soft = [name for name in likely if name not in decisions]
    if not soft:
        return likely, {}
    return soft, dict.fromkeys(decisions, f"it looks like the predicted class; {soft[0]} says more")


def is_decision(score: Facts, label: Facts) -> bool:
    """Whether a column has the predicted class rather than how likely it is."""
    few = bool(label.counts) and bool(score.counts) and label.kind in (NUMBER, BOOLEAN)
    return few and score.kind != LIST and score.is_whole and set(score.counts) <= set(label.counts)


def _chosen(data: Data, asked: Asked, label: str, likely: list[str], passed_over: dict[str, str]) -> Scores:
    """One column, or one for each of several models."""
    baselines = [name for name in likely if names.is_baseline(name)]
    strong = [name for name in likely if names.is_score(name)]
    candidates = [name for name in likely if names.is_candidate(name)] or strong
    if len(baselines) == 1 and len(likely) > 1:
        others = candidates or [name for name in likely if name not in baselines]
        return _models(data, [*others, *baselines], likely, passed_over, "candidate and baseline by their names")
    if len(strong) == 1 or len(likely) == 1:
        return _models(data, strong if len(strong) == 1 else likely, likely, passed_over, "by its name")
    rests = {names.beside_score(name) for name in likely}
    if not strong and not baselines and len(rests) == len(likely) and () not in rests and _alike(data, likely):
        return _models(data, likely, likely, passed_over, "one for each model, side by side")
    options = " or ".join(asked.option("prediction", name) for name in likely[:3])
    raise InputError(
        f"several columns may be the predictions for {label!r}: {shown_names(likely)}; say {options}, or all of them, "
        "to evaluate them side by side"
    )


def _alike(data: Data, columns: Sequence[str]) -> bool:
    """Whether several columns may be of models for the same problem."""
    kinds = {(data.facts[name].kind, data.facts[name].width, data.facts[name].is_shares) for name in columns}
    return len(kinds) == 1


def _models(data: Data, columns: Sequence[str], likely: Sequence[str], passed_over: dict[str, str], why: str) -> Scores:
    wanted = [name for name in columns if data.facts[name].width == data.facts[columns[0]].width]
    others = {name: "it may hold predictions too" for name in likely if name not in wanted}
    return Scores(_named([Model(name, (name,)) for name in wanted]), why, {**passed_over, **others})


def _named(models: Sequence[Model], baseline: str = "") -> tuple[Model, ...]:
    """The models with names of their own, the candidate first; the only one needs none."""
    if len(models) == 1:
        return (Model("", models[0].columns, models[0].classes),)
    short = ["_".join(names.beside_score(model.name)) or model.name for model in models]
    called = short if len(set(short)) == len(models) else [model.name for model in models]
    old = [model.name for model in models if names.is_baseline(model.name)]
    chosen = baseline or (old[0] if len(old) == 1 else "")
    named = [
        Model(name or "model", model.columns, model.classes, model.name == chosen)
        for name, model in zip(called, models, strict=True)
    ]
    return tuple(sorted(named, key=lambda model: model.is_baseline))


def no_scores(data: Data, asked: Asked, label: str) -> InputError:
    """The error that says that there are no predictions, and what to do."""
    texts = [f.name for f in data.facts.values() if f.kind == TEXT and names.may_be_score(f.name) and f.name != label]
    if texts:
        return InputError(
            f"column {texts[0]!r} holds texts, and no column holds predictions as numbers; expected how likely each "
            "class is: one number a row for two classes, or a list or a column for each of several"
        )
    numbers = [f.name for f in data.facts.values() if holds_scores(f) and f.name != label]
    example = asked.option("prediction", "COLUMN")
    return InputError(
        f"no column is named like a prediction (score, prediction, probability, ...); columns of numbers: "
        f"{shown_names(numbers)}. If one of them is, say {example}. If not, add the predictions of your model as a "
        f"column, or have assay run it: `models: [{{name: my_model, uri: ..., type: {next(iter(FRAMEWORKS))}}}]` in an "
        f"analysis file; types are {', '.join(FRAMEWORKS)}"
    )
