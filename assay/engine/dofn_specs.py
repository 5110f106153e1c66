"""Beam's look through all methods of a DoFn for state and timers: it looks eight times, a third of a small run."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from apache_beam.transforms import userstate

_look = userstate.get_dofn_specs
_lock = threading.Lock()
_seen: dict[int, Any] = {}
_pipelines = 0


@contextmanager
def each_looked_at_once() -> Iterator[None]:
    """Has Beam look through each DoFn once while the block lasts; other pipelines of the process may run beside it."""
    global _pipelines
    with _lock:
        _pipelines += 1
        userstate.get_dofn_specs = _specs
    try:
        yield
    finally:
        with _lock:
            _pipelines -= 1
            if not _pipelines:
                userstate.get_dofn_specs = _look


def _specs(dofn: Any) -> Any:
    """What Beam sees in a DoFn, which is known by its identity: it may have no hash, or be equal to others."""
    if id(dofn) not in _seen:
        _seen[id(dofn)] = _look(dofn)
        weakref.finalize(dofn, _seen.pop, id(dofn), None).atexit = False
    return _seen[id(dofn)]
