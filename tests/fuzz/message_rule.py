"""What a message about a wrong analysis must have: the file, the place, and what to do; and what none may have."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable

from assay.errors import UsageError

MOST_LINES = 3
MOST_CHARACTERS = 500

_OF_PYTHON = [name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, Exception)]
_OF_PROGRAMMERS = re.compile(
    r"Traceback|File \"|<class|<function|object at 0x|\bNoneType\b|\[Errno|while running|--verbose"
    r"|has no attribute|not iterable|not subscriptable|unhashable|not supported between|unexpected keyword"
    rf"|\b({'|'.join(_OF_PYTHON)}|JSONDecodeError|ArrowInvalid)\b"
)
"""What tells of a program and not of a file."""

_CURE = re.compile(
    r"\bexpected (?!YAML|JSON)|\bmust be\b|did you mean '|there are (?!none(;|$))"
    r"|\b(add|remove|use|set|give|name|choose|write|correct|rename|put|quote|indent|close|leave|fix|save|export|say|ask)\b"
)
"""What to do: what was expected, what was meant, or a verb that tells it."""


def faults(told: str, code: int | None, files: Iterable[str], named: Iterable[str], cures: Iterable[str]) -> list[str]:
    """What a message lacks.

    Args:
        told: all that was written.
        code: the exit code.
        files: names of files, of which it must have one; none if there is no file.
        named: what it must have; `#` stands for a number, and ` or ` is between what will do.
        cures: of which it must have one; none if any cure will do.
    """
    told, files, cures = told.strip(), list(files), list(cures)
    found = [
        (code == UsageError.exit_code, f"exit code {code}"),
        (bool(told), "nothing"),
        (told.count("\n") < MOST_LINES, f"{told.count(chr(10)) + 1} lines"),
        (len(told) <= MOST_CHARACTERS, f"{len(told)} characters"),
        (not _OF_PROGRAMMERS.search(told), "words of programmers"),
        (not files or any(file in told for file in files), f"none of the files {', '.join(files)}"),
        (bool(_CURE.search(told)), "no cure"),
        (not cures or any(cure in told for cure in cures), f"none of the cures {', '.join(cures)}"),
    ]
    return [fault for is_well, fault in found if not is_well] + [f"no {name}" for name in named if not _has(told, name)]


def _has(told: str, name: str) -> bool:
    """Whether a name stands in a text, and not only as a part of a longer one."""
    pattern = "|".join(re.escape(one).replace(r"\#", r"\d+") for one in name.split(" or "))
    return re.search(rf"(?<!\w)({pattern})(?!\w)", told) is not None
