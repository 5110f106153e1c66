"""Whether the prediction of a row is its label: texts, numbers, lists of these, or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assay.metrics.entries.bad_rows import MISSING_LABEL, MISSING_PREDICTION, NOT_JSON
from assay.metrics.entries.columns import Columns
from assay.metrics.entries.lookup import select
from assay.metrics.entries.ragged import Mask, Ragged, of_one_type, ragged
from assay.metrics.entries.streams import Stream
from assay.metrics.values import Floats, Objects
from assay.types import LABELS_KEY, PREDICTIONS_KEY, Extracts

_UNREADABLE = object()
"""Stands for text that is not JSON."""


@dataclass(frozen=True)
class Equality:
    """1 where a prediction equals the label in all its values, else 0.

    Attributes:
        as_json: whether texts are JSON, whose values are compared: neither space nor the order of names counts.
    """

    as_json: bool = False
    features: ClassVar[tuple[str, ...]] = ()
    described: ClassVar[Mapping[str, str]] = {
        "labels": "texts or numbers, or lists of them",
        "predictions": "of the type of labels",
    }

    def columns(self, extracts: Extracts, stream: Stream, weights: Floats) -> Columns:
        """A number a row; see `Pairing`."""
        of_label, of_prediction = stream.called(LABELS_KEY), stream.called(PREDICTIONS_KEY)
        label = ragged(select(extracts, LABELS_KEY, stream), of_label)
        prediction = ragged(select(extracts, PREDICTIONS_KEY, stream), of_prediction)
        faults = {MISSING_LABEL: label.is_missing, MISSING_PREDICTION: prediction.is_missing}
        if self.as_json:
            a, b = _parsed(label), _parsed(prediction)
            faults[NOT_JSON] = _has_unreadable(label, a) | _has_unreadable(prediction, b)
            matches = _matches(label, prediction, lambda at, other: _equal_objects(a[at], b[other]))
        else:
            x, y = of_one_type([(of_label, label), (of_prediction, prediction)])
            matches = _matches(label, prediction, lambda at, other: _equal(_chosen(x, at), _chosen(y, other)))
        return Columns(np.zeros(len(weights)), matches, weights, bad_rows=faults)


def _matches(label: Ragged, prediction: Ragged, equal: Callable[[Mask, Mask], Mask]) -> Floats:
    """1.0 (n,) for rows with as many values in both, all of them equal.

    Args:
        label: of n rows.
        prediction: likewise.
        equal: masks of as many values of each -> which of them are equal.
    """
    alike = label.lengths == prediction.lengths
    at, other = alike[label.rows], alike[prediction.rows]
    differ = ~equal(at, other)
    odd = np.bincount(label.rows[at], differ, minlength=len(alike))
    return (alike & (odd == 0)).astype(np.float64)


def _chosen(values: pa.Array, mask: Mask) -> pa.Array:
    return values.filter(pa.array(mask))


def _equal(values: pa.Array, others: pa.Array) -> Mask:
    """Which values are equal; one that is missing, or NaN, equals nothing."""
    equal: Mask = pc.equal(values, others).fill_null(False).to_numpy(zero_copy_only=False)
    return equal


def _equal_objects(values: Objects, others: Objects) -> npt.NDArray[np.bool_]:
    return np.array([value == other for value, other in zip(values, others, strict=True)], bool)


def _parsed(cells: Ragged) -> Objects:
    """(m,) the values that JSON texts stand for. The one loop over rows: JSON is parsed a text at a time."""
    parsed = np.empty(len(cells.values), object)
    parsed[:] = [_UNREADABLE if text is None else _of_json(text) for text in cells.values.to_pylist()]
    return parsed


def _of_json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return _UNREADABLE


def _has_unreadable(cells: Ragged, parsed: Objects) -> Mask:
    """(n,) rows with a text that is there and is no JSON."""
    is_bad = np.array([value is _UNREADABLE for value in parsed], bool)
    return (np.bincount(cells.rows, is_bad, minlength=len(cells.lengths)) > 0) & ~cells.is_missing
