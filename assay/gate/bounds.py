"""The bounds of a threshold: as text, and how far a value is beyond them."""

from __future__ import annotations

from assay.proto.config_pb2 import HIGHER_IS_BETTER, LOWER_IS_BETTER, GenericChangeThreshold, GenericValueThreshold


def bound_text(threshold: GenericValueThreshold | GenericChangeThreshold) -> str:
    """What a threshold expects, for people: `at least 0.75`."""
    if isinstance(threshold, GenericValueThreshold):
        low = f"at least {threshold.lower_bound.value:.6g}" if threshold.HasField("lower_bound") else ""
        high = f"at most {threshold.upper_bound.value:.6g}" if threshold.HasField("upper_bound") else ""
        return " and ".join(filter(None, (low, high))) or "any number"

    side = {HIGHER_IS_BETTER: "at least", LOWER_IS_BETTER: "at most"}.get(threshold.direction, "better than")
    absolute = f"a change of {side} {threshold.absolute.value:.6g}" if threshold.HasField("absolute") else ""
    relative = f"a relative change of {side} {threshold.relative.value:.6g}" if threshold.HasField("relative") else ""
    return " and ".join(filter(None, (absolute, relative))) or "any change"


def shortfall(
    threshold: GenericValueThreshold | GenericChangeThreshold, value: float | None, baseline: float | None
) -> float | None:
    """By how much a value is beyond the bound that it misses most, in the metric's unit.

    Args:
        threshold: of a metric, or of its change.
        value: of the metric, or for a change candidate minus baseline; None if undefined.
        baseline: the baseline's value, for a relative change.

    Returns:
        None where there is no value to tell from, or no side that would be better.
    """
    if value is None:
        return None
    if isinstance(threshold, GenericValueThreshold):
        low = threshold.lower_bound.value - value if threshold.HasField("lower_bound") else 0.0
        high = value - threshold.upper_bound.value if threshold.HasField("upper_bound") else 0.0
        return max(low, high, 0.0)

    sign = {HIGHER_IS_BETTER: 1.0, LOWER_IS_BETTER: -1.0}.get(threshold.direction)
    if sign is None:
        return None
    absolute = sign * (threshold.absolute.value - value) if threshold.HasField("absolute") else 0.0
    relative = 0.0
    if threshold.HasField("relative") and baseline:
        relative = sign * (threshold.relative.value - value / baseline) * abs(baseline)
    return max(absolute, relative, 0.0)
