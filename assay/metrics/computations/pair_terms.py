"""What a row adds to sums where the predictions of a model are compared with those of the baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from assay.metrics.entries.examples import Examples
from assay.metrics.values import Floats


def flips(e: Examples, was: bool, is_now: bool, threshold: float) -> Floats:
    """Whether the baseline's prediction is above the threshold or not (`was`), and the model's (`is_now`)."""
    return e.weights * (((_baseline(e) > threshold) == was) & ((e.predictions > threshold) == is_now))


def prediction_difference(e: Examples) -> Floats:
    """Distance of two predictions, as a share of the size of their mean; 0 where they are equal."""
    own, other = e.predictions, _baseline(e)
    with np.errstate(all="ignore"):
        share = np.where(own == other, 0.0, 2 * np.abs(own - other) / np.abs(own + other))
    return np.where(e.weights > 0, e.weights * share, 0.0)


def cosine(e: Examples) -> Floats:
    """Cosine of the angle between two vectors; 0 where one of them has no direction."""
    own, other = e.predictions, _baseline(e)
    lengths = _lengths(own) * _lengths(other)
    with np.errstate(all="ignore"):
        return np.where(lengths > 0, e.weights * (own * other).sum(axis=1) / lengths, 0.0)


def weight_of_cosine(e: Examples) -> Floats:
    """The weight of rows whose vectors both have a direction."""
    return e.weights * (_lengths(e.predictions) * _lengths(_baseline(e)) > 0)


def _lengths(vectors: Floats) -> Floats:
    return np.sqrt(np.square(vectors).sum(axis=1))


def _baseline(e: Examples) -> Floats:
    assert e.of_baseline is not None
    return e.of_baseline


OF_PAIRS: Mapping[str, Callable[..., Floats]] = {
    "flips": flips,
    "prediction_difference": prediction_difference,
    "cosine": cosine,
    "weight_of_cosine": weight_of_cosine,
}
"""Terms by name; see `TERMS`."""
