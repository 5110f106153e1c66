"""Rows that cannot be read: found without looking at each good row, then refused or counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeAlias

from assay.errors import BadRowError

UNREADABLE = "unreadable"

Refuse: TypeAlias = Callable[[int, str], None]
"""Called with (number of the row in its file, what is wrong with it) for a row that cannot be read; may raise."""

Problem: TypeAlias = Callable[[int, int], "str | None"]
"""Says what is wrong with rows [start, stop) as a whole; None if nothing is."""


def refusal(file: str, on_bad_rows: str, skipped: Counter[str]) -> Refuse:
    """Returns what to do with unreadable rows of `file`: raise BadRowError ("fail") or count them ("skip")."""

    def count(row: int, why: str) -> None:
        skipped[UNREADABLE] += 1

    def fail(row: int, why: str) -> None:
        raise BadRowError(f"{file}, row {row}: {why}; correct the row, or set on_bad_rows: skip to leave such rows out")

    return count if on_bad_rows == "skip" else fail


def shifted(refuse: Refuse, first: int) -> Refuse:
    """Returns `refuse` for row numbers that count from row `first` of the file."""
    return lambda row, why: refuse(first + row, why)


def find(start: int, stop: int, problem: Problem) -> Iterator[tuple[int, str]]:
    """Yields (row, what is wrong) of each bad row in [start, stop), by halving ranges that have one."""
    why = problem(start, stop) if start < stop else None
    if why is None:
        return
    if stop - start == 1:
        yield start, why
        return

    middle = (start + stop) // 2
    yield from find(start, middle, problem)
    yield from find(middle, stop, problem)
