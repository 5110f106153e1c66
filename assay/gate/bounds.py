"""The bounds of a threshold as text."""

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
