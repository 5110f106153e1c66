"""Rows that have something else than boxes or masks: found while these are read."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class RowFault(NamedTuple):
    """The rows (n,) that are bad for a reason, and what the first of them has, in words."""

    rows: npt.NDArray[np.bool_]
    found: str

    def and_also(self, other: RowFault) -> RowFault:
        """Both, with the words of whichever has the first row."""
        first = min(self, other, key=lambda fault: int(np.argmax(fault.rows)))
        return RowFault(self.rows | other.rows, first.found)
