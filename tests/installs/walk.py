"""A walk through sections of a guide, as a reader goes: files are written, commands are typed, and each step costs."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Literal, NamedTuple

from tests.blocks import Block, blocks_of
from tests.installs.shell import Cost, Shell

Kind = Literal["install", "file", "command", "cell", "service"]
"""`install` makes an environment; a `service` does its part elsewhere, such as the pods of a cluster."""

_INSTALLS = re.compile(r"\bpip install\b|\bpython -m venv\b|/bin/activate$")
_COMMENT = re.compile(r"\s+# .*$")


class Step(NamedTuple):
    """One step.

    Attributes:
        kind: what the reader does.
        what: name of a file, or a command or cell as the guide has it.
        cost: what it took; nothing for a file.
    """

    kind: Kind
    what: str
    cost: Cost = Cost()


class Seen(NamedTuple):
    """Where a walk ends: the verdict, and the page as HTML."""

    verdict: str
    page: str


@dataclass
class Walk:
    """One reader's way.

    Attributes:
        shell: a terminal in the reader's folder.
        places: what guides name -> what stands for it here.
        steps: those that were taken so far, without what the reader had before.
        printed: what the last command printed.
    """

    shell: Shell
    places: Mapping[str, str]
    steps: list[Step] = field(default_factory=list)
    printed: str = ""

    @property
    def folder(self) -> Path:
        """The reader's folder."""
        return self.shell.folder

    def follow(self, guide: str, heading: str, *, theirs: Collection[str] = ()) -> None:
        """Does what a section says; files and commands of `theirs` are done, too, but the reader had done them before.

        Raises:
            AssertionError: there is no such section, or a command fails.
        """
        for kind, what, block in steps_of(guide, heading):
            cost = self._do(kind, what, block)
            if what not in theirs:
                self.steps.append(Step(kind, what, cost))

    def had(self, guide: str, heading: str) -> None:
        """Does what a section says; the reader had done all of it before."""
        for kind, what, block in steps_of(guide, heading):
            self._do(kind, what, block)

    def had_typed(self, line: str) -> None:
        """Types what the reader had done before."""
        self._type(line)

    def run_cells(self, guide: str, heading: str) -> list[dict[str, list[str]]]:
        """Runs blocks of Python as the cells of a notebook; returns the values that they show, by type of media."""
        cells = [block.text.strip() for block in blocks_in(guide, heading)]
        content = [
            {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": cell}
            for cell in cells
        ]
        notebook = {"cells": content, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
        (self.folder / "first.ipynb").write_text(json.dumps(notebook))
        cost = self._type("jupyter nbconvert --to notebook --execute first.ipynb --output done.ipynb")
        share = Cost(cost.cpu_s / len(cells), cost.wall_s / len(cells))
        self.steps += [Step("cell", cell, share) for cell in cells]
        done = json.loads((self.folder / "done.ipynb").read_text())["cells"]
        return [output["data"] for cell in done for output in cell["outputs"] if "data" in output]

    def service(self, what: str, line: str) -> None:
        """Does what another machine does for the reader; `what` says it in words."""
        self.steps.append(Step("service", what, self._type(line)))

    def cost(self, *kinds: Kind) -> Cost:
        """What all steps of these kinds took together."""
        return reduce(Cost.plus, (step.cost for step in self.steps if step.kind in kinds), Cost())

    def _do(self, kind: Kind, what: str, block: Block) -> Cost:
        if kind != "file":
            return self._type(what)
        (self.folder / what).write_text(self._here(block.text))
        return Cost()

    def _type(self, line: str) -> Cost:
        self.printed, cost = self.shell.type(self._here(line))
        return cost

    def _here(self, text: str) -> str:
        return reduce(lambda changed, place: changed.replace(*place), self.places.items(), text)


def blocks_in(guide: str, heading: str) -> list[Block]:
    """The blocks of a section.

    Raises:
        AssertionError: it has none.
    """
    found = [block for block in blocks_of(guide) if block.heading == heading]
    assert found, f"{guide}: expected blocks below the heading {heading!r}, found none"
    return found


def steps_of(guide: str, heading: str) -> Iterator[tuple[Kind, str, Block]]:
    """What a section lets its reader do: (kind, name of the file or command, block)."""
    for block in blocks_in(guide, heading):
        if block.file_name:
            yield "file", block.file_name, block
        elif block.language == "python":
            yield "command", f"python -c {shlex.quote(block.text)}", block
        elif block.language in ("bash", "sh"):
            for line in block.text.replace("\\\n", " ").splitlines():
                command = _COMMENT.sub("", line)
                yield ("install" if _INSTALLS.search(command) else "command"), command, block
