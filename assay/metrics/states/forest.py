"""Partial states of slices, merged in a fixed order, whatever order they come in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from assay.metrics.computations.table import Sums
from assay.metrics.states.samples import Samples, merge_samples
from assay.metrics.states.sums import Sparse, add_sparse
from assay.metrics.values import Ints
from assay.types import SliceKey

Node: TypeAlias = tuple[int, int]
"""(level, index) in the binary tree over the input's splits: (0, i) is split i, (1, i) is splits 2i and 2i + 1."""


UNPLACED: Node = (0, -1)
"""Rows that do not say which split they come from."""


class Partial(NamedTuple):
    """State of some slices of one slicing: rows int64 (s * r,), and the sums of each table of the layout.

    Each of the s slices has r entries in a row, one for each resample; r is 1 without confidence intervals.
    """

    keys: list[SliceKey]
    rows: Ints
    sums: list[Sums]


def with_resamples(slices: Ints, resamples: int) -> Ints:
    """Positions of all resamples of the given slices."""
    return slices if resamples == 1 else (slices[:, None] * resamples + np.arange(resamples)).reshape(-1)


def merge(parts: Sequence[Partial]) -> Partial:
    """Adds states up, in the order given."""
    if len(parts) == 1:
        return parts[0]
    index: dict[SliceKey, int] = {}
    found = [np.array([index.setdefault(key, len(index)) for key in part.keys], np.int64) for part in parts]
    resamples = len(parts[0].rows) // len(parts[0].keys)
    places = [with_resamples(slices, resamples) for slices in found]
    rows = np.zeros(len(index) * resamples, np.int64)
    for part, at in zip(parts, places, strict=True):
        rows[at] += part.rows
    sums = [_add([part.sums[i] for part in parts], places, len(rows)) for i in range(len(parts[0].sums))]
    return Partial(list(index), rows, sums)


def _add(parts: list[Any], places: list[Ints], slices: int) -> Any:
    if isinstance(parts[0], Sparse):
        return add_sparse(parts, places, slices)
    if isinstance(parts[0], Samples):
        return merge_samples(parts, places, slices)
    total = np.zeros((slices, parts[0].shape[1]))
    for part, at in zip(parts, places, strict=True):
        total[at] += part
    return total


class Forest:
    """States by their place in the tree of splits. Siblings merge once both are there, others at the end, in order.

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
