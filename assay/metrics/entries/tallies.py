"""What the columns of a stream hold over a whole run, counted batch by batch.

One batch cannot tell a column that holds something else from a few bad rows: files are sorted, and the last batch may
have ten rows. So batches are counted, counts are added up, and `misfits` judges the sum.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from assay.metrics.entries.bad_rows import LABEL_OUT_OF_RANGE, Mask
from assay.metrics.entries.columns import Columns
from assay.metrics.values import Floats

MOST_VALUES = 5
"""Different labels that are listed; of more, the largest one too."""


class Length(NamedTuple):
    """Batches in which most lists of a column have one length: their rows, and where the first batch starts."""

    rows: int
    where: str


class Tally(NamedTuple):
    """Counts of one stream; those of several batches add up, in any order.

    Attributes:
        rows: number of rows.
        bad: reason -> rows that have it.
        labels: the lowest different labels and the highest one, ascending. Of a batch without a bad label only the
            lowest and the highest count.
        shares: the lowest and the highest label in [0, 1], ascending.
        predictions: the lowest and the highest one, ascending.
        classes: values of a row where labels are class ids, else 0.
        lowest_id: the lowest class id above -1; infinite without one.
        last_ids: rows whose class id is the number of classes.
        no_ids: rows without a class, whose id is -1.
        others: see `Labels`: () if any batch has a row of the positive label.
        classes_named: names of the classes -> the first batch in which a model gives them.
        lengths: `labels` or `predictions` -> usual length of their lists in a batch (1: one number a row) -> batches.
    """

    rows: int = 0
    bad: Mapping[str, int] = {}
    labels: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()
    predictions: tuple[float, ...] = ()
    classes: int = 0
    lowest_id: float = np.inf
    last_ids: int = 0
    no_ids: int = 0
    others: tuple[str, ...] | None = None
    classes_named: Mapping[tuple[str, ...], str] = {}
    lengths: Mapping[str, Mapping[int, Length]] = {}


def tally_of(columns: Columns, masks: Mapping[str, Mask], *, rows: int, where: str, values: bool) -> Tally:
    """Counts a batch.

    Args:
        columns: what the stream reads of it.
        masks: its bad rows, as `bad_rows.faults` gives them.
        rows: of the batch.
        where: the batch's first row, for people.
        values: whether labels and predictions are looked at, which only bad rows make necessary.
    """
    lengths = {key: {length: Length(rows, where)} for key, length in columns.lengths.items() if length}
    named = {columns.classes: where} if columns.classes else {}
    tally = _of_ids(columns)._replace(rows=rows, others=columns.others, classes_named=named, lengths=lengths)
    if not values:
        return tally

    labels = _finite(columns.labels)
    is_odd = LABEL_OUT_OF_RANGE in masks
    return tally._replace(
        bad={reason: int(mask.sum()) for reason, mask in masks.items()},
        labels=_few(labels) if is_odd else _ends(labels),
        shares=_ends(labels[(labels >= 0) & (labels <= 1)]) if is_odd else _ends(labels),
        predictions=_ends(_finite(columns.predictions)),
    )


def _of_ids(columns: Columns) -> Tally:
    """Counts labels that are class ids."""
    ids, width = columns.ids, columns.width
    if ids is None:
        return Tally()
    lowest = float(ids[ids > -1].min(initial=np.inf))
    return Tally(classes=width, lowest_id=lowest, last_ids=int((ids == width).sum()), no_ids=int((ids == -1).sum()))


def merged(tallies: Iterable[Tally]) -> Tally:
    """Adds counts up."""
    total = Tally()
    for tally in tallies:
        total = _sum(total, tally)
    return total


def _sum(a: Tally, b: Tally) -> Tally:
    return Tally(
        a.rows + b.rows,
        dict(Counter(a.bad) + Counter(b.bad)),
        _few(np.array(a.labels + b.labels)),
        _ends(np.array(a.shares + b.shares)),
        _ends(np.array(a.predictions + b.predictions)),
        max(a.classes, b.classes),
        min(a.lowest_id, b.lowest_id),
        a.last_ids + b.last_ids,
        a.no_ids + b.no_ids,
        _others(a.others, b.others),
        {**b.classes_named, **a.classes_named},
        {key: _lengths(a.lengths.get(key, {}), b.lengths.get(key, {})) for key in {**a.lengths, **b.lengths}},
    )


def _others(a: tuple[str, ...] | None, b: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if a is None or b is None:
        return a if b is None else b
    return tuple(sorted({*a, *b})[:MOST_VALUES]) if a and b else ()


def _lengths(a: Mapping[int, Length], b: Mapping[int, Length]) -> dict[int, Length]:
    total = dict(a)
    for length, batches in b.items():
        known = total.get(length, batches._replace(rows=0))
        total[length] = Length(known.rows + batches.rows, min(known.where, batches.where))
    return total


def _finite(values: Floats) -> Floats:
    finite = np.isfinite(values)
    return values if finite.all() else values[finite]


def _few(values: Floats) -> tuple[float, ...]:
    if not len(values):
        return ()
    different = np.unique(values)
    if len(different) <= MOST_VALUES:
        return tuple(different.tolist())
    return (*different[:MOST_VALUES].tolist(), float(different[-1]))


def _ends(values: Floats) -> tuple[float, ...]:
    """The lowest and the highest value; one if they are equal, none of nothing."""
    if not len(values):
        return ()
    low, high = float(values.min()), float(values.max())
    return (low,) if low == high else (low, high)
