"""Tables and searches for tests: rows of features and losses, without models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from assay.discovery.amounts import amounts_of
from assay.discovery.cells import Cells, coded
from assay.discovery.groups import Groups, groups_of
from assay.discovery.search import Found, candidates_of, found_slices, scores_of
from assay.discovery.tables import Tables, counted


def tables_of(
    features: Mapping[str, Any],
    losses: Any,
    halves: Any,
    *,
    bounded: bool = True,
    level: int = 2,
    held: Tables | None = None,
) -> Tables:
    """The tables of some rows, joined to what is held."""
    held = held or Tables(bounded, level)
    codes, cells = {}, {}
    for name, column in features.items():
        codes[name], cells[name] = coded(column, name, held.cells.get(name, Cells()))
    return counted(held, codes, cells, halves, amounts_of(np.asarray(losses, float), bounded=bounded))


def groups_in(tables: Tables, *, bins: int = 10, min_rows: int = 1) -> dict[str, Groups]:
    """The groups of each feature."""
    return {
        name: groups_of(cells, tables.singles[name][0].sum(axis=-1), bins=bins, min_rows=min_rows)
        for name, cells in tables.cells.items()
        if cells.is_searched
    }


def search(tables: Tables, *, alpha: float = 0.95, min_rows: int = 1, top_k: int = 10) -> list[Found]:
    """The slices of one or two features that are found."""
    candidates = candidates_of(tables, groups_in(tables, min_rows=min_rows))
    return found_slices(tables, candidates, scores_of(tables, alpha=alpha, min_rows=min_rows), top_k)


def texts(codes: Any, missing: float = 0.0, rng: Any = None) -> pa.Array:
    """A column of the texts v0, v1, ..., of which some are missing."""
    column = np.array([f"v{code}" for code in codes], object)
    if missing:
        column[rng.random(len(column)) < missing] = None
    return pa.array(column, pa.string())


def readable(found: Found) -> tuple[tuple[str, str | None], ...]:
    """Features and values of a slice."""
    return tuple((name, group.value) for name, group in found.key)
