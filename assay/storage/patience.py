"""How long calls to a storage are tried: less than usual where somebody waits for the answer. Standard library only."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_seconds: ContextVar[float] = ContextVar("assay_storage_patience", default=math.inf)


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Within the block, and in this thread, a call is tried for at most so long."""
    token = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(token)


def at_most(usual: float) -> float:
    """Seconds for a call that usually takes so many."""
    return min(usual, _seconds.get())
