"""Which slices are groups whose values are compared with those of a reference slice and with each other."""

from __future__ import annotations

from typing import NamedTuple

from assay.proto.config_pb2 import EvalConfig
from assay.slicing.specs import Slicing, matches, slicing_of
from assay.types import SliceKey


class Disparity(NamedTuple):
    """The slices of `groups`, each compared with the slice `reference`, and the extremes of them with each other."""

    groups: Slicing
    reference: Slicing
    metrics: tuple[str, ...]

    def is_group(self, key: SliceKey) -> bool:
        """Whether a slice is one of the groups."""
        return matches(key, self.groups)

    def is_reference(self, key: SliceKey) -> bool:
        """Whether a slice is the one that groups are compared with."""
        return matches(key, self.reference)

    def names_of_groups(self, metric: str) -> tuple[str, str]:
        """What difference and ratio of a group to the reference are called."""
        return f"{metric}_difference", f"{metric}_ratio"

    def names_of_extremes(self, metric: str) -> tuple[str, str]:
        """What difference and ratio of the extremes are called; they are values of the overall slice."""
        return f"{metric}_difference_by_{self.groups.name}", f"{metric}_ratio_by_{self.groups.name}"


def disparities_of(config: EvalConfig) -> tuple[Disparity, ...]:
    """Those of a config."""
    return tuple(
        Disparity(slicing_of(one.slicing_spec), slicing_of(one.reference), tuple(one.metrics))
        for one in config.disparities
    )
