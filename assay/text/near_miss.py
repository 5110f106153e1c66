"""The name that was probably meant by an unknown one. Standard library only."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, options: Iterable[str]) -> str:
    """The option that was probably meant, whatever its case; "" if none is near."""
    folded = {option.casefold(): option for option in options}
    exact = difflib.get_close_matches(name, list(folded.values()), n=1)
    return next(iter(exact), "") or folded.get(name.casefold(), "")


def hint(name: str, options: Iterable[str]) -> str:
    """The end of a message about an unknown name: "; did you mean 'x'?"; "" if no option is near."""
    near = nearest(name, options)
    return f"; did you mean {near!r}?" if near else ""


def one_of(name: str, options: Iterable[str]) -> str:
    """The end of a message about an unknown name: "; did you mean 'x'? there are ..."."""
    known = [option for option in options if option]
    return f"{hint(name, known) or ';'} there are {', '.join(known)}" if known else "; there are none"
