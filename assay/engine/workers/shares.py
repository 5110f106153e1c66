"""How parts of the input are given to workers: in runs that get shorter towards the end."""

from __future__ import annotations

from collections.abc import Iterator


def runs(parts: int, workers: int) -> Iterator[range]:
    """Cuts `parts` parts into runs of neighbours, for whoever asks next.

    Each run has a power of two parts, and starts at a multiple of its length: so all states in it merge into one, and
    a worker holds few. Runs get shorter, so that all workers end at about the same time.
    """
    first = 0
    while first < parts:
        most = max(1, (parts - first) // workers)
        length = 1 << most.bit_length() - 1
        while first % length:
            length >>= 1
        yield range(first, first + length)
        first += length
