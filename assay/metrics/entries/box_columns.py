"""Boxes as the data has them: lists of boxes, or columns of their numbers side by side; and which of them are bad."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from assay.errors import ColumnTypeError, MissingColumnError
from assay.extracts.columns import Column, row_count
from assay.metrics.entries.boxes import (
    BOTTOM,
    CLASS,
    DETECTION,
    LEFT,
    OBJECT,
    PADDING,
    RIGHT,
    TOP,
    Boxes,
)
from assay.metrics.entries.lists import Elements, Mask, elements_of
from assay.metrics.entries.lookup import named, not_named, select
from assay.metrics.entries.row_faults import RowFault
from assay.metrics.entries.streams import Stream
from assay.metrics.values import Ints
from assay.types import LABELS_KEY, PREDICTIONS_KEY, Extracts

WRONG_LENGTHS = "columns of boxes of different lengths"
WRONG_WIDTH = "box with too many or too few numbers"
BOX_NOT_FINITE = "number of a box missing or infinite"
UPSIDE_DOWN = "box whose maximum is below its minimum"
BAD_CLASS_ID = "class id of a box that is none"
BAD_COUNT = "number of detections missing or below 0"


class _Side(NamedTuple):
    """One side, objects or detections.

    Attributes:
        elements: the boxes, all numbers of each.
        called: what errors call the columns.
        words: what the numbers of a box are called.
        faults: rows that are bad because their columns do not fit together.
    """

    elements: Elements
    called: str
    words: tuple[str, ...]
    faults: Mapping[str, RowFault] = {}


def boxes_of(extracts: Extracts, stream: Stream) -> Boxes:
    """The boxes of a batch that a stream names. A row that is missing has none; a box of the class -1 is none.

    Raises:
        MissingColumnError: there are no such columns.
        ColumnTypeError: they hold no boxes.
    """
    keys = stream.reads.boxes
    assert keys is not None
    objects = _side(extracts, stream, LABELS_KEY, keys.labels, "labels_to_stack", OBJECT)
    detections = _side(extracts, stream, PREDICTIONS_KEY, keys.predictions, "predictions_to_stack", DETECTION)
    detections = _first_ones(detections, extracts, stream, keys.count) if keys.count else detections

    good, faults = [], dict[str, RowFault]()
    for side in (objects, detections):
        real = side.elements.of(side.elements.is_odd | (side.elements.values[:, CLASS] != PADDING))
        good.append(real)
        for reason, fault in (*side.faults.items(), *_faults(real, side)):
            faults[reason] = faults[reason].and_also(fault) if reason in faults else fault
    if faults:
        bad = np.logical_or.reduce([fault.rows for fault in faults.values()])
        good = [side.of(~bad[side.rows]) for side in good]
    return Boxes(good[0].values, good[0].rows, good[1].values, good[1].rows, faults)


def _side(
    extracts: Extracts, stream: Stream, key: str, names: tuple[str, ...], setting: str, words: tuple[str, ...]
) -> _Side:
    """The boxes under `key`, or those that some columns make together."""
    if names:
        columns = _columns(extracts, stream, key, names, setting)
        called = f"columns {', '.join(map(repr, names))} ({setting})"
        if not columns:
            nothing = elements_of(np.zeros((row_count(extracts), 0, len(words))), called)
            return _Side(nothing, called, words)
        return _stacked(columns, names, called, words)

    called = stream.described(key)
    column = select(extracts, key, stream)
    elements = elements_of(column, called, len(words))
    is_flat = elements.values.shape[1] != len(words)
    if is_flat or (len(elements.is_odd) and elements.is_odd.all()):
        found = f"shape {column.shape}" if isinstance(column, np.ndarray) else f"type {column.type}"
        raise ColumnTypeError(
            f"{called} has {found}, which are no lists of boxes [{', '.join(words)}]; expected a list of such lists in "
            f"each row, or set {setting} of the metric, which names the columns of these numbers in this order"
        )
    return _Side(elements, called, words)


def _columns(extracts: Extracts, stream: Stream, key: str, names: Sequence[str], setting: str) -> list[Column]:
    """The named columns: outputs, or else columns of the data. None of them where one is missing and may be."""
    keys, by_name = stream.reads.boxes, named(extracts, key, stream)
    assert keys is not None
    for name in names:
        if name not in by_name or isinstance(by_name[name], Mapping):
            if keys.may_be_missing:
                return []
            raise MissingColumnError(
                f"{not_named(name, setting, by_name, stream)}; correct the name, or set allow_missing_key: true of the "
                "metric, so that such rows have no boxes"
            )
    return [by_name[name] for name in names]


def _stacked(columns: Sequence[Column], names: Sequence[str], called: str, words: tuple[str, ...]) -> _Side:
    """The numbers of several columns side by side, in each row as many."""
    parts = [elements_of(column, f"column {name!r}") for column, name in zip(columns, names, strict=True)]
    widths = [part.values.shape[1] for part in parts if len(part.values)]
    if len(widths) == len(parts) and sum(widths) != len(words):
        listed = ", ".join(f"{name!r} {width}" for name, width in zip(names, widths, strict=True))
        raise ColumnTypeError(
            f"{called} have {sum(widths)} numbers a box together ({listed}); expected {len(words)}: {', '.join(words)}"
        )

    # Where columns differ in length, nobody can say which numbers make a box.
    lengths = np.stack([part.lengths for part in parts])
    is_odd_row = (lengths != lengths[0]).any(0)
    faults = {}
    if is_odd_row.any():
        row = int(np.argmax(is_odd_row))
        found = ", ".join(f"{name!r} {count}" for name, count in zip(names, lengths[:, row].tolist(), strict=True))
        faults[WRONG_LENGTHS] = RowFault(is_odd_row, f"numbers of values: {found}")
        parts = [part.of(~is_odd_row[part.rows]) for part in parts]
    values = np.hstack([part.values for part in parts])
    if not len(values):
        values = np.zeros((0, len(words)))
    is_odd = np.logical_or.reduce([part.is_odd for part in parts])
    return _Side(Elements(parts[0].lengths, values, is_odd), called, words, faults)


def _first_ones(side: _Side, extracts: Extracts, stream: Stream, name: str) -> _Side:
    """The detections of each row that count, where a column says how many."""
    found = _columns(extracts, stream, PREDICTIONS_KEY, [name], "num_detections_key")
    if not found:
        return side
    numbers = elements_of(found[0], f"column {name!r} (num_detections_key)")
    if (numbers.lengths > 1).any() or numbers.values.shape[1] != 1:
        raise ColumnTypeError(f"column {name!r} (num_detections_key) has lists; expected one number a row")
    counts = np.full(len(numbers.lengths), np.nan)
    counts[numbers.rows] = numbers.values[:, 0]
    is_bad, faults = ~(counts >= 0), dict(side.faults)
    if is_bad.any():
        faults[BAD_COUNT] = RowFault(is_bad, f"column {name!r} (num_detections_key) has {counts[is_bad][0]:g}")
    kept = side.elements.positions < np.where(is_bad, np.inf, counts)[side.elements.rows]
    return side._replace(elements=side.elements.of(kept), faults=faults)


def _faults(boxes: Elements, side: _Side) -> Iterator[tuple[str, RowFault]]:
    """Reason -> the rows that have a bad box. A box is bad for one reason."""
    numbers, rows = boxes.values, boxes.rows
    is_finite = np.isfinite(numbers).all(1)
    ids = numbers[:, CLASS]
    is_down = (numbers[:, RIGHT] < numbers[:, LEFT]) | (numbers[:, BOTTOM] < numbers[:, TOP])
    is_bad = {
        WRONG_WIDTH: boxes.is_odd,
        BOX_NOT_FINITE: ~boxes.is_odd & ~is_finite,
        UPSIDE_DOWN: is_finite & is_down,
        BAD_CLASS_ID: is_finite & ((ids < 0) | (ids != np.floor(ids))),
    }
    for reason, of_boxes in is_bad.items():
        if of_boxes.any():
            yield reason, RowFault(_by_row(of_boxes, rows, len(boxes.lengths)), _found(boxes, of_boxes, side))


def _found(boxes: Elements, is_bad: Mask, side: _Side) -> str:
    """The first bad box, and what is expected in its place."""
    box = boxes.values[np.argmax(is_bad)]
    numbers = "" if np.isnan(box).all() else f" [{', '.join(f'{number:g}' for number in box)}]"
    return f"{side.called} has a box{numbers}; expected [{', '.join(side.words)}], -1 as class id of no box"


def _by_row(is_bad: Mask, rows: Ints, count: int) -> Mask:
    return np.bincount(rows[is_bad], minlength=count) > 0
