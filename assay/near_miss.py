"""What was probably meant by an unknown name. Standard library only."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def one_of(name: str, options: Iterable[str]) -> str:
    """The end of a message about an unknown name: "; did you mean 'x'? there are ..."."""
    known = [option for option in options if option]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ";"
    return f"{hint} there are {', '.join(known)}" if known else "; there are none"
