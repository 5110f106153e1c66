"""Counts as multiples of a number, which tell no single row. Standard library only."""

from __future__ import annotations


def to_multiple(count: int, of: int) -> int:
    """The nearest multiple of a number, 1 or more; from the middle between two, the higher one."""
    return (count + of // 2) // of * of
