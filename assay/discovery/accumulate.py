"""Adds batches up, each with its losses and the cells of its features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from assay.discovery.amounts import Amounts, amounts_of
from assay.discovery.cells import NOTHING, NUMBER, Cells, coded
from assay.discovery.losses import Loss, losses_of
from assay.discovery.tables import Tables, counted
from assay.discovery.triples import Triple, Wanted, add_rows
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
        level: features of a slice at most, 1 to 3.
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
    batch, left_out = _batch_of(extracts, searched, held.cells)
    if batch is None:
        return replace(held, left_out=held.left_out + left_out) if left_out else held
    _check_count(batch.cells, searched)
    reference = held.reference
    if batch.of_baseline is not None:
        reference = counted(reference or searched.empty, {}, {}, batch.halves, batch.of_baseline)
    held = counted(held, batch.codes, batch.cells, batch.halves, batch.amounts)
    return replace(held, reference=reference, left_out=held.left_out + left_out)


def add_triples(held: dict[Triple, Ints], extracts: Extracts, searched: Searched, want: Wanted) -> None:
    """Adds a batch, which the first scan has taken without an error, to the tables of triples.

    Args:
        held: triple -> its table; changed.
        extracts: the batch.
        searched: what is counted.
        want: of what the first scan has found.
    """
    if not want.triples:
        return
    batch, _ = _batch_of(extracts, replace(searched, features=tuple(want.cells)), want.cells)
    if batch is not None:
        add_rows(held, batch.codes, batch.cells, batch.halves, batch.amounts, want)


class _Batch(NamedTuple):
    """The rows of a batch that have a loss: codes and cells by feature, halves, and what each row adds."""

    codes: Mapping[str, Ints]
    cells: Mapping[str, Cells]
    halves: Ints
    amounts: Amounts
    of_baseline: Amounts | None


def _batch_of(extracts: Extracts, searched: Searched, held: Mapping[str, Cells]) -> tuple[_Batch | None, int]:
    """A batch, None if none of its rows has a loss; and how many have none."""
    if not row_count(extracts):
        return None, 0
    losses = losses_of(extracts, searched.loss)
    known = ~np.isnan(losses.of_rows)
    left_out = int((~known).sum())
    if not known.any():
        return None, left_out
    halves = halves_of(extracts)
    columns = _columns(extracts, searched)
    if left_out:
        columns, halves = take(columns, known), halves[known]
    codes, cells, edges = {}, {}, dict(searched.edges)
    for name, column in columns.items():
        codes[name], cells[name] = coded(column, name, held.get(name, Cells()), edges.get(name, ()))
        if name in edges and cells[name].kind not in (NUMBER, NOTHING):
            raise ColumnTypeError(f"find_slices.edges: column {name!r} does not hold numbers; remove its edges")
    bounded = searched.loss.bounded
    of_rows = amounts_of(losses.of_rows[known], bounded=bounded)
    baseline = losses.of_baseline
    of_baseline = None if baseline is None else amounts_of(baseline[known], bounded=bounded)
    return _Batch(codes, cells, halves, of_rows, of_baseline), left_out


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
