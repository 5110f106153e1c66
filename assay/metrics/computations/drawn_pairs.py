"""The scores that both models give to some rows of each class: how far the ranks of a row go together.

Rows are drawn by weight and by how far apart their two scores are, as a few rows that the models score quite otherwise
may make most of the variance of a difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from assay.metrics.computations.score_bins import ScoreBins
from assay.metrics.entries.examples import Examples
from assay.metrics.row_hashes import mixed
from assay.metrics.states.drawn_rows import DrawnRowsStore, Ranked
from assay.metrics.values import Floats

ROWS = 256
"""Rows of each class of a slice; where there are no more, all of them are known."""
_ALIKE = 1 / 64
"""Size of a row whose scores are equal; of one whose scores are as far apart as can be, it is 1 more."""
_LEAST = 1e-300


@dataclass(frozen=True)
class DrawnPairs:
    """Rows of the values (score, score of the baseline, weight) of each class; see `DrawnRows`."""

    columns: ClassVar[int] = 3

    def join(self, other: DrawnPairs) -> DrawnPairs:
        """Itself: there are no settings."""
        return self

    def empty(self) -> DrawnRowsStore:
        """Nothing. One more is kept than counts: its rank tells how likely the others were."""
        return DrawnRowsStore(self.columns, ROWS + 1)

    def contribution(self, examples: Examples, bins: ScoreBins) -> Ranked:
        """Each entry; a fractional label l is a positive of w * l and a negative of w * (1 - l)."""
        scores, others, weights = examples.predictions, examples.of_baseline, examples.weights
        assert others is not None
        assert examples.hashes is not None
        classes = bins.positive.astype(np.int64)
        hashes = examples.hashes if examples.rows is None else examples.hashes[examples.rows]
        entries = np.arange(len(scores))
        if bins.has_shares:
            classes, entries = np.tile([0, 1], len(scores)), np.repeat(entries, 2)
            share = np.stack([1 - examples.labels, examples.labels], 1).reshape(-1)
            scores, others, weights = scores[entries], others[entries], weights[entries] * share
            hashes = hashes[entries]
        with np.errstate(divide="ignore"):
            ranks = (mixed(hashes + classes.astype(np.uint64)) + 0.5) / 2.0**64 / sizes_of(scores, others, weights)
        rows = Ranked(classes, ranks, np.stack([scores, others, weights], 1), entries if bins.has_shares else None)
        if weights.all():
            return rows
        at = np.flatnonzero(weights > 0)
        return rows.drawn(at, None)._replace(entries=entries[at])


def sizes_of(scores: Floats, others: Floats, weights: Floats) -> Floats:
    """The sizes by which rows are drawn: the weight, times how far the scores are apart beside how far they are from 0.

    Or from 1, if that is less: scores of rare events may all be near 0.
    """
    scale = _from_ends(scores) + _from_ends(others) + _LEAST
    with np.errstate(over="ignore", invalid="ignore"):
        apart = np.nan_to_num(np.minimum(np.abs(scores - others) / scale, 1.0), nan=1.0)
    return weights * (_ALIKE + apart)


def _from_ends(scores: Floats) -> Floats:
    return np.minimum(np.abs(scores), np.abs(1 - scores))
