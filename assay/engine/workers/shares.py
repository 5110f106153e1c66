"""How parts of the input are given to workers: in runs that get shorter towards the end."""

from __future__ import annotations

from collections.abc import Iterator

_LONGEST = 16
"""Parts of a run. A worker holds a state for each doubling of the parts that it has done, and one more."""


def runs(parts: int, workers: int) -> Iterator[range]:
    """Cuts `parts` parts into runs of neighbours, for whoever asks next.

    Each run has a power of two parts, and starts at a multiple of its length: so all states in it merge into one, which
    the launcher takes over, and a worker holds few meanwhile. Runs get shorter, so that all workers end at about the
    same time.
    """
    first = 0
    while first < parts:
        most = max(1, min((parts - first) // workers, _LONGEST))
        length = 1 << most.bit_length() - 1
        while first % length:
            length >>= 1
        yield range(first, first + length)
        first += length
