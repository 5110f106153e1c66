"""How many cores this process may use. Standard library only."""

from __future__ import annotations

import os
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Of the control group of a container: microseconds of CPU, or "max", and the period in which they may be used."""


def available_cores() -> int:
    """The cores that the system, and the container, let this process use at once; at least 1."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(cores, _of_container(cores)))


def _of_container(default: int) -> int:
    try:
        most, period = _QUOTA.read_text().split()
        return default if most == "max" else int(most) // int(period)
    except (OSError, ValueError):
        return default
