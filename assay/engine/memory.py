"""Memory of a process that evaluates: batches come and go by the megabyte, and modules stay."""

from __future__ import annotations

import ctypes
import gc
import os
import re
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assay.errors import TransientError

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # glibc's mallopt
_LARGEST_REUSED = 32 << 20
_KEPT = 256 << 20
_NEW_OBJECTS = 100_000

_CONTAINER = Path("/sys/fs/cgroup/memory.max")
_SHARE_OF_CONTAINER = 0.9
"""What is left is for the page cache, and for what is allocated between two checks."""

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_UNITS |= {f"{unit}i": 1024**power for power, unit in enumerate("KMGT", 1)}
_SIZE = re.compile(r"(?P<number>\d+(\.\d+)?) ?(?P<unit>[KMGT]?i?)B?")

_SHARE = re.compile(r"^Pss: +(?P<size>\d+) kB", re.MULTILINE)

_limit: int | None = None
"""Bytes that this process and others of the run may hold."""

_beside = 0
"""Bytes that these others hold."""


def tune() -> None:
    """Fits the process to its work; call it first, and only where the process is one's own.

    Arrow's own pools would keep some 30 MB for good. glibc would hand arrays of 128 kB and more back to the system each
    time, whose fresh pages cost more than the sums that are written into them. Python would look for cycles among the
    objects of all modules again and again, 0.2 s each time once TensorFlow is there.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    gc.set_threshold(_NEW_OBJECTS, 10, 100)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_REUSED)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)


def bytes_of(text: str) -> int:
    """The bytes that a text such as "4GiB", "800MB" or "2G" stands for; ValueError for another text."""
    size = _SIZE.fullmatch(text.strip())
    if size is None or size["unit"] not in _UNITS or not float(size["number"]):
        raise ValueError(f"expected an amount of memory, such as 4GiB or 800MB, found {text!r}")
    return int(float(size["number"]) * _UNITS[size["unit"]])


def of_container() -> int | None:
    """The bytes that processes of this container may hold together without being killed; None for no limit."""
    try:
        return int(int(_CONTAINER.read_text()) * _SHARE_OF_CONTAINER)
    except (OSError, ValueError):
        return None


def resident() -> int:
    """The bytes that this process holds; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def share() -> int:
    """The bytes that this process holds; of pages that several processes hold, such as forks, only its part.

    So the shares of processes add up to what all of them hold.
    """
    try:
        return 1024 * int(_SHARE.search(Path("/proc/self/smaps_rollup").read_text())["size"])  # type: ignore[index]
    except (OSError, TypeError):  # another system
        return resident()


def give_back() -> None:
    """Gives what this process no longer uses back to the system, which it would keep for the next batch."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def peak() -> int:
    """The most bytes that this process has held."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


@contextmanager
def limited(most: int | None) -> Iterator[None]:
    """Has `check_process` refuse more than so many bytes inside; None for no limit."""
    global _limit
    before, _limit = _limit, most
    try:
        yield
    finally:
        _limit = before


def beside(held: int) -> None:
    """Says how many bytes other processes of the run hold, for `check_process`."""
    global _beside
    _beside = held


def check_process() -> None:
    """Raises TransientError once the run holds more than it may. Called with every batch."""
    if _limit is not None:
        check(_limit, resident() + _beside)


def check(most: int | None, held: int) -> None:
    """Raises TransientError if the `held` bytes of a run are more than `most`."""
    if most is not None and held > most:
        raise TransientError(
            f"out of memory: the run holds {held / 1e6:,.0f} MB and may hold {most / 1e6:,.0f} MB; allow more "
            "(--memory) or use less: fewer processes (--workers), smaller batches (inputs.batch_rows), or fewer slices "
            "(slicing_specs by columns of many values)"
        )
