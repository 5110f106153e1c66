"""The loss of each row of a batch, for a model or for a candidate against the baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from assay.errors import ColumnTypeError
from assay.metrics.entries.columns import Columns
from assay.metrics.entries.selection import columns_of
from assay.metrics.entries.streams import Stream
from assay.metrics.values import Floats
from assay.types import Extracts

LOG_LOSS, SQUARED_ERROR, ZERO_ONE = "log_loss", "squared_error", "zero_one"
_LEAST = 1e-7
"""A probability is kept so far from 0 and 1, as Keras does: a row costs 16.1 at most."""


@dataclass(frozen=True)
class Loss:
    """Which loss, of which model.

    Attributes:
        name: one of `LOSSES`.
        model: what is read of the model.
        baseline: what is read of the baseline, whose loss is taken off; None for the model's own loss.
    """

    name: str
    model: Stream
    baseline: Stream | None = None

    @property
    def most(self) -> float:
        """What no row's loss of one model exceeds."""
        return {LOG_LOSS: 16.2, ZERO_ONE: 1.0}.get(self.name, np.inf)

    @property
    def bounded(self) -> bool:
        """Whether it has a bound, see `amounts_of`."""
        return self.name != SQUARED_ERROR


class RowLosses(NamedTuple):
    """Losses (n,), NaN where a row has none; and those of the baseline, where two models are compared."""

    of_rows: Floats
    of_baseline: Floats | None = None


def losses_of(extracts: Extracts, loss: Loss) -> RowLosses:
    """The losses of a batch.

    Raises:
        MissingColumnError: labels or predictions that are not there.
        ColumnTypeError: they are no numbers, or do not fit each other.
    """
    own = _of_model(extracts, loss.name, loss.model)
    if loss.baseline is None:
        return RowLosses(own)
    other = _of_model(extracts, loss.name, loss.baseline)
    return RowLosses(own - other, np.where(np.isnan(own), np.nan, other))


def _of_model(extracts: Extracts, name: str, stream: Stream) -> Floats:
    columns = columns_of(extracts, stream)
    if columns.sizes is not None:
        raise ColumnTypeError(
            "find_slices: rows have lists of different lengths; expected one prediction, or one class each"
        )
    with np.errstate(all="ignore"):
        values = LOSSES[name](columns)
    return np.where(np.isfinite(values), values, np.nan)


def _log_loss(columns: Columns) -> Floats:
    """-ln of what the model gives the true class: NaN where labels or predictions are no such thing."""
    labels, p = columns.labels, columns.predictions
    if p.ndim == 1:
        fits = _are_shares(labels) & _are_shares(p)
        kept = np.clip(p, _LEAST, 1 - _LEAST)
        return np.where(fits, -labels * np.log(kept) - (1 - labels) * np.log(1 - kept), np.nan)
    whole = p.sum(axis=1)
    fits = (
        _are_shares(labels).all(axis=1) & (np.abs(labels.sum(axis=1) - 1) < 1e-6) & (p >= 0).all(axis=1) & (whole > 0)
    )
    kept = np.clip(p / whole[:, None], _LEAST, 1 - _LEAST)
    return np.where(fits, -(labels * np.log(kept)).sum(axis=1), np.nan)


def _are_shares(values: Floats) -> npt.NDArray[np.bool_]:
    """Which are from 0 to 1; a probability that was rounded to 32 bits may be a little more."""
    return (values >= 0) & (values <= 1 + _LEAST)


def _squared_error(columns: Columns) -> Floats:
    squares = np.square(columns.labels - columns.predictions)
    return squares if squares.ndim == 1 else squares.sum(axis=1)


def _zero_one(columns: Columns) -> Floats:
    """1 where the more probable class is not the true one, or the class of the highest score is not the label's."""
    labels, p = columns.labels, columns.predictions
    known = np.isfinite(labels) & np.isfinite(p)
    if p.ndim == 1:
        wrong = (p >= 0.5) != (labels >= 0.5)
        return np.where(known & _are_shares(labels), wrong.astype(float), np.nan)
    wrong = p.argmax(axis=1) != labels.argmax(axis=1)
    one = (labels.max(axis=1) > 0) & known.all(axis=1)
    return np.where(one, wrong.astype(float), np.nan)


LOSSES: Mapping[str, Callable[[Columns], Floats]] = {
    LOG_LOSS: _log_loss,
    SQUARED_ERROR: _squared_error,
    ZERO_ONE: _zero_one,
}
