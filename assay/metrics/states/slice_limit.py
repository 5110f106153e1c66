"""How many slices a slicing spec may make: memory grows with them, and a column of ids has no end of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.errors import ConfigError
from assay.slicing.specs import Slicing

_UNEVEN, _FEW = 1.25, 100
"""How much fuller than the mean a block of slices may be, since a hash spreads them over blocks: share, number."""


@dataclass(frozen=True)
class SliceLimit:
    """The limit, for each slicing by its number.

    Attributes:
        slicings: of the eval config.
        most: slices of one slicing.
        blocks_of_one: blocks that slices by one feature are spread over.
        blocks_of_several: the same of slices by several features. Few, as what a block costs beside its slices is some
            10 ms; and some, as the states of a block are merged in memory together.
    """

    slicings: Sequence[Slicing]
    most: int
    blocks_of_one: int = 1
    blocks_of_several: int = 8

    def blocks(self, slicing: int) -> int:
        """The number of blocks of the slices of a slicing; never from the data, or workers would disagree."""
        features = len(self.slicings[slicing].features)
        return self.blocks_of_several if features > 1 else self.blocks_of_one if features else 1

    def check(self, slicing: int, slices: int) -> None:
        """Raises ConfigError if one slicing has more slices than it may; names the spec, the number and the cure."""
        if slices > self.most:
            self._refuse(slicing, slices)

    def check_block(self, slicing: int, slices: int) -> None:
        """The same of one of the blocks over which the slices of a slicing are spread."""
        blocks = self.blocks(slicing)
        if slices > (self.most if blocks == 1 else _UNEVEN * self.most / blocks + _FEW):
            self._refuse(slicing, slices * blocks)

    def _refuse(self, slicing: int, slices: int) -> None:
        features = ", ".join(self.slicings[slicing].features)
        raise ConfigError(
            f"slicing_specs: the one by {features} makes more than {self.most:,} slices ({slices:,} so far); leave out "
            f"columns of unique values, or raise max_slices, which costs some 2 GB for each million"
        )
