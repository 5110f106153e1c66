"""An array that grows in place."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
import numpy.typing as npt


class Growing:
    """A zeroed array of numbers that grows without a copy where the system can remap memory (Linux)."""

    def __init__(self, size: int, dtype: Any) -> None:
        self._map: mmap.mmap | None = None
        self._dtype = np.dtype(dtype)
        if hasattr(mmap, "MAP_PRIVATE") and hasattr(mmap, "MAP_ANONYMOUS"):
            self._map = mmap.mmap(-1, max(size, 1) * self._dtype.itemsize, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            self.array: npt.NDArray[Any] = np.frombuffer(self._map, self._dtype)
        else:
            self.array = np.zeros(max(size, 1), self._dtype)

    def reserve(self, size: int) -> None:
        """Makes room for `size` values; the new ones are 0."""
        if size <= len(self.array):
            return

        grown = max(size, len(self.array) * 2)
        if self._map is not None:
            try:
                self.array = np.zeros(0, self._dtype)  # mmap refuses to resize while an array looks into it
                self._map.resize(grown * self._dtype.itemsize)
                self.array = np.frombuffer(self._map, self._dtype)
                return
            except (SystemError, OSError, BufferError):
                self.array, self._map = np.frombuffer(self._map, self._dtype), None

        # Where memory cannot be remapped it is copied, from then on.
        self.array = np.concatenate([self.array, np.zeros(grown - len(self.array), self._dtype)])
