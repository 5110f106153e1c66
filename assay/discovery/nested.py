"""Found slices and listed ones as keys that say which rows are part of which.

A search forms slices of groups of values, such as bins or rare values, where a listed slice may be of one value, or of
other bins. So in both keys the group of a value is a feature of its own, and a listed slice has its value beside it.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping

from assay.discovery.cells import NUMBER, Cells
from assay.discovery.groups import Group, Groups
from assay.discovery.search import Key
from assay.slicing.feature_bins import Bins
from assay.types import SliceKey

_BIN = re.compile(r"[\[(](\S+), (\S+)\)")
_GROUP = "\0group"
"""Ends the name of a feature of groups; no column is called so."""


def of_found(key: Key) -> SliceKey:
    """The key of a found slice."""
    return tuple(sorted((name + _GROUP, _name(group)) for name, group in key))


def of_listed(key: SliceKey, cells: Mapping[str, Cells], groups: Mapping[str, Groups]) -> SliceKey | None:
    """The key of a listed slice; None where its rows are not all in one group, as bins overlap otherwise.

    Args:
        key: of the slice.
        cells: feature -> its cells, of all rows.
        groups: feature -> its groups, of those that are searched.
    """
    parts: list[tuple[str, str]] = []
    for name, value in key:
        if name in groups:
            group = _group_of(value, cells[name], groups[name])
            if group is None:
                return None
            parts.append((name + _GROUP, _name(group)))
        parts.append((name, repr(value)))
    return tuple(sorted(parts))


def _name(group: Group) -> str:
    return f"{group.rare} rare" if group.rare else repr(group.value)


def _group_of(value: str | int | float | None, cells: Cells, groups: Groups) -> Group | None:
    """The group that all rows of a value or bin belong to; None if there is none."""
    if value is None:
        return Group(None)
    if cells.kind != NUMBER:
        at = bisect_left(cells.texts, str(value))
        is_there = at < len(cells.texts) and cells.texts[at] == value
        return groups.groups[groups.of_cells[at]] if is_there else None
    low, high = _range_of(value)
    if groups.edges:
        at = bisect_right(groups.edges, low)
        ends = groups.edges[at] if at < len(groups.edges) else math.inf
        return Group(Bins(groups.edges).names[at]) if high <= ends else None
    alone = Group(str(int(low))) if low == high and low.is_integer() else None
    return alone if alone in groups.groups else None


def _range_of(value: str | int | float) -> tuple[float, float]:
    """What numbers a value or bin may be; NaN, which is in no group, for a text that is neither."""
    bin_ = _BIN.fullmatch(value) if isinstance(value, str) else None
    texts = bin_.groups() if bin_ else (value, value)
    try:
        low, high = map(float, texts)
    except ValueError:
        return math.nan, math.nan
    return low, high
