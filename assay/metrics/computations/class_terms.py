"""What a row with a score for each class adds to sums: whether it is right, and how its classes are ranked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from assay.metrics.computations.curve import Mask
from assay.metrics.entries.examples import Examples
from assay.metrics.values import Floats, Ints


def actual_class(examples: Examples) -> Ints:
    """The class (n,) of the highest label of each row; -1 where all are 0."""
    return np.where(examples.labels.any(axis=1), examples.labels.argmax(axis=1), -1)


def predicted_class(examples: Examples) -> Ints:
    """The class (n,) of the highest score of each row, of equal ones the first."""
    return examples.predictions.argmax(axis=1)


def hit(e: Examples) -> Floats:
    """Whether the class of the highest score is that of the row."""
    return e.weights * (actual_class(e) == predicted_class(e))


def top_hit(e: Examples, k: int) -> Floats:
    """Whether the class of the row is among the k highest scores."""
    actual = actual_class(e)[:, None]
    own = np.take_along_axis(e.predictions, np.maximum(actual, 0), 1)
    is_before = np.arange(e.predictions.shape[1]) < actual
    rank = ((e.predictions > own) | ((e.predictions == own) & is_before)).sum(axis=1)
    return e.weights * ((actual[:, 0] >= 0) & (rank < k))


def all_right(e: Examples, threshold: float) -> Floats:
    """Whether all classes are predicted right."""
    return e.weights * ((e.predictions > threshold) == (e.labels > 0)).all(axis=1)


def wrong_share(e: Examples, threshold: float) -> Floats:
    """The share of the classes that is predicted wrong."""
    return e.weights * ((e.predictions > threshold) != (e.labels > 0)).mean(axis=1)


class _Ranked(NamedTuple):
    """The classes of n rows by falling score, all of shape (n, c).

    Attributes:
        is_true: whether the row has the class.
        rank: how many classes have a score as high or higher.
        true: how many of these the row has.
    """

    is_true: Mask
    rank: Ints
    true: Ints


def _ranked(e: Examples) -> _Ranked:
    order = np.argsort(-e.predictions, axis=1, kind="stable")
    scores = np.take_along_axis(e.predictions, order, 1)
    is_true = np.take_along_axis(e.labels, order, 1) > 0

    # Of equal scores all have the rank of the last.
    width = scores.shape[1]
    is_last = np.ones(scores.shape, bool)
    is_last[:, :-1] = scores[:, 1:] != scores[:, :-1]
    last = np.where(is_last, np.arange(width), width)
    last = np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]
    return _Ranked(is_true, last + 1, np.take_along_axis(np.cumsum(is_true, axis=1), last, 1))


def ranking_precision(e: Examples) -> Floats:
    """Mean over the classes of a row: of those ranked as high or higher, the share that the row has; 1 without any."""
    is_true, rank, true = _ranked(e)
    count = is_true.sum(axis=1)
    share = (is_true * true / rank).sum(axis=1) / np.maximum(count, 1)
    return e.weights * np.where(count > 0, share, 1.0)


def ranking_loss(e: Examples) -> Floats:
    """Share of the pairs of a class of the row and another one that have the wrong order, or none; 0 without pairs."""
    is_true, rank, true = _ranked(e)
    count = is_true.sum(axis=1)
    pairs = count * (is_true.shape[1] - count)
    return e.weights * ((is_true * (rank - true)).sum(axis=1) / np.maximum(pairs, 1))


def coverage(e: Examples) -> Floats:
    """How far down the ranking all classes of a row are found; 0 without any."""
    is_true, rank, _ = _ranked(e)
    return e.weights * (is_true * rank).max(axis=1)


OF_CLASSES: Mapping[str, Callable[..., Floats]] = {
    "hit": hit,
    "top_hit": top_hit,
    "all_right": all_right,
    "wrong_share": wrong_share,
    "ranking_precision": ranking_precision,
    "ranking_loss": ranking_loss,
    "coverage": coverage,
}
"""Name -> the weighted value (n,) of each row."""
