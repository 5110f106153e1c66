"""Values of metrics of the user's own: held to their form, and to what the metric declares of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from assay.metrics.binding.metric import Metric
from assay.metrics.keys import MetricKey
from assay.metrics.states.failures import SliceFailure, described
from assay.metrics.values import Floats, Value

_ROUNDING = 1e-9
"""By how much, relative, a value may be beyond its range."""


def own_value(metric: Metric, state: Any, lanes: int, *, of_samples: bool) -> Value:
    """The value of a metric of the user's own.

    Args:
        metric: of a module of the user's own.
        state: what it needs of `lanes` slices.
        lanes: how many.
        of_samples: whether these are resamples, which may be empty, so that no value says anything about the data.

    Raises:
        SliceFailure: it raises, is no number, or is what its declaration rules out.
    """
    try:
        value = metric.value(state)
    except SliceFailure:
        raise
    except Exception as error:  # whatever code of the user's own may raise
        raise SliceFailure(0, metric.described, f"{described(error)} (slices are computed together)") from error
    if metric.definition.is_plot or isinstance(value, tuple):
        return value
    numbers = _numbers(metric, value, lanes)
    if not of_samples:
        _check(metric, numbers)
    return numbers


def _numbers(metric: Metric, value: Any, lanes: int) -> Floats:
    expected = f"expected an array of numbers, one (or one list) for each of {lanes} slices"
    if not isinstance(value, np.ndarray):
        raise SliceFailure(0, metric.described, f"{expected}; found {type(value).__name__}")
    if value.dtype.kind not in "fiub":
        raise SliceFailure(0, metric.described, f"{expected}; found an array of {value.dtype}")
    if value.ndim not in (1, 2) or len(value) != lanes:
        raise SliceFailure(0, metric.described, f"{expected}; found the shape {value.shape}")
    return value.astype(np.float64, copy=False)


def _check(metric: Metric, numbers: Floats) -> None:
    """Refuses NaN where none is declared, and numbers beyond the declared range."""
    definition, by_lane = metric.definition, numbers.reshape(len(numbers), -1)
    undefined = np.isnan(by_lane).any(1)
    if undefined.any() and not definition.undefined:
        cure = "return a number, or declare `undefined`, which says when there is none"
        raise SliceFailure(int(np.argmax(undefined)), metric.described, f"the value is NaN; {cure}")

    least, greatest = definition.interval
    slack = _ROUNDING * np.maximum(1, np.abs(by_lane))
    beyond = ((by_lane < least - slack) | (by_lane > greatest + slack)).any(1)
    if beyond.any():
        at = int(np.argmax(beyond))
        found = ", ".join(f"{number:.6g}" for number in by_lane[at])
        what = f"the value is {found}, but the metric declares the range {definition.range}; correct one of the two"
        raise SliceFailure(at, metric.described, what)


def reasons(values: Mapping[Metric, Value]) -> dict[MetricKey, list[str]]:
    """Why values of metrics of the user's own are NaN, in each slice; "" where they are not."""
    found = {}
    for metric, value in values.items():
        if metric.module and isinstance(metric.key, MetricKey) and isinstance(value, np.ndarray):
            undefined = np.isnan(value.reshape(len(value), -1).sum(axis=1))
            why = metric.definition.undefined
            if why and undefined.any() and metric.key.aggregation_type is None:
                found[metric.key] = [why if is_undefined else "" for is_undefined in undefined.tolist()]
    return found
