"""Rows that no metric can take: found a batch at a time, named by file and row, or dropped and counted."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import BadRowError
from assay.extracts.columns import is_list, usual_length
from assay.metrics.entries.boxes import SCORE, Boxes
from assay.metrics.entries.columns import Columns
from assay.metrics.entries.domains import Asked, Domain
from assay.metrics.entries.labels import not_among
from assay.metrics.entries.lookup import outputs_of, select
from assay.metrics.entries.streams import Stream
from assay.metrics.values import Floats, Ints
from assay.types import (
    ATTRIBUTIONS_KEY,
    EXAMPLE_WEIGHTS_KEY,
    FEATURES_KEY,
    LABELS_KEY,
    PREDICTIONS_KEY,
    SOURCE_KEY,
    Extracts,
)

Mask = npt.NDArray[np.bool_]

MISSING_LABEL = "missing label"
MISSING_PREDICTION = "missing prediction"
NOT_JSON = "text is not JSON"
ODD_LENGTHS = "lists of different lengths"
SEVERAL_TEXTS = "several predicted texts"
NO_CLASS = "label infinite or no class id"
LABEL_OUT_OF_RANGE = "label outside [0, 1]"
SEVERAL_CLASSES = "label of several classes"
PART_OF_CLASS = "label neither 0 nor 1"
BAD_PREDICTION = "prediction not finite"
BAD_COLUMN_VALUE = "value of a column not finite"
PREDICTION_OUT_OF_RANGE = "prediction outside [0, 1]"
NEGATIVE_PREDICTION = "prediction below 0"
MISSING_QUERY = "missing query"
MISSING_UNIT = "missing value of resample_by"
BAD_WEIGHT = "weight negative or not finite"

_LARGEST = float(np.finfo(np.float64).max)
_SHOWN = 60
"""Characters of a text that are shown."""
_ROUNDING = 1e-6
"""How far beyond [0, 1] a probability may be that was computed with 32 bits."""


class _Range(NamedTuple):
    """The values that are good, ends included."""

    low: float
    high: float

    def beyond(self, values: Floats) -> Mask:
        """Which values are not good; NaN is not."""
        return ~((values >= self.low) & (values <= self.high))

    def holds_all(self, values: Floats) -> bool:
        """Whether all are good, told by the ends alone."""
        return not values.size or bool(values.min() >= self.low and values.max() <= self.high)


_FINITE = _Range(-_LARGEST, _LARGEST)
_WEIGHTS = _Range(0, _LARGEST)
_SHARES = _Range(0, 1)


def _labels_of(domain: Domain) -> _Range:
    return _SHARES if domain.shares else _FINITE


def _predictions_of(domain: Domain) -> _Range:
    return _Range(max(domain.low - _ROUNDING, _FINITE.low), min(domain.high + _ROUNDING, _FINITE.high))


def faults(columns: Columns, stream: Stream, domain: Domain, *, rows: int) -> dict[str, Mask]:
    """Reason -> the rows (n,) that have it; reasons without a row are left out."""
    if stream.tells_faults:
        bad_weight = _by_row(_WEIGHTS.beyond(columns.weights), columns.rows, rows)
        return {reason: bad for reason, bad in {**columns.bad_rows, BAD_WEIGHT: bad_weight}.items() if bad.any()}
    if _has_none(columns, stream, domain):
        return {}

    by_reason = {BAD_WEIGHT: _WEIGHTS.beyond(columns.weights)}
    if not stream.only_weights:
        labels, predictions = columns.labels, columns.predictions
        by_reason[MISSING_LABEL], by_reason[NO_CLASS] = np.isnan(labels), np.isinf(labels)
        by_reason[BAD_COLUMN_VALUE if stream.reads.feature else BAD_PREDICTION] = _FINITE.beyond(predictions)
        by_reason[LABEL_OUT_OF_RANGE] = np.isfinite(labels) & _labels_of(domain).beyond(labels)
        by_reason |= _classes_beyond(columns, domain)
        if columns.gains is not None:
            by_reason[BAD_COLUMN_VALUE] = _FINITE.beyond(columns.gains)
        reason = PREDICTION_OUT_OF_RANGE if domain.high == 1 else NEGATIVE_PREDICTION
        by_reason[reason] = np.isfinite(predictions) & _predictions_of(domain).beyond(predictions)
        by_reason |= {reason: fault.rows for reason, fault in columns.faults.items()}
        if columns.boxes is not None:
            by_reason[PREDICTION_OUT_OF_RANGE] = _rows_of_scores_beyond(columns, domain)

    return {reason: _by_row(bad, columns.rows, rows) for reason, bad in by_reason.items() if bad.any()}


def _has_none(columns: Columns, stream: Stream, domain: Domain) -> bool:
    """Whether all rows are good, as in most batches."""
    if not _WEIGHTS.holds_all(columns.weights):
        return False
    if stream.only_weights:
        return True
    if columns.boxes is not None:
        scores = columns.boxes.detections[:, SCORE]
        return not columns.faults and _predictions_of(domain).holds_all(scores)
    if columns.faults or (columns.gains is not None and not _FINITE.holds_all(columns.gains)):
        return False
    in_range = _labels_of(domain).holds_all(columns.labels) and _predictions_of(domain).holds_all(columns.predictions)
    return in_range and not any(bad.any() for bad in _classes_beyond(columns, domain).values())


def _rows_of_scores_beyond(columns: Columns, domain: Domain) -> Mask:
    """Rows (n,) with a detection whose score is out of range."""
    assert columns.boxes is not None
    boxes, beyond = columns.boxes, np.zeros(len(columns.weights), bool)
    beyond[boxes.detection_rows[_predictions_of(domain).beyond(boxes.detections[:, SCORE])]] = True
    return beyond


def _classes_beyond(columns: Columns, domain: Domain) -> dict[str, Mask]:
    """Rows of several classes, or with parts of classes, where that cannot be. Class ids are neither."""
    beyond: dict[str, Mask] = {}
    labels = columns.labels
    if labels.ndim == 2 and columns.ids is None and domain.one_class:
        highest = labels.max(axis=1, keepdims=True)
        beyond[SEVERAL_CLASSES] = (highest[:, 0] > 0) & ((labels == highest).sum(axis=1) > 1)
    if labels.ndim == 2 and columns.ids is None and domain.whole_classes:
        beyond[PART_OF_CLASS] = (labels > 0) & (labels < 1)
    return beyond


def takes(domain: Domain, prediction: float) -> bool:
    """Whether a finite prediction is one that a metric of this domain is defined for, rounding aside."""
    low, high = _predictions_of(domain)
    return low <= prediction <= high


def _by_row(bad: Mask, own_rows: Ints | None, rows: int) -> Mask:
    """Which of the batch's rows have a bad value."""
    of_own: Mask = bad if bad.ndim == 1 else np.logical_or.reduce(bad, axis=1)
    if own_rows is None:
        return of_own
    mask = np.zeros(rows, bool)
    mask[own_rows[of_own]] = True
    return mask


