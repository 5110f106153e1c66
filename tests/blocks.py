"""Blocks of code in the documents, and where they stand.

A block whose first line is a comment with a file name is a file. Blocks of bash and Python run in one environment.
Blocks of sh are typed in an environment of the reader's own, which they make: they install, or talk to Airflow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]

_PARTS = re.compile(r"^#+ (?P<heading>[^\n]+)$|^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE_NAME = re.compile(r"# ([\w-]+\.\w+)$")


class Block(NamedTuple):
    """One block.

    Attributes:
        where: document and line.
        heading: of the section that has it.
        language: bash, python, ...
        text: what is in it.
    """

    where: str
    heading: str
    language: str
    text: str

    @property
    def file_name(self) -> str | None:
        """The file as which the block is saved."""
        found = _FILE_NAME.match(self.text.splitlines()[0])
        return found[1] if found else None


def blocks_of(document: str) -> Iterator[Block]:
    """The blocks of a document, named from the root of the repository, in their order."""
    text = (ROOT / document).read_text()
    heading = ""
    for part in _PARTS.finditer(text):
        heading = part["heading"] or heading
        if part["language"]:
            line = text.count("\n", 0, part.start()) + 1
            yield Block(f"{document}:{line}", heading, part["language"], part["text"])
