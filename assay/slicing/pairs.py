"""Which pairs of slices are compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import NamedTuple

from assay.proto.config_pb2 import CrossSlicingSpec, EvalConfig
from assay.slicing.specs import Slicing, matches, slicing_of
from assay.slicing.text import slice_text
from assay.types import SliceKey


class CrossSlicing(NamedTuple):
    """Slices of one slicing, each compared with those of others; without others, with all that the first has not."""

    baseline: Slicing
    comparisons: tuple[Slicing, ...] = ()

    def is_baseline(self, key: SliceKey) -> bool:
        """Whether a slice is one that others are compared with."""
        return matches(key, self.baseline)

    def is_comparison(self, key: SliceKey) -> bool:
        """Whether a slice is one that is compared with others."""
        if not self.comparisons:
            return not self.is_baseline(key)
        return any(matches(key, slicing) for slicing in self.comparisons)

    def may_compare(self, key: SliceKey) -> bool:
        """Whether a slice can be part of a pair."""
        return not self.comparisons or self.is_baseline(key) or self.is_comparison(key)


def cross_slicing_of(spec: CrossSlicingSpec) -> CrossSlicing:
    """Converts a CrossSlicingSpec."""
    return CrossSlicing(slicing_of(spec.baseline_spec), tuple(slicing_of(other) for other in spec.slicing_specs))


def cross_slicings_of(config: EvalConfig) -> tuple[CrossSlicing, ...]:
    """The distinct ones of a config."""
    return tuple(dict.fromkeys(cross_slicing_of(spec) for spec in config.cross_slicing_specs))


def pairs_of(keys: Iterable[SliceKey], slicings: Iterable[CrossSlicing]) -> Iterator[tuple[SliceKey, SliceKey]]:
    """Yields (baseline, comparison), each pair once, in the order of the slices' texts; no slice with itself."""
    ordered = sorted(keys, key=slice_text)
    seen: set[tuple[SliceKey, SliceKey]] = set()
    for slicing in slicings:
        comparisons = [key for key in ordered if slicing.is_comparison(key)]
        for pair in product(filter(slicing.is_baseline, ordered), comparisons):
            if pair[0] != pair[1] and pair not in seen:
                seen.add(pair)
                yield pair
