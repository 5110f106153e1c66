"""Adds batches up, each with its losses and the cells of its features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from assay.discovery.amounts import amounts_of
from assay.discovery.cells import NOTHING, NUMBER, Cells, coded
from assay.discovery.losses import Loss, losses_of
from assay.discovery.tables import Tables, counted
from assay.errors import ColumnTypeError, ConfigError
from assay.extracts.columns import Column, row_count, take
from assay.metrics.row_hashes import row_hashes
from assay.metrics.values import Ints
from assay.types import FEATURES_KEY, Extracts

MOST_FEATURES = 64
"""Features of which pairs are formed."""
_SEED = 0x51CE


@dataclass(frozen=True)
class Searched:
    """What is counted.

    Attributes:
        loss: of each row.
        level: features of a slice at most, 1 or 2.
        features: those to search; none for all columns but `excluded`.
        excluded: columns of labels, predictions and weights.
        edges: feature -> where its bins begin.
    """

    loss: Loss
    level: int = 2
    features: tuple[str, ...] = ()
    excluded: frozenset[str] = frozenset()
    edges: tuple[tuple[str, tuple[float, ...]], ...] = ()

    @property
    def empty(self) -> Tables:
        """Tables without rows."""
        return Tables(self.loss.bounded, self.level)


def added(held: Tables, extracts: Extracts, searched: Searched) -> Tables:
    """What is held of earlier rows and of a batch.

    Raises:
        MissingColumnError: labels or predictions that are not there.
        ColumnTypeError: labels or predictions that are no numbers, or edges of a column of others.
        ConfigError: more features than pairs can be formed of.
    """
    if not row_count(extracts):
        return held
    losses = losses_of(extracts, searched.loss)
    known = ~np.isnan(losses.of_rows)
    left_out = int((~known).sum())
    if not known.any():
        return replace(held, left_out=held.left_out + left_out)
    halves = halves_of(extracts)
    columns = _columns(extracts, searched)
    if left_out:
        columns, halves = take(columns, known), halves[known]
    codes, cells, edges = {}, {}, dict(searched.edges)
    for name, column in columns.items():
        codes[name], cells[name] = coded(column, name, held.cells.get(name, Cells()), edges.get(name, ()))
        if name in edges and cells[name].kind not in (NUMBER, NOTHING):
            raise ColumnTypeError(f"find_slices.edges: column {name!r} does not hold numbers; remove its edges")
    _check_count(cells, searched)
    bounded = searched.loss.bounded
    reference = held.reference
    if losses.of_baseline is not None:
        of_baseline = amounts_of(losses.of_baseline[known], bounded=bounded)
        reference = counted(reference or searched.empty, {}, {}, halves, of_baseline)
    held = counted(held, codes, cells, halves, amounts_of(losses.of_rows[known], bounded=bounded))
    return replace(held, reference=reference, left_out=held.left_out + left_out)


def halves_of(extracts: Extracts) -> Ints:
    """The half (n,) of each row: 0 to search, 1 to confirm. It follows from the file and row that a row comes from."""
    hashes = row_hashes(extracts, row_count(extracts), _SEED)
    return (hashes >> np.uint64(63)).astype(np.int64)


def _columns(extracts: Extracts, searched: Searched) -> dict[str, Column]:
    features: Mapping[str, Column] = extracts.get(FEATURES_KEY, {})
    if searched.features:
        return {name: features[name] for name in searched.features if name in features}
    return {name: column for name, column in features.items() if name not in searched.excluded}


def _check_count(cells: Mapping[str, Cells], searched: Searched) -> None:
    count = sum(one.in_pairs for one in cells.values())
    if searched.level > 1 and count > MOST_FEATURES:
        raise ConfigError(
            f"find_slices: there are {count} features, which form {count * (count - 1) // 2:,} pairs; name at most "
            f"{MOST_FEATURES} in features, or set level: 1"
        )
