"""What thresholds with evidence block, as failures of TFMA's ValidationResult, as far as that can say it."""

from __future__ import annotations

from collections.abc import MutableMapping

from assay.gate.evidence.asked import AT_MOST, Threshold
from assay.gate.evidence.gate import EvidenceGate
from assay.gate.evidence.lines import line_of
from assay.proto.config_pb2 import HIGHER_IS_BETTER, LOWER_IS_BETTER, MetricThreshold
from assay.proto.validation_result_pb2 import MetricsValidationForSlice
from assay.results.keys import Slices, metric_key_to_proto, slice_key_to_proto


def add_failures(failed: MutableMapping[Slices, MetricsValidationForSlice], evidence: EvidenceGate) -> bool:
    """Adds a failure for each value that blocks. A threshold that met no value has none.

    Args:
        failed: the failures of other thresholds by slice; changed.
        evidence: that has seen all records.

    Returns:
        Whether anything blocks.
    """
    is_blocked = False
    for one in evidence.judgements():
        if one.effect != "block":
            continue
        is_blocked, found = True, one.found
        if found.slice is None or found.key is None:
            continue
        new = MetricsValidationForSlice(slice_key=slice_key_to_proto(found.slice))
        better = evidence.better(one)
        failure = failed.setdefault((found.slice,), new).failures.add(
            metric_key=metric_key_to_proto(found.key),
            metric_threshold=_threshold_of(found.threshold, better),
            message=line_of(one, evidence.asked, better).why,
        )
        failure.metric_value.double_value.value = found.estimate.value
    return is_blocked


def _threshold_of(threshold: Threshold, better: str) -> MetricThreshold:
    """The bound as TFMA knows one: it has no words for confidence."""
    message = MetricThreshold()
    if threshold.compares:
        is_lower = better == "lower"
        message.change_threshold.direction = LOWER_IS_BETTER if is_lower else HIGHER_IS_BETTER
        message.change_threshold.absolute.value = threshold.bound if is_lower else -threshold.bound
    elif threshold.question == AT_MOST:
        message.value_threshold.upper_bound.value = threshold.bound
    else:
        message.value_threshold.lower_bound.value = threshold.bound
    return message
