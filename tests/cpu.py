"""CPU seconds, in starts of Python: a measure that slow machines and quick ones agree on, as far as they can."""

from __future__ import annotations

import functools
import resource
import subprocess
import sys


def cpu_seconds(*command: str) -> float:
    """User and system seconds of a command; the least of three, as other work on the machine only adds."""
    taken = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(taken)


@functools.cache
def start_of_python() -> float:
    """CPU seconds of a Python that does nothing; 0.035 on the machine where the bounds were set."""
    return cpu_seconds(sys.executable, "-c", "pass")
