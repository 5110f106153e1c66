"""Memory of a process that evaluates: batches come and go by the megabyte, and modules stay."""

from __future__ import annotations

import ctypes
import gc
import os

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # glibc's mallopt
_LARGEST_REUSED = 32 << 20
_KEPT = 256 << 20
_NEW_OBJECTS = 100_000

_is_own = False


def tune() -> None:
    """Fits the process to its work; call it first, and only where the process is one's own.

    Arrow's own pools would keep some 30 MB for good. glibc would hand arrays of 128 kB and more back to the system each
    time, whose fresh pages cost more than the sums that are written into them. Python would look for cycles among the
    objects of all modules again and again, 0.2 s each time once TensorFlow is there.
    """
    global _is_own
    _is_own = True
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    gc.set_threshold(_NEW_OBJECTS, 10, 100)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_REUSED)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)


def is_own() -> bool:
    """Whether the process is one's own: nothing runs in it but one command of ours."""
    return _is_own
