"""The numbers that thresholds are held against, each no further off than its error bound."""

from __future__ import annotations

import math
from typing import NamedTuple

from assay.proto.metrics_for_slice_pb2 import MetricsForSlice


class Number(NamedTuple):
    """A value that is no further off than its error bound; NaN for what is no single number."""

    value: float
    error_bound: float = 0.0

    def lies_between(self, low: float, high: float) -> bool:
        """Whether the whole range in which the value may be lies between them."""
        return low <= self.value - self.error_bound and self.value + self.error_bound <= high

    def may_lie_between(self, low: float, high: float) -> bool:
        """Whether some of that range does."""
        return low <= self.value + self.error_bound and self.value - self.error_bound <= high

    def share_of(self, whole: Number) -> Number:
        """The quotient; NaN if the whole may be 0."""
        least = abs(whole.value) - whole.error_bound
        if not least > 0:
            return Number(math.nan)
        share = self.value / whole.value
        return Number(share, (self.error_bound + abs(share) * whole.error_bound) / least)


def numbers_of(record: MetricsForSlice) -> list[Number]:
    """The values of a slice, in the record's order."""
    values = (entry.value for entry in record.metric_keys_and_values)
    numbers = [Number(value.double_value.value if value.HasField("double_value") else math.nan) for value in values]
    error_bounds = {item.key.SerializeToString(): item.error_bound for item in record.inexact}
    if not error_bounds:
        return numbers

    keys = (entry.key.SerializeToString() for entry in record.metric_keys_and_values)
    return [number._replace(error_bound=error_bounds.get(key, 0.0)) for number, key in zip(numbers, keys, strict=True)]
