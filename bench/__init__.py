"""What an evaluation costs: CPU seconds and memory of whole processes. `make bench` prints the table."""

from __future__ import annotations

from collections.abc import Iterable

CARDINALITY = {"gender": 2, "day": 7, "hour": 24, "zone": 80}
"""Text columns of the generated data, and how many values each has. A value names its column: `day_03`."""


def slice_name(values: Iterable[str]) -> str:
    """What every side calls a slice: its values in order; "" is the overall slice."""
    return ",".join(sorted(values))
