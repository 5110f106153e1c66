"""How far values may be off because scores lie too close together: refused beyond a limit, told below it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from assay.metrics.binding.metric import Metric
from assay.metrics.computations.curve import Curve
from assay.metrics.computations.doubts import Doubts
from assay.metrics.computations.scores import ScoreCurve
from assay.metrics.keys import MetricKey
from assay.metrics.values import TOLD_ERROR, ErrorBounds, Floats, Value

_ROUNDING = 1e-12
"""What a doubt of 0 may come to by rounding."""


def doubt_of(metric: Metric, doubts: Doubts, value: Floats) -> Floats:
    """How far a value (s,) or (s, k) may be off: (s,) or of its shape. Where it is little, it may be told as more."""
    if metric.follows_roc:
        return doubts.of_roc

    def value_of(curve: Curve) -> Floats:
        return np.asarray(metric.value(curve))

    return doubts.of(value_of, value, metric.at_most, TOLD_ERROR)


def certain(metric: Metric, value: Floats, doubt: Floats) -> Floats:
    """The value; NaN where it may be off by more than the limit."""
    refused = doubt > _limit(metric)
    if not refused.any():
        return value
    return np.where(refused.reshape(refused.shape + (1,) * (value.ndim - refused.ndim)), np.nan, value)


def refusals(doubts: Mapping[Metric, Floats]) -> dict[MetricKey, list[str]]:
    """Why values were refused, in each slice; "" where none was. Metrics without a refused value are left out."""
    return {
        metric.key: [_refusal(metric, largest) for largest in _largest(doubt).tolist()]
        for metric, doubt in doubts.items()
        if isinstance(metric.key, MetricKey) and (doubt > _limit(metric)).any()
    }


def error_bounds(doubts: Mapping[Metric, Floats]) -> dict[MetricKey, ErrorBounds]:
    """How far the values that were not refused may be off; metrics whose values are all exact are left out."""
    bounds = {}
    for metric, doubt in doubts.items():
        if isinstance(metric.key, MetricKey) and metric.has_error_bound:
            largest = _largest(np.where((doubt > _limit(metric)) | (doubt <= _ROUNDING), 0.0, doubt))
            if largest.any():
                why = f"scores between two thresholds have no order; {_cure(metric)}"
                bounds[metric.key] = ErrorBounds(largest, why)
    return bounds


def with_differences(
    bounds: Mapping[MetricKey, ErrorBounds], differences: Mapping[MetricKey, Value], baseline: str
) -> dict[MetricKey, ErrorBounds]:
    """The same, and of candidate minus baseline, which may be off by as much as both together.

    Where two models have the very same value and the very same bound, they have scored the rows alike: no difference is
    in doubt. So a model is no worse than itself.

    Args:
        bounds: of the values of models.
        differences: candidate minus baseline.
        baseline: name of that model.
    """
    of_differences = {}
    for key, difference in differences.items():
        models = (key._replace(is_diff=False), key._replace(is_diff=False, model_name=baseline))
        parts = [bounds[model] for model in models if model in bounds]
        if parts:
            together = np.sum([part.bounds for part in parts], axis=0)
            if len(parts) == len(models):
                assert isinstance(difference, np.ndarray)
                is_equal = (difference.reshape(len(together), -1) == 0).all(axis=1)
                together = np.where(is_equal & (parts[0].bounds == parts[1].bounds), 0.0, together)
            of_differences[key] = ErrorBounds(together, parts[0].reason)
    return {**bounds, **of_differences}


def _largest(doubt: Floats) -> Floats:
    """Of the values of each slice, (s,)."""
    return doubt.reshape(len(doubt), -1).max(1, initial=0.0)


def _limit(metric: Metric) -> float:
    needs = metric.needs
    assert isinstance(needs, ScoreCurve)
    return needs.limit if metric.follows_roc else needs.limit_of_others


def _refusal(metric: Metric, doubt: float) -> str:
    """What people are told of a slice whose scores cannot be told apart; "" where they can."""
    limit = _limit(metric)
    if not doubt > limit:
        return ""
    what = "an area under the ROC curve" if metric.follows_roc else "the value"
    return (
        f"scores are too close together to order them: {what} could be off by {doubt:.2g}, more than "
        f"{limit:.2g}; {_cure(metric)}"
    )


def _cure(metric: Metric) -> str:
    needs = metric.needs
    assert isinstance(needs, ScoreCurve)
    if needs.num_thresholds is not None:
        return f"leave out num_thresholds: {needs.num_thresholds} of its config, or set exact: true instead"
    return "set exact: true in its config, which keeps all distinct scores"
