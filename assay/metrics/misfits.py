"""Columns that hold something else than a metric is for: refused as a whole, where single rows may be bad ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from assay.errors import ColumnTypeError
from assay.metrics.bad_rows import (
    LABEL_OUT_OF_RANGE,
    NEGATIVE_PREDICTION,
    NO_CLASS,
    PREDICTION_OUT_OF_RANGE,
    Mask,
)
from assay.metrics.domains import Asked
from assay.metrics.examples import Examples, Stream
from assay.metrics.values import Floats
from assay.types import LABELS_KEY, PREDICTIONS_KEY

_MANY = 0.1
"""Share of the rows of a batch from which on they are no exceptions: the column holds something else."""
_SOME = 0.01
"""The same, where all other labels are of one class."""


def refuse_other_shapes(examples: Examples, stream: Stream, asked: Sequence[Asked]) -> None:
    """Refuses class ids and vectors where a metric means something else, or nothing, of them.

    Raises:
        ColumnTypeError: names the metric, both columns and what to do.
    """
    if stream.only_weights or stream.reads.feature:
        return
    label, prediction = (_called(stream, key) for key in (LABELS_KEY, PREDICTIONS_KEY))
    if examples.from_ids:
        for one in asked:
            if not one.domain.class_ids:
                raise ColumnTypeError(
                    f"{one.metric} is for two classes or one number, but {prediction} has {examples.width} values a "
                    f"row and {label} has one; {_which_class(examples.width)}"
                )
    if examples.width == 1:
        for one in asked:
            if one.domain.vectors:
                raise ColumnTypeError(
                    f"{one.metric} needs a number for each class, but {prediction} has one a row; for two classes ask "
                    f"for BinaryCrossEntropy"
                )


def _which_class(width: int) -> str:
    positive = "1 if the second is that of the positive class" if width == 2 else "the ids of the classes to evaluate"
    return (
        "set binarize: {class_ids: {values: [...]}} of the metrics spec ("
        + positive
        + "), or give one number a row, or "
        f"labels of {width} values"
    )


def refuse_other_values(found: Mapping[str, Mask], examples: Examples, stream: Stream, asked: Sequence[Asked]) -> None:
    """Refuses a column whose values are out of range in so many rows that they are no exceptions.

    Args:
        found: as `bad_rows.faults` gives it.
        examples: what the stream sees of a batch.
        stream: the columns.
        asked: the metrics that it serves.

    Raises:
        ColumnTypeError: names the metric, the column, its values and what to do.
    """
    for reason in (LABEL_OUT_OF_RANGE, PREDICTION_OUT_OF_RANGE, NEGATIVE_PREDICTION, NO_CLASS):
        rows = found.get(reason)
        if rows is None or not _are_many(rows, examples, of_labels=reason == LABEL_OUT_OF_RANGE):
            continue
        if reason == LABEL_OUT_OF_RANGE:
            raise _no_binary_labels(examples, stream, asked)
        if reason != NO_CLASS:
            raise _no_probabilities(examples, stream, asked)
        if examples.from_ids or stream.class_id is not None:
            raise _no_class_ids(examples, stream, len(rows), int(rows.sum()))


def _are_many(rows: Mask, examples: Examples, *, of_labels: bool) -> bool:
    count = int(rows.sum())
    if count < 2:
        return False
    if count > _MANY * len(rows):
        return True
    inside = examples.labels[(examples.labels >= 0) & (examples.labels <= 1)]
    return of_labels and count >= _SOME * len(rows) and len(np.unique(inside)) < 2


def _no_binary_labels(examples: Examples, stream: Stream, asked: Sequence[Asked]) -> ColumnTypeError:
    metric = next(one.metric for one in asked if one.domain.shares)
    return ColumnTypeError(
        f"{metric} is for two classes, labelled 0 and 1 (or a share between), but {_called(stream, LABELS_KEY)} holds "
        f"{_values(examples.labels)}; name a column that is 1 in rows of the positive class and 0 in all others"
    )


def _no_probabilities(examples: Examples, stream: Stream, asked: Sequence[Asked]) -> ColumnTypeError:
    one = next(one for one in asked if one.domain.low == 0)
    lowest, highest = _range(examples.predictions)
    expected = "probabilities from 0 to 1" if one.domain.high == 1 else "probabilities, 0 or more"
    return ColumnTypeError(
        f"{one.metric} is for {expected}, but {_called(stream, PREDICTIONS_KEY)} goes from {lowest:.6g} to "
        f"{highest:.6g}; give probabilities{_instead(one.metric)}"
    )


def _instead(metric: str) -> str:
    """What else can be done, by metric."""
    if metric.endswith("CrossEntropy"):
        return ', or set "from_logits": true if these are logits'
    if metric == "CalibrationPlot":
        return ', or set "left" and "right" to their range'
    if metric.endswith("Plot") or "Discrimination" in metric or metric in ("MaxRecall", "ThresholdAtRecall"):
        return ""
    return ', or set thresholds that are for such scores ("threshold" or "thresholds" in its config)'


def _no_class_ids(examples: Examples, stream: Stream, rows: int, bad: int) -> ColumnTypeError:
    return ColumnTypeError(
        f"{_called(stream, LABELS_KEY)} holds no class id in {bad} of {rows} rows; expected whole numbers from 0 to "
        f"one less than the number of values of {_called(stream, PREDICTIONS_KEY)}"
    )


def _called(stream: Stream, key: str) -> str:
    name, role = stream.called(key)
    return f"column {name!r}{role}"


def _values(values: Floats) -> str:
    """The different values, the first five of many with their range."""
    different = np.unique(values[np.isfinite(values)])
    listed = ", ".join(f"{value:.6g}" for value in different[:5])
    return listed if len(different) <= 5 else f"{listed}, ... up to {different[-1]:.6g}"


def _range(values: Floats) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return float(finite.min()), float(finite.max())
