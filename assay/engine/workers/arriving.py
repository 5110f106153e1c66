"""What workers send as it arrives in the launcher: states of one key join at once, so that few are held."""

from __future__ import annotations

from typing import Any, Protocol, Self, runtime_checkable


@runtime_checkable
class Joining(Protocol):
    """A value that joins others of its key, with the same result whatever order they come in."""

    def joined_on_arrival(self, other: Self) -> Self | None:
        """Both as one; None if they stay two."""


class Arriving:
    """What workers send to a buffer of Beam.

    A buffer that groups by key holds the values of each key, encoded, until all have come. If they are to join, they
    are held here meanwhile.

    Args:
        buffer: Beam's.
        coder: of values that it holds encoded; None if it holds none.
    """

    def __init__(self, buffer: Any, coder: Any) -> None:
        self._buffer, self._coder = buffer, coder
        self._are_to_join: bool | None = None
        self._held: dict[bytes, list[Any]] = {}

    def append(self, elements: bytes) -> None:
        """Takes encoded elements, as many as a worker has sent together."""
        self._buffer.append(elements)
        if self._coder is not None:
            for key, values in self._buffer._table.items():
                while values and self._joins(values[0]):
                    self._add(self._held.setdefault(key, []), self._coder.decode(values.pop(0)))

    def _joins(self, encoded: Any) -> bool:
        """Whether the values of the buffer are to join: as the first of them tells."""
        if self._are_to_join is None:
            self._are_to_join = isinstance(encoded, bytes) and isinstance(self._coder.decode(encoded), Joining)
        return self._are_to_join

    @staticmethod
    def _add(held: list[Any], value: Any) -> None:
        for i, other in enumerate(held):
            both = other.joined_on_arrival(value) if isinstance(other, Joining) and type(other) is type(value) else None
            if both is not None:
                held[i] = both
                return
        held.append(value)

    def close(self) -> None:
        """Hands what is held to the buffer, once all has come."""
        while self._held:
            key, values = self._held.popitem()
            self._buffer._table[key] += map(self._coder.encode, values)