def first_fault(
    masks: Mapping[str, Mask], extracts: Extracts, columns: Columns, stream: Stream, asked: Sequence[Asked]
) -> BadRowError:
    """The error for the first bad row of a batch: where it is, what it holds, what to do."""
    reason, mask = min(masks.items(), key=lambda item: int(np.argmax(item[1])))
    row = int(np.argmax(mask))
    model = f" of model {stream.model_name!r}" if stream.model_name else ""
    if not stream.tells_faults:
        what = f"{reason}{model}{_needed_by(reason, asked, columns, row)}"
        shown = _no_class(extracts, row, columns, stream) if reason == NO_CLASS else ""
        held = f"{_shown(columns, row, stream, reason)}{shown}{_odd_lists(extracts, row, stream)}"
    else:
        what, held = f"{reason}{model}, which {asked[0].metric} cannot take", _texts_shown(extracts, row, stream)
    return BadRowError(
        f"{where(extracts, row)}: {what}: {held}; "
        f"fix the data, or set on_bad_rows: skip to leave such rows out and count them"
    )


def _texts_shown(extracts: Extracts, row: int, stream: Stream) -> str:
    """What a row holds where labels and predictions are no numbers."""
    held: dict[str, Any] = {}
    for key in (ATTRIBUTIONS_KEY,) if stream.reads.attributions else (LABELS_KEY, PREDICTIONS_KEY):
        outputs = outputs_of(extracts, key, stream)
        columns = outputs if isinstance(outputs, Mapping) else {stream.called(key)[0]: outputs}
        held |= {name: column[row] for name, column in columns.items() if column is not None}
    values = {name: cell.as_py() if isinstance(cell, pa.Scalar) else cell.tolist() for name, cell in held.items()}
    return ", ".join(f"{name} {textwrap.shorten(repr(value), _SHOWN)}" for name, value in values.items())


