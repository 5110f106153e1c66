"""Thresholds a bit below the values of the sample, or of the run that was blessed last."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from assay.proposal.measured import Value
from assay.proposal.metrics import HIGHER
from assay.types import SliceKey

_LEAST_MARGIN = 0.02
_LEAST_SHARE = 0.1
_ALLOWED_CHANGE = 0.01


class Bound(NamedTuple):
    """A threshold for some slices.

    Attributes:
        better: "HIGHER_IS_BETTER" or "LOWER_IS_BETTER".
        limit: the least value, or the greatest where lower is better.
        value: the one that it was made from.
        rows: that the value's noise was judged by.
        slice_key: where the value was found.
    """

    better: str
    limit: float
    value: float
    rows: int
    slice_key: SliceKey = ()


class Change(NamedTuple):
    """A threshold on the change from the baseline to the candidate.

    Attributes:
        limit: the least change, or the greatest where lower is better.
        value: the change in the sample.
    """

    limit: float
    value: float


def bound_of(value: float, better: str, rows: int, slice_key: SliceKey = ()) -> Bound | None:
    """A limit that a value keeps, even if other rows make it a bit worse; None of an undefined value.

    The margin is 1 / sqrt(rows), which is two standard errors of a share at most, and at least 0.02; for errors, which
    have a unit, it is twice that share of the value, and at least a tenth of it.
    """
    if not math.isfinite(value) or rows < 1:
        return None
    noise = 1 / math.sqrt(rows)
    if better == HIGHER:
        limit = max(0.0, math.floor(100 * (value - max(_LEAST_MARGIN, noise)) + 1e-9) / 100)
    else:
        limit = rounded_up(value * (1 + max(_LEAST_SHARE, 2 * noise)))
    return Bound(better, limit, value, rows, slice_key)


def rounded_up(number: float) -> float:
    """The next number of two digits, such as 0.013 of 0.0123."""
    if number <= 0:
        return 0.0
    digits = 1 - math.floor(math.log10(number))
    if digits > 300:  # beyond what floats can be multiplied by
        return number
    scaled = math.ceil(number * 10.0**digits - 1e-9)
    return float(f"{scaled}e{-digits}")


def worst(values: Iterable[Value], better: str) -> Value | None:
    """The value that is hardest to bound; one that is undefined, if there is any."""
    known = list(values)
    undefined = next((value for value in known if not math.isfinite(value.value)), None)
    if undefined is not None or not known:
        return undefined
    return (min if better == HIGHER else max)(known, key=lambda value: value.value)


def bounds_of_slices(values: Sequence[Value], better: str) -> dict[tuple[str, ...], Bound]:
    """Features of a slicing -> the limit that its worst slice keeps; slicings with an undefined value have none."""
    by_features: dict[tuple[str, ...], list[Value]] = {}
    for value in values:
        if value.slice_key:
            by_features.setdefault(tuple(name for name, _ in value.slice_key), []).append(value)
    bounds = {}
    for features, of_slices in by_features.items():
        lowest = worst(of_slices, better)
        bound = None if lowest is None else bound_of(lowest.value, better, lowest.rows, lowest.slice_key)
        if bound is not None:
            bounds[features] = bound
    return bounds


def change_of(values: Mapping[str, Sequence[Value]], baseline: str, better: str) -> Change | None:
    """How much worse than the baseline a candidate may be: 0.01, or of an error 1 % of the baseline's.

    Args:
        values: model -> its values of all rows, in the same order for each.
        baseline: name of the model that the others are compared with.
        better: the direction.
    """
    before = values.get(baseline, [])
    changes = [
        candidate.value - other.value
        for model, of_model in values.items()
        if model != baseline
        for candidate, other in zip(of_model, before, strict=True)
    ]
    if not changes or not all(map(math.isfinite, changes)):
        return None
    if better == HIGHER:
        return Change(-_ALLOWED_CHANGE, min(changes))
    return Change(rounded_up(_ALLOWED_CHANGE * max(other.value for other in before)), max(changes))
