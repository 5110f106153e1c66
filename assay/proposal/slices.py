"""Which columns are worth slicing by, and why others are not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from assay.proposal import names
from assay.proposal.data import Data
from assay.proposal.facts import BOOLEAN, LIST, NOTHING, NUMBER, OTHER, TEXT, Facts
from assay.proposal.roles import Asked, Roles
from assay.text.printable import printable_line, shortened

_MOST_SLICES = 30
"""Values of a column of texts."""
_MOST_NUMBERS = 12
"""Values of a column of whole numbers, or of days."""
_LEAST_ROWS = 5
"""Rows of a value, on average."""
_MOST_COLUMNS = 8
_LONG_TEXT = 40
_SHOWN_VALUES = 4


class Slices(NamedTuple):
    """The columns to slice by.

    Attributes:
        chosen: column -> what it holds.
        passed_over: column -> why it is none of them.
    """

    chosen: Mapping[str, str]
    passed_over: Mapping[str, str]


def slices_of(data: Data, asked: Asked, roles: Roles, passed_over: Mapping[str, str]) -> Slices:
    """Chooses columns with few values, each of many rows.

    Args:
        data: the sample.
        asked: the columns that the caller wants, if any.
        roles: whose columns are not sliced by.
        passed_over: columns that were looked at for a role -> why they have none.
    """
    if asked.slices:
        return Slices({name: _held(data.facts[name]) for name in asked.slices}, passed_over)
    reasons: dict[str, str] = {**data.sample.unread, **passed_over}
    chosen: dict[str, str] = {}
    for name, facts in data.facts.items():
        if name in roles.columns or name in passed_over:
            continue
        why_not = _why_not(facts)
        if not why_not and len(chosen) == _MOST_COLUMNS:
            why_not = f"there are {_MOST_COLUMNS} others already: {asked.option('slice', name)}"
        elif not why_not and data.decides(name, roles.label):
            why_not = "the label follows from it"
        if why_not:
            reasons[name] = why_not
        else:
            chosen[name] = _held(facts)
    return Slices(chosen, reasons)


def _why_not(facts: Facts) -> str:
    """Why a column is not worth slicing by; "" if it is."""
    if facts.kind in (LIST, OTHER):
        return f"{facts.kind} make no slices"
    if facts.kind == NOTHING:
        return "it has no value"
    if facts.distinct == 1:
        return "all rows have the same value"
    if facts.kind != BOOLEAN and facts.distinct >= facts.rows - facts.missing:
        is_id = facts.kind == TEXT or (facts.kind == NUMBER and facts.is_whole)
        return f"each row has a value of its own{', as ids have' * is_id}"
    if names.may_be_score(facts.name):
        return "it is named like a prediction"
    return _too_many(facts)


def _too_many(facts: Facts) -> str:
    found = f"{facts.distinct:,} values"
    if facts.kind == TEXT and facts.length > _LONG_TEXT:
        return f"long texts, {found}"
    if facts.kind == NUMBER and not facts.is_whole:
        return f"numbers with fractions, {found}"
    most = _MOST_SLICES if facts.kind == TEXT else _MOST_NUMBERS
    is_sparse = facts.distinct * _LEAST_ROWS > facts.rows
    return f"too many values: {facts.distinct:,}" if facts.distinct > most or is_sparse else ""


def _held(facts: Facts) -> str:
    """What a column holds, for a comment."""
    rows = max(1, facts.rows)
    some = [f"{_shown(value)} ({count / rows:.0%})" for value, count in list(facts.counts.items())[:_SHOWN_VALUES]]
    if facts.distinct > _SHOWN_VALUES:
        some.append("...")
    if facts.missing:
        some.append(f"missing ({facts.missing / rows:.0%})")
    kind = "whole numbers" if facts.kind == NUMBER and facts.is_whole else facts.kind
    return f"{kind}, {facts.distinct:,} values: {', '.join(some)}"


def _shown(value: object) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return printable_line(shortened(text, 30)) or '""'
