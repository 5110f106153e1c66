"""The entries that a stream sees of a batch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from assay.errors import ColumnTypeError
from assay.metrics.entries.columns import Columns
from assay.metrics.entries.examples import Examples
from assay.metrics.entries.streams import Stream
from assay.types import PREDICTIONS_KEY


def entries_of(stream: Stream, columns: Mapping[Stream, Columns]) -> Examples:
    """The entries of rows without faults; with the baseline's predictions where the stream reads them.

    Args:
        stream: what is seen.
        columns: source -> its columns.

    Raises:
        ColumnTypeError: the predictions of the two models have different shapes.
    """
    own = columns[stream.source]
    entries = stream.view.entries(own)
    if stream.baseline is None:
        return entries
    other = columns[stream.baseline]
    _check_shapes(own, other, stream, stream.baseline)
    beside = stream.view.entries(own._replace(predictions=other.predictions))
    return entries._replace(of_baseline=beside.predictions)


def _check_shapes(own: Columns, other: Columns, stream: Stream, baseline: Stream) -> None:
    """Refuses models whose predictions do not correspond, number by number."""
    same_sizes = (own.sizes is None) == (other.sizes is None) and np.array_equal(own.sizes or 0, other.sizes or 0)
    if own.predictions.shape == other.predictions.shape and same_sizes:
        return
    raise ColumnTypeError(
        f"{stream.described(PREDICTIONS_KEY)} has {own.width} numbers a row and {baseline.described(PREDICTIONS_KEY)} "
        f"has {other.width}; expected the same number, to compare the two models"
    )
