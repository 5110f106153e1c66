"""Classes that a model names beside its scores: which number of a prediction is that of which class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from assay.errors import ColumnTypeError
from assay.extracts.columns import holds_text
from assay.metrics.entries.labels import as_arrow_text, flattened, ids_of_numbers, ids_of_texts
from assay.metrics.entries.meaning import Meaning
from assay.metrics.values import Floats

_KEYS = ("all_classes", "classes")
"""Outputs that name classes, as TensorFlow's classifiers call them."""


class Ordered(NamedTuple):
    """Predictions by class id.

    Attributes:
        predictions: (n, c), or (n,) without classes.
        classes: names of the classes by id; () if nobody names them.
    """

    predictions: Floats
    classes: tuple[str, ...]


def in_order_of_classes(
    predictions: Floats, beside: Mapping[str, Any], meaning: Meaning, name: str, role: str
) -> Ordered:
    """Predictions in the order of the class ids, where the model says which number is that of which class.

    Args:
        predictions: (n,) or (n, c).
        beside: the other outputs of the model; `classes` or `all_classes` of (n, c) texts or ids count.
        meaning: `classes` of the model spec give the order; else the model's own, if it is the same in all rows.
        name: of the predictions, for errors.
        role: what stands behind the name in errors.

    Raises:
        ColumnTypeError: rows with different classes, or with others than the model spec names.
    """
    key = next((key for key in _KEYS if key in beside), "")
    if not key or predictions.ndim == 1:
        return Ordered(predictions, meaning.classes)
    width = predictions.shape[1]
    lengths, flat = flattened(as_arrow_text(beside[key]))
    if (lengths == 1).all():  # the predicted class, which orders nothing
        return Ordered(predictions, meaning.classes)

    called = f"{key!r} beside column {name!r}{role}"
    if (lengths != width).any():
        row = int(np.argmax(lengths != width))
        raise ColumnTypeError(
            f"{called} has {max(lengths[row], 0)} values in a row; expected {width}, one for each score"
        )
    flat = as_arrow_text(flat)
    is_text = isinstance(flat, pa.Array) and holds_text(flat.type)
    classes = meaning.classes or _own_names(flat[:width].tolist(), is_text)
    ids = (ids_of_texts(flat, classes) if is_text else ids_of_numbers(flat, classes, called)).reshape(-1, width)

    # Whoever gives neither names nor ids gives an order: the same in all rows, as the ids follow from it.
    is_wrong = (np.sort(ids, 1) if meaning.classes or not classes else ids) != np.arange(width)
    if is_wrong.any():
        row = int(np.argmax(is_wrong.any(1)))
        found = flat[row * width : (row + 1) * width].tolist()
        raise ColumnTypeError(f"{called} has {found} in a row; expected {_expected(meaning, classes, width)}")
    if meaning.positive_label in classes and classes.index(meaning.positive_label) != 1:
        raise ColumnTypeError(
            f"positive_label of the model spec is {meaning.positive_label!r}, which is class "
            f"{classes.index(meaning.positive_label)} in {called}; remove positive_label, as labels are read by the "
            "names of the classes then, and ask for the class by its id"
        )
    if (ids == np.arange(width)).all():
        return Ordered(predictions, classes)
    ordered = np.empty_like(predictions)
    np.put_along_axis(ordered, ids.astype(np.intp), predictions, 1)
    return Ordered(ordered, classes)


def _expected(meaning: Meaning, classes: Sequence[str], width: int) -> str:
    if meaning.classes:
        return f"the classes of the model spec, {list(classes)}"
    if not classes:
        return f"the ids 0 to {width - 1}"
    return f"{list(classes)} as in other rows; or name them in classes of the model spec, in the order of their ids"


def _own_names(first: Sequence[Any], is_text: bool) -> tuple[str, ...]:
    """The names that a model gives in a row; () where these are class ids."""
    if is_text:
        return tuple(text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text) for text in first)
    return () if sorted(first) == list(range(len(first))) else tuple(f"{number:g}" for number in first)
