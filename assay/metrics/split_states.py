"""The states of all slices, split by split: taken out when a split ends, and siblings merged at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from assay.metrics.analysis import Analysis
from assay.metrics.layout import Layout
from assay.metrics.states.forest import Forest, Node
from assay.metrics.states.lanes import OfRows
from assay.metrics.states.partial import Partial
from assay.metrics.states.slices import Draw, SliceStates
from assay.slicing.codes import Codes, without

BlockKey: TypeAlias = tuple[int, int]
"""Number of a slicing, and one of the blocks that its slices are spread over."""


class SplitStates:
    """States of the split at hand, and what is left of those before it.

    Args:
        analysis: the slicings, their limit and the resamples.
        layout: the tables of one pass.
    """

    def __init__(self, analysis: Analysis, layout: Layout) -> None:
        self._analysis, self._layout = analysis, layout
        self._node: Node | None = None
        self._states: list[SliceStates] = []
        self._forests: dict[BlockKey, Forest] = {}

    def begin(self, node: Node) -> None:
        """Turns to a split, unless it is the one at hand."""
        if node == self._node:
            return
        self._flush()
        resampling = self._analysis.resampling
        resamples = resampling.states if resampling else 1
        for _ in self._analysis.slicings:
            self._states.append(SliceStates(self._layout.stores(resamples), resamples))
        self._node = node

    def add(self, codes: Sequence[Codes], contributions: Sequence[OfRows], rows: int, draws: Sequence[Draw]) -> None:
        """Adds some rows of the split.

        Args:
            codes: for each slicing, the slices of the rows.
            contributions: what the rows add to each table.
            rows: how many there are.
            draws: how they count in the resamples.

        Raises:
            ConfigError: more slices than one slicing may make.
        """
        for i, (own, states, twins) in enumerate(zip(codes, self._states, self._analysis.twins, strict=True)):
            of_twins = {key for twin in twins for key in codes[twin].keys}
            states.add(without(own, of_twins) if of_twins else own, contributions, rows, draws)
            self._analysis.limit.check(i, len(states))

    def parts(self) -> Iterator[tuple[BlockKey, tuple[Node, Partial]]]:
        """Takes out what was added, and lets go of each part as it is taken; nothing is held then."""
        self._flush()
        while self._forests:
            key, forest = self._forests.popitem()
            for element in forest.nodes.items():
                yield key, element

    def _flush(self) -> None:
        """Moves the states of the split that has ended into the forests, and lets go of each as it is taken out."""
        while self._states and self._node is not None:
            states = self._states.pop()
            slicing = len(self._states)
            for block, part in states.partials(self._analysis.limit.blocks(slicing)):
                forest = self._forests.setdefault((slicing, block), Forest())
                forest.add(self._node, part)
                self._analysis.limit.check_block(slicing, max(len(node.keys) for node in forest.nodes.values()))
        self._node = None
