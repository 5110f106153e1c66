"""A stream over what lies elsewhere, made of calls that each fetch a range. Standard library only."""

from __future__ import annotations

import io
from collections.abc import Callable

_LEAST_AHEAD, _MOST_AHEAD = 256 << 10, 16 << 20


class Ranges(io.BufferedIOBase):
    """Fetches what is read, and the further ahead the longer it is read in one go; a leap fetches little.

    Args:
        size: bytes of the whole.
        fetch: (start, end) -> exactly these bytes.
    """

    def __init__(self, size: int, fetch: Callable[[int, int], bytes]) -> None:
        self._size, self._fetch = size, fetch
        self._position = self._held_from = 0
        self._held = b""
        self._ahead = _LEAST_AHEAD

    def read(self, size: int | None = -1, /) -> bytes:
        """As many bytes as asked for, fewer only at the end."""
        self._check_open()
        end = self._size if size is None or size < 0 else min(self._position + size, self._size)
        if end <= self._position:
            return b""
        content = self._between(self._position, end)
        self._position = end
        return content

    def read1(self, size: int = -1, /) -> bytes:
        """As `read`."""
        return self.read(size)

    def _between(self, start: int, end: int) -> bytes:
        offset = start - self._held_from
        known = self._held[offset : end - self._held_from] if 0 <= offset <= len(self._held) else b""
        fetch_from = start + len(known)
        if fetch_from == end:
            return known
        goes_on = fetch_from == self._held_from + len(self._held)
        self._ahead = min(2 * self._ahead, _MOST_AHEAD) if goes_on else _LEAST_AHEAD
        fetched = self._fetch(fetch_from, min(max(end, fetch_from + self._ahead), self._size))
        taken = end - fetch_from
        kept_from = 0 if len(fetched) <= _MOST_AHEAD else taken  # what is large is not held a second time
        self._held_from, self._held = fetch_from + kept_from, fetched[kept_from:]
        return known + fetched[:taken]

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Fetches nothing."""
        self._check_open()
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(start + offset, 0)
        return self._position

    def tell(self) -> int:
        """Where the next byte is read."""
        self._check_open()
        return self._position

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("the stream is closed")
