"""The memory of a process and its descendants together."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

_EVERY_S = 0.2


@contextmanager
def watched(pid: int) -> Iterator[list[float]]:
    """Looks at the processes until the end; the list then holds what all of them had at once, in MB, each time.

    What processes share counts once.
    """
    seen, is_over = [0.0], threading.Event()

    def look() -> None:
        while not is_over.wait(_EVERY_S):
            seen.append(_together(pid))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        thread.join()


def _together(pid: int) -> float:
    total = 0
    with suppress(psutil.Error):
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.Error):  # it has ended meanwhile
                total += process.memory_full_info().pss
    return total / (1 << 20)
