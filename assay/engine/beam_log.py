"""Beam's log, which tells a failure in twenty lines that the one line of our error tells again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

LOGGER = "apache_beam"
"""Whoever gives this logger a level, such as `--verbose`, sees Beam's log at that level."""

_NOTHING = logging.CRITICAL + 1

_lock = threading.Lock()
_runs = 0


def show_beam_log() -> None:
    """Lets warnings and errors of Beam through, for the rest of the process."""
    logging.getLogger(LOGGER).setLevel(logging.WARNING)


@contextmanager
def quiet_beam() -> Iterator[None]:
    """Keeps Beam's log back while a pipeline runs, unless its logger has been given a level."""
    _count(1)
    try:
        yield
    finally:
        _count(-1)


def _count(change: int) -> None:
    """Counts the pipelines that run; the first one silences the logger, the last one gives it back."""
    global _runs
    logger = logging.getLogger(LOGGER)
    with _lock:
        _runs += change
        if _runs and logger.level == logging.NOTSET:
            logger.setLevel(_NOTHING)
        elif not _runs and logger.level == _NOTHING:
            logger.setLevel(logging.NOTSET)
