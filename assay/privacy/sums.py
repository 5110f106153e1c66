"""The sums that tie slices together: a slice is the sum of those that divide it, and of the rows in none of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

import numpy as np

from assay.metrics.values import Ints
from assay.types import SliceKey

_Family: TypeAlias = tuple[str, ...]
"""Names of the features of slices."""


class Sums(NamedTuple):
    """Sums over v groups of rows: slices, then groups that are no slices, whose values nobody lists.

    Attributes:
        keys: the slices, in a fixed order.
        rows: (v,) of the slices, then of the other groups.
        sum_of: (e,) for each entry of a sum, which one it is an entry of.
        group: (e,) the group of each entry.
        is_parent: (e,) whether the entry is what the others of its sum add up to.
    """

    keys: list[SliceKey]
    rows: Ints
    sum_of: Ints
    group: Ints
    is_parent: np.ndarray


def sums_of(slices: Mapping[SliceKey, int]) -> Sums:
    """The sums that hold whatever the values are.

    A slice by some features is the sum of its slices by these features and others. A slice that is not listed is a
    group all the same if two slicings meet in it: with slices by (sex, country) and by (country, age), each country is
    two sums. Where the parts have fewer rows than the whole, the rest is a group too. Where they have more, as rows
    have several values of a feature, the sum is taken as if it held.

    Args:
        slices: the rows of each slice.
    """
    keys = sorted(slices, key=_place)
    by_family = defaultdict[_Family, list[SliceKey]](list)
    for key in keys:
        by_family[tuple(name for name, _ in key)].append(key)

    parts = _parts(by_family)
    in_parts = [sum(slices[child] for child in children) for children in parts.values()]
    unlisted = sorted({whole for whole, _ in parts if whole not in slices}, key=_place)
    rows = dict(slices) | dict.fromkeys(unlisted, 0)
    for (whole, _), together in zip(parts, in_parts, strict=True):
        if whole not in slices:
            rows[whole] = max(rows[whole], together)

    groups = [*keys, *unlisted]
    at, of_groups = {key: i for i, key in enumerate(groups)}, [rows[key] for key in groups]
    entries: list[tuple[int, int, bool]] = []
    for number, (((whole, _), children), together) in enumerate(zip(parts.items(), in_parts, strict=True)):
        entries.append((number, at[whole], True))
        entries += [(number, at[child], False) for child in children]
        rest = rows[whole] - together
        if rest > 0:
            entries.append((number, len(of_groups), False))
            of_groups.append(rest)
    columns = np.array(entries, np.int64).reshape(-1, 3)
    return Sums(keys, np.array(of_groups, np.int64), columns[:, 0], columns[:, 1], columns[:, 2].astype(bool))


def _place(key: SliceKey) -> tuple[int, str]:
    """The same order on every machine."""
    return len(key), str(key)


def _parts(by_family: Mapping[_Family, Iterable[SliceKey]]) -> dict[tuple[SliceKey, _Family], list[SliceKey]]:
    """Whole slice and features of its parts -> the parts."""
    parts = defaultdict[tuple[SliceKey, _Family], list[SliceKey]](list)
    for whole in sorted(_with_common(by_family)):
        for family, children in by_family.items():
            if set(whole) < set(family):
                for child in children:
                    parts[tuple(item for item in child if item[0] in whole), family].append(child)
    return parts


def _with_common(families: Iterable[_Family]) -> set[_Family]:
    """The families, and what any of them have in common."""
    every, newest = set(families), set(families)
    while newest:
        common = {tuple(name for name in one if name in other) for one in newest for other in every}
        newest = common - every
        every |= newest
    return every | {()}
