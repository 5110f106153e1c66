"""Which found slices are withheld, since small groups of rows could be computed from them: see `assay.privacy`.

What is told of a found slice are the mean loss of its rows in either half, by loss and score; and its rows, and metrics
where they are asked for, of both halves together, like those of the slices that slicing specs list. So a small group
must follow neither from the sums of one half, nor from those of all rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from assay.discovery import nested
from assay.discovery.cells import Cells
from assay.discovery.groups import Groups
from assay.discovery.search import Found
from assay.privacy.suppression import tells_small, withheld
from assay.types import SliceKey


class Listed(NamedTuple):
    """The slices that slicing specs list.

    Attributes:
        rows: of each slice.
        names_of_queries: features that are called so by `slice_keys_sql`, which may put other rows into their slices.
    """

    rows: Mapping[SliceKey, int]
    names_of_queries: frozenset[str] = frozenset()


def hidden(
    found: Sequence[Found],
    halves: Sequence[int],
    listed: Listed,
    cells: Mapping[str, Cells],
    groups: Mapping[str, Groups],
    least: int,
) -> list[bool]:
    """Which of some found slices are withheld (s,). Those that come first are shown first.

    Args:
        found: the slices.
        halves: rows of each half.
        listed: the other slices of the results, which are shown as if none had been found.
        cells: feature -> its cells, of all rows.
        groups: feature -> its groups, of those that are searched.
        least: rows that a slice must have to be shown.
    """
    of_listed, crossed = _of_listed(listed, cells, groups, least, sum(halves))
    sums = [*(_Sums({(): rows}, {()}) for rows in halves), of_listed]
    are_hidden = list[bool]()
    for one in found:
        key, rows = nested.of_found(one.key), (*one.halves, one.rows)
        may_tell = min(one.halves) < least or not crossed.isdisjoint(name for name, _ in one.key)
        may_tell = may_tell or any(of.would_tell(key, count, least) for of, count in zip(sums, rows, strict=True))
        are_hidden.append(may_tell)
        for of, count in zip(sums, rows, strict=True) if not may_tell else ():
            of.show(key, count)
    return are_hidden


class _Sums:
    """Slices with their rows, and those of them that are shown."""

    def __init__(self, rows: Mapping[SliceKey, int], shown: set[SliceKey]) -> None:
        self._rows, self._shown = dict(rows), shown

    def would_tell(self, key: SliceKey, rows: int, least: int) -> bool:
        """Whether a small group could be computed if a slice were shown."""
        return tells_small({**self._rows, key: rows}, self._shown | {key}, least)

    def show(self, key: SliceKey, rows: int) -> None:
        """Shows it."""
        self._rows[key] = rows
        self._shown.add(key)


def _of_listed(
    listed: Listed, cells: Mapping[str, Cells], groups: Mapping[str, Groups], least: int, rows: int
) -> tuple[_Sums, set[str]]:
    """The listed slices, all rows always among them; and the features whose listed values are no parts of groups."""
    of_all = {(): rows, **listed.rows}
    not_shown = withheld(listed.rows, least)
    keys, crossed = dict[SliceKey, SliceKey](), set[str]()
    for key in of_all:
        names = {name for name, _ in key}
        nested_key = None if names & listed.names_of_queries else nested.of_listed(key, cells, groups)
        if nested_key is None:
            crossed |= names
        else:
            keys[key] = nested_key
    shown = {keys[key] for key in keys if (of_all[key] >= least or not key) and key not in not_shown}
    return _Sums({keys[key]: of_all[key] for key in keys}, shown), crossed
