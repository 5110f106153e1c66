"""Why there is no value that a threshold could be held against, for people."""

from __future__ import annotations

from assay.metrics.keys import MetricKey
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.results.keys import metric_key_from_proto
from assay.results.records import is_shown

NOT_FOUND = "Metric not found."
TOO_SMALL = "Metric not shown: the slice has fewer rows than min_slice_size, or would tell the values of one that has."


def missing_text(key: MetricKey, record: MetricsForSlice, baseline: str) -> str:
    """Says what is missing.

    Args:
        key: of a threshold whose value is not in the record; without weighting where any will do.
        record: of one slice.
        baseline: name of the baseline; "" if there is none.
    """
    if not is_shown(record):
        return TOO_SMALL
    if not key.is_diff:
        return NOT_FOUND
    if not baseline:
        return "There is no baseline to compare with: no model spec has is_baseline."

    keys = [metric_key_from_proto(entry.key) for entry in record.metric_keys_and_values]
    own = _weightings(key._replace(is_diff=False), keys)
    if key.example_weighted is not None:
        own &= {key.example_weighted, None}
    of_baseline = _weightings(key._replace(is_diff=False, model_name=baseline), keys)
    if not own:
        return NOT_FOUND
    if not of_baseline:
        return (
            f"The baseline {baseline!r} has no value of it to compare with; add {baseline!r} to model_names of the "
            "metrics spec that asks for it."
        )
    if not own & of_baseline:
        return (
            f"The baseline {baseline!r} has no value of it to compare with that is {_weighting_text(own)}, only one "
            f"that is {_weighting_text(of_baseline)}; give both model specs an example_weight_key, or set "
            "example_weights of the metrics spec to {unweighted: true}."
        )
    return "It has no change, because it is not one number."


def _weightings(wanted: MetricKey, keys: list[MetricKey]) -> set[bool | None]:
    """The weightings with which a value is there."""
    any_weighting = wanted._replace(example_weighted=None)
    return {key.example_weighted for key in keys if key._replace(example_weighted=None) == any_weighting}


def _weighting_text(weightings: set[bool | None]) -> str:
    return "weighted" if True in weightings else "unweighted"
