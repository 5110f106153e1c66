"""Lists of different lengths: both lists of a row become equally long, as `padding_options` of the model spec say.

Rows may have more or fewer numbers than others. What a row does not have is no entry. A row that is seen as a whole has
zeros as labels there, and its lowest prediction, so that it is never the class of a row, nor the predicted one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from assay.errors import ColumnTypeError
from assay.extracts.columns import Column
from assay.metrics.entries.columns import Columns
from assay.metrics.entries.labels import as_arrow_text, flattened
from assay.metrics.entries.meaning import Padding
from assay.metrics.entries.streams import Stream
from assay.metrics.values import Floats, Ints
from assay.types import LABELS_KEY, PREDICTIONS_KEY


class Lists(NamedTuple):
    """How long the lists of n rows are; 0 where one is missing or empty.

    Attributes:
        predictions: (n,)
        labels: (n,); None where labels are one number a row, or nobody reads them.
    """

    predictions: Ints
    labels: Ints | None = None

    @property
    def sizes(self) -> Ints:
        """(n,) numbers of each row, once both its lists are equally long."""
        return self.predictions if self.labels is None else np.maximum(self.labels, self.predictions)

    @property
    def width(self) -> int:
        """Numbers of the longest row."""
        return int(self.sizes.max(initial=0))

    @property
    def have_short_labels(self) -> bool:
        """Whether a label is filled up to the length of a prediction."""
        return self.labels is not None and bool(((self.labels > 0) & (self.labels < self.predictions)).any())

    @property
    def have_short_predictions(self) -> bool:
        """Whether some predictions are shorter than the longest row."""
        known = self.predictions[self.predictions > 0]
        return bool((known != self.width).any())


def lists_of(predictions: Column, labels: Column | None, stream: Stream) -> Lists:
    """Measures the lists of a batch.

    Args:
        predictions: n rows.
        labels: n rows; None if nobody reads them.
        stream: which columns they are.

    Raises:
        ColumnTypeError: a row whose label could be a class id, or a list that is too short; predictions of different
            lengths of which the softmax is asked for.
    """
    own = _lengths(predictions)
    of_labels = None if labels is None else _lengths(labels)
    has_lists = of_labels is not None and of_labels.max(initial=0) > 1
    lists = Lists(own, of_labels if has_lists else None)
    _refuse_unclear(lists, stream)
    return lists


def _refuse_unclear(lists: Lists, stream: Stream) -> None:
    called = stream.described(PREDICTIONS_KEY)
    if stream.meaning.link == "logit" and lists.have_short_predictions:
        raise ColumnTypeError(
            f"link: logit of the model spec makes shares of all numbers of a row, but {called} has fewer than "
            f"{lists.width} in some rows; give lists of one length, or set link: logit_each"
        )
    if lists.labels is None:
        return
    is_unclear = (lists.labels == 1) & (lists.predictions > 1)
    if is_unclear.any():
        raise ColumnTypeError(
            f"{stream.described(LABELS_KEY)} has 1 value in a row in which {called} has "
            f"{lists.predictions[is_unclear][0]}, and lists of more in other rows; expected class ids in all rows, or "
            "lists of 2 values and more, which padding_options of the model spec fill up"
        )


def filled_up(column: Column, width: int) -> Column:
    """Lists of `width` values each, of which those beyond a row's own are missing."""
    column = as_arrow_text(column)
    lengths, flat = flattened(column)
    own = np.maximum(lengths, 0)
    if (own == width).all():
        return column
    at = (np.cumsum(own) - own)[:, None] + np.arange(width)
    is_beyond = np.arange(width) >= own[:, None]
    values = pa.array(flat) if isinstance(flat, np.ndarray) else flat
    taken = values.take(pa.array(at.reshape(-1), mask=is_beyond.reshape(-1)))
    return pa.FixedSizeListArray.from_arrays(taken, width)


def padded(labels: Floats, predictions: Floats, lists: Lists, stream: Stream) -> tuple[Floats, Floats]:
    """Labels and predictions (n, c) with numbers where lists were filled up; what was missing before stays NaN.

    Args:
        labels: (n, c), or (n,) where they are one number a row. A negative padding of labels becomes 0, for no class.
        predictions: (n, c)
        lists: how long they were.
        stream: which columns they are, and what fills them up.

    Raises:
        ColumnTypeError: predictions would be filled up with a number that is above another one of their row.
    """
    padding = stream.meaning.padding
    assert padding is not None
    at, sizes = np.arange(predictions.shape[1]), lists.sizes[:, None]
    if lists.labels is not None:
        is_short = (at >= lists.labels[:, None]) & (lists.labels[:, None] > 0)
        labels = np.where(is_short, np.where(at < sizes, max(padding.label, 0.0), 0.0), labels)

    own = lists.predictions[:, None]
    lowest = np.where(at < own, predictions, np.inf).min(axis=1, keepdims=True)
    is_short = (at >= own) & (own > 0)
    is_padded = is_short & (at < sizes)
    _refuse_high(padding, float(np.where(is_padded, lowest, np.inf).min(initial=np.inf)), stream)
    lowest = np.where(is_padded.any(axis=1, keepdims=True), padding.prediction, lowest)
    return labels, np.where(is_short, np.where(is_padded, padding.prediction, lowest), predictions)


def sized(columns: Columns, lists: Lists, padding: Padding) -> Columns:
    """The columns with the sizes of their rows; a class id that is beyond those of its row is none."""
    labelled = lists.labels if padding.label < 0 else None
    columns = columns._replace(short_labels=lists.have_short_labels, labelled=labelled)
    if (lists.sizes == columns.width).all():
        return columns
    labels = columns.labels
    if columns.ids is not None:
        labels = np.where((columns.ids >= lists.sizes)[:, None], np.inf, labels)
    return columns._replace(labels=labels, sizes=lists.sizes)


def _refuse_high(padding: Padding, lowest: float, stream: Stream) -> None:
    """Refuses a number that would stand above a prediction, and so be taken for one itself."""
    if padding.prediction > lowest:
        raise ColumnTypeError(
            f"{stream.described(PREDICTIONS_KEY)} is filled up with {padding.prediction:g} (padding_options of the "
            f"model spec), which is above the prediction {lowest:g} of the same row; expected a number that is above "
            f"no prediction, such as prediction_float_padding: {np.floor(lowest):g}"
        )


def _lengths(column: Column) -> Ints:
    return np.maximum(flattened(as_arrow_text(column))[0], 0)
