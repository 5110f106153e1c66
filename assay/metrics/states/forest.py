"""Partial states of slices, merged in a fixed order, whatever order they come in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from assay.metrics.states.partial import Partial, merge

Node: TypeAlias = tuple[int, int]
"""(level, index) in the binary tree over the input's splits: (0, i) is split i, (1, i) is splits 2i and 2i + 1."""


UNPLACED: Node = (0, -1)
"""Rows that do not say which split they come from."""


class Forest:
    """States by their node in the tree of splits. Siblings merge once both are there, others at the end, in order.

    So the order of all additions, and with it every bit of the result, follows from the splits alone.
    """

    def __init__(self, nodes: Mapping[Node, Partial] | None = None) -> None:
        self.nodes: dict[Node, Partial] = dict(nodes or {})

    def add(self, node: Node, part: Partial) -> None:
        """Adds the state of a node; a node that is there already (a split that a runner cut up) is added to."""
        if node in self.nodes:
            part = merge([self.nodes.pop(node), part])
        while node != UNPLACED and (sibling := (node[0], node[1] ^ 1)) in self.nodes:
            other = self.nodes.pop(sibling)
            part = merge([other, part] if node[1] & 1 else [part, other])
            node = (node[0] + 1, node[1] >> 1)
        self.nodes[node] = part

    def total(self) -> Partial:
        """The sum of everything."""
        ordered = sorted(self.nodes, key=lambda node: node[1] << node[0])
        total = self.nodes[ordered[0]]
        for node in ordered[1:]:
            total = merge([total, self.nodes[node]])
        return total
