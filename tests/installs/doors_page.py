"""What walks through the doors took, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from bench.tables import table
from tests.installs.shell import Cost
from tests.installs.walk import Kind, Step, Walk

WORK: tuple[Kind, ...] = ("command", "cell", "service")
"""Kinds of steps whose seconds are those of assay."""


class Named(Protocol):
    """What is said of a door."""

    @property
    def name(self) -> str: ...
    @property
    def has(self) -> str: ...
    @property
    def guide(self) -> str: ...


def report(machine: str, walks: Sequence[tuple[Named, Walk]]) -> str:
    """All doors in a table, then the steps of each."""
    head = ("you come from", "guide", "files", "commands", "CPU s", "seconds", "install: CPU s", "install: seconds")
    parts = [machine, table(head, "llrrrrrr", (_row(door, walk) for door, walk in walks))]
    for door, walk in walks:
        parts += [f"## {door.name}", f"You have {door.has}.", table(("step", "CPU s", "seconds"), "lrr", _lines(walk))]
    return "\n\n".join(parts)


def _row(door: Named, walk: Walk) -> tuple[str, ...]:
    page = Path(door.guide).name
    files = sum(step.kind == "file" for step in walk.steps)
    return (
        f"[{door.name}](#{door.name.lower().replace(',', '').replace(' ', '-')})",
        f"[{page}]({page})",
        str(files),
        str(len(walk.steps) - files),
        *_shown(walk.cost(*WORK)),
        *_shown(walk.cost("install")),
    )


def _lines(walk: Walk) -> Iterator[tuple[str, ...]]:
    for step in walk.steps:
        yield words_of(step), *(_shown(step.cost) if step.kind != "file" else ("", ""))


def words_of(step: Step) -> str:
    """A step in a line."""
    if step.kind == "file":
        return f"write `{step.what}`"
    if step.kind == "cell":
        return "run the cell"
    return step.what if step.kind == "service" else f"`{step.what}`"


def _shown(cost: Cost) -> Iterable[str]:
    return f"{cost.cpu_s:.1f}", f"{cost.wall_s:.1f}"
