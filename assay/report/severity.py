"""The reasons of a verdict, the worst first."""

from __future__ import annotations

import math
from collections.abc import Iterable

from assay.verdict import Reason

_OVERALL = "Overall"


def by_severity(reasons: Iterable[Reason]) -> list[Reason]:
    """What is wrong with the run, then with all rows, then with slices; of these the furthest beyond its bound first.

    A miss counts as a share of the value, or for a change of the baseline's, so that metrics on different scales can be
    compared; and the more the more rows are behind it: chance moves a value by one over the square root of the rows.
    Reasons without a value to tell from come last.
    """
    return sorted(reasons, key=lambda reason: (_scope(reason), -severity(reason)))


def severity(reason: Reason) -> float:
    """See `by_severity`; -1 where there is no value to tell from."""
    if reason.shortfall is None or reason.value is None:
        return -1.0
    start = reason.value if reason.baseline is None else reason.baseline
    whole = abs(start) + reason.shortfall
    share = reason.shortfall / whole if whole > 0 else 0.0
    return share * math.sqrt(reason.rows or 1)


def _scope(reason: Reason) -> int:
    return 0 if not reason.slice else 1 if reason.slice == _OVERALL else 2
