"""Which column is the label, which are predictions, weights and queries: chosen by name and content, or refused."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from assay.errors import InputError, MissingColumnError
from assay.text.near_miss import hint
from assay.text.printable import printable_line

NONE = "-"
"""Stands for no column where a caller could name one."""

_MOST_SHOWN = 8


@dataclass(frozen=True)
class Asked:
    """What the caller says; the rest is told from the data.

    Attributes:
        label: column of the labels.
        predictions: columns of predictions; several for several models.
        baseline: the one among them that the others are compared with.
        weight: column of example weights; `NONE` for none, whatever names say.
        query: column that tells queries apart; `NONE` for none.
        slices: columns to slice by.
        positive: the label of the positive class.
        classes: names of all classes, in the order of the predictions.
        in_python: whether they are arguments of a function, rather than options of a command.
    """

    label: str = ""
    predictions: tuple[str, ...] = ()
    baseline: str = ""
    weight: str = ""
    query: str = ""
    slices: tuple[str, ...] = ()
    positive: str = ""
    classes: tuple[str, ...] = ()
    in_python: bool = False

    def option(self, name: str, value: str) -> str:
        """How a caller would say it, to be pasted."""
        if self.in_python:
            several = {"prediction": "predictions", "slice": "slices", "class": "classes"}
            shown = repr(value)
            return f"{several[name]}=[{shown}]" if name in several else f"{name}={shown}"
        return f"--{name} {printable_line(shlex.quote(value))}"

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that are named."""
        named = (self.label, *self.predictions, self.baseline, self.weight, self.query, *self.slices)
        return tuple(name for name in named if name not in ("", NONE))


@dataclass(frozen=True)
class Model:
    """A model whose predictions are in the data.

    Attributes:
        name: of its model spec; "" if it is the only one.
        columns: the column of its predictions; or a column for each class.
        classes: the label that each column is for, if there are several.
        is_baseline: whether the others are compared with it.
    """

    name: str
    columns: tuple[str, ...]
    classes: tuple[str, ...] = ()
    is_baseline: bool = False


@dataclass(frozen=True)
class Roles:
    """What columns serve for.

    Attributes:
        label: column of the labels.
        models: whose predictions are there; the candidate first.
        weight: column of example weights; "" if there is none.
        query: column that tells queries apart; "" if there is none.
        why: role -> why this column was chosen.
        passed_over: column -> why it was not.
    """

    label: str
    models: tuple[Model, ...]
    weight: str = ""
    query: str = ""
    why: Mapping[str, str] = field(default_factory=dict)
    passed_over: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> set[str]:
        """All columns that have a role."""
        of_models = {column for model in self.models for column in model.columns}
        return {self.label, self.weight, self.query, *of_models} - {""}


def shown_names(names: Iterable[str]) -> str:
    """Some names of columns for a sentence."""
    known = list(names)
    shown = ", ".join(printable_line(name) for name in known[:_MOST_SHOWN])
    return f"{shown}, ..." if len(known) > _MOST_SHOWN else shown or "none"


def check_asked(asked: Asked, columns: Iterable[str], unread: Mapping[str, str]) -> None:
    """Refuses columns that are asked for and are not there.

    Raises:
        MissingColumnError: names the column, and the nearest one.
        InputError: a column that cannot be used.
    """
    known = set(columns)
    for name in asked.columns:
        if name in unread:
            raise InputError(f"column {name!r} cannot be used: {unread[name]}")
        if name not in known:
            raise MissingColumnError(f"the data has no column {name!r}{hint(name, known)}; it has {shown_names(known)}")