def first_without_key(extracts: Extracts, keys: pa.Array, column: str, reason: str) -> BadRowError:
    """The error for the first row of a batch that belongs to no query, or to nothing that is resampled."""
    row = int(np.argmax(keys.is_null().to_numpy(zero_copy_only=False)))
    field = "query_key" if reason == MISSING_QUERY else "resample_by"
    return BadRowError(
        f"{where(extracts, row)}: {reason}: no value of column {column!r} ({field}); fix the data, or set "
        "on_bad_rows: skip to leave such rows out and count them"
    )


def _no_class(extracts: Extracts, row: int, columns: Columns, stream: Stream) -> str:
    """The label of a row as the data has it, where it is none of the classes."""
    classes, width = columns.classes, columns.width
    if width == 1 and not classes:
        return ""
    column = select(extracts, LABELS_KEY, stream)
    label = column[row].as_py() if isinstance(column, pa.Array) else column[row].tolist()
    name, role = stream.called(LABELS_KEY)
    return f", column {name!r}{role} has {not_among(label, classes)}, and there are {len(classes) or width} classes"


def _needed_by(reason: str, asked: Sequence[Asked], columns: Columns, row: int) -> str:
    """Which metric cannot take the value, where others could."""
    if reason == LABEL_OUT_OF_RANGE:
        cannot = [one.metric for one in asked if one.domain.shares]
    elif reason in (SEVERAL_CLASSES, PART_OF_CLASS):
        several = reason == SEVERAL_CLASSES
        cannot = [one.metric for one in asked if (one.domain.one_class if several else one.domain.whole_classes)]
    elif reason in (PREDICTION_OUT_OF_RANGE, NEGATIVE_PREDICTION):
        values = np.atleast_1d(columns.predictions[_position_of(columns, row)]).tolist()
        cannot = [one.metric for one in asked if not all(takes(one.domain, value) for value in values)]
    else:
        cannot = []
    return f", which {cannot[0]} cannot take" if cannot else ""


def _position_of(columns: Columns, row: int) -> Any:
    """Where the values of a row are."""
    return row if columns.rows is None else columns.rows == row


def _shown(columns: Columns, row: int, stream: Stream, reason: str) -> str:
    at = _position_of(columns, row)
    if reason in columns.faults:
        return columns.faults[reason].found
    if columns.boxes is not None and reason != BAD_WEIGHT:
        return _shown_scores(columns.boxes, row, stream)
    parts = {"weight": columns.weights}
    if stream.reads.feature:
        parts = {".".join(stream.reads.feature): columns.predictions, **parts}
    elif stream.reads.predictions:
        parts = {"prediction": columns.predictions, **parts}
    if stream.reads.labels:
        parts = {"label": columns.labels, **parts}
    return ", ".join(f"{name} {_values_text(values[at])}" for name, values in parts.items())


def _shown_scores(boxes: Boxes, row: int, stream: Stream) -> str:
    scores = boxes.detections[boxes.detection_rows == row, SCORE]
    named = stream.reads.boxes.predictions if stream.reads.boxes else ()
    called = f"column {named[-1]!r}" if named else stream.described(PREDICTIONS_KEY)
    return f"{called} has the scores {_values_text(scores)}"


def _values_text(values: Any) -> str:
    """A number or a list of numbers, whole ones without a point."""
    return np.array2string(np.asarray(values), threshold=5, formatter={"float_kind": lambda number: f"{number:.8g}"})


def _odd_lists(extracts: Extracts, row: int, stream: Stream) -> str:
    """Says so where a list of another length than most is what is wrong with a row: it reads as infinite."""
    if stream.meaning.padding is not None or stream.reads.boxes or stream.reads.masks:
        return ""
    odd = []
    of_one_length = [PREDICTIONS_KEY, EXAMPLE_WEIGHTS_KEY]
    if not stream.meaning.sparse_labels:
        of_one_length.insert(0, LABELS_KEY)
    for key in of_one_length:
        name, role = stream.called(key)
        column = extracts.get(FEATURES_KEY, {}).get(name)
        if isinstance(column, pa.Array) and is_list(column.type):
            lengths = pc.list_value_length(column).fill_null(0).to_numpy()
            usual = usual_length(lengths)
            if lengths[row] != usual:
                odd.append(f"column {name!r}{role} has a list of {lengths[row]} values where most rows have {usual}")
    return "".join(f", {text}" for text in odd)


def where(extracts: Extracts, row: int) -> str:
    """The file and row number of a row of a batch, as far as the batch knows them."""
    source = extracts.get(SOURCE_KEY)
    if source is None:
        return f"row {row} of a batch of unknown origin"
    return f"{source['file'][row].as_py()}, row {int(source['row'][row])}"
