"""What a storage tells of an object. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stat:
    """An object as it is now.

    Attributes:
        size: bytes.
        generation: another one whenever the content may be another.
        updated: when it was written, in seconds since 1970.
    """

    size: int
    generation: str
    updated: float
