"""A file that is written again and again while somebody works, so that nobody clears away what is worked on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from assay import storage
from assay.checkpoints.layout import HEARTBEAT_FILE
from assay.errors import AssayError

HEARTBEAT_SECONDS = 30.0
GRACE_SECONDS = 10 * HEARTBEAT_SECONDS
"""Whoever has not written for so long is taken to be dead."""


@contextmanager
def alive(folder: str, *, lasting: bool = False) -> Iterator[None]:
    """Keeps a heartbeat in a folder while the block runs.

    Args:
        folder: of an attempt or a run.
        lasting: leave the last one, which holds until `GRACE_SECONDS` are over: somebody else may go on.
    """
    stop = threading.Event()
    uri = storage.join(folder, HEARTBEAT_FILE)
    thread = threading.Thread(target=_beat, args=(uri, stop), name="assay-heartbeat", daemon=True)
    storage.write(uri, _now())
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        with suppress(AssayError):
            if not lasting:
                storage.delete(uri)


def _beat(uri: str, stop: threading.Event) -> None:
    while not stop.wait(HEARTBEAT_SECONDS):
        with suppress(AssayError):  # the next beat may come through
            storage.write(uri, _now())


def _now() -> bytes:
    return f"{time.time():.0f}\n".encode()
