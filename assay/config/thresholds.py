"""The thresholds of an EvalConfig: each must bound something, and be for values that are judged."""

from __future__ import annotations

import math
from typing import Any

from assay.config.fields import messages_in
from assay.errors import EvalConfigError
from assay.proto.config_pb2 import (
    HIGHER_IS_BETTER,
    LOWER_IS_BETTER,
    CrossSliceMetricThreshold,
    CrossSliceMetricThresholds,
    EvalConfig,
    GenericChangeThreshold,
    GenericValueThreshold,
    MetricThreshold,
    PerSliceMetricThreshold,
    PerSliceMetricThresholds,
)

_EXAMPLE = "for example {value_threshold: {lower_bound: 0.8}}"


def check_thresholds(config: EvalConfig) -> None:
    """Refuses thresholds that no value could fail, that no value could meet, or that are for no model.

    Raises:
        EvalConfigError: a threshold without slices or without bounds, with bounds that no value meets, or for values
            of the baseline; the message starts with the field's path.
    """
    for path, per_slice in messages_in(config, PerSliceMetricThreshold):
        if not per_slice.slicing_specs:
            raise EvalConfigError(
                f"{path}.slicing_specs: expected at least one ({{}} is the overall slice), found none"
            )
    for path, cross_slice in messages_in(config, CrossSliceMetricThreshold):
        if not cross_slice.cross_slicing_specs:
            raise EvalConfigError(f"{path}.cross_slicing_specs: expected at least one, found none")

    _refuse_no_thresholds(config)
    refuse_thresholds_of_baseline(config)
    for path, threshold in messages_in(config, MetricThreshold):
        check_threshold(threshold, path)


def _refuse_no_thresholds(config: EvalConfig) -> None:
    """Refuses slices, pairs and names of metrics that have no threshold."""
    for kind in (PerSliceMetricThreshold, CrossSliceMetricThreshold):
        for path, entry in messages_in(config, kind):
            if not entry.HasField("threshold"):
                raise EvalConfigError(f"{path}.threshold: expected a threshold, {_EXAMPLE}; found none")

    for by_name in (PerSliceMetricThresholds, CrossSliceMetricThresholds):
        for path, entries in messages_in(config, by_name):
            if not entries.ListFields():
                raise EvalConfigError(f"{path}.thresholds: expected at least one, found none; or remove {path}")


def refuse_thresholds_of_baseline(config: EvalConfig) -> None:
    """Refuses thresholds that are for the baseline alone, whose values are compared with, but not judged.

    Args:
        config: before it is resolved, too: without a baseline, its metrics specs become those of the other models.

    Raises:
        EvalConfigError: the message starts with the threshold's path.
    """
    baselines = {spec.name for spec in config.model_specs if spec.is_baseline}
    for i, metrics_spec in enumerate(config.metrics_specs):
        if not metrics_spec.model_names or not baselines.issuperset(metrics_spec.model_names):
            continue
        for path, _ in messages_in(metrics_spec, MetricThreshold, f"metrics_specs[{i}]"):
            raise EvalConfigError(
                f"{path}: it applies only to {metrics_spec.model_names[0]!r}, the baseline, which is never judged; "
                f"add the name of another model to metrics_specs[{i}].model_names, or remove the threshold"
            )


def check_threshold(threshold: MetricThreshold, path: str) -> None:
    """Refuses a threshold that no value could fail, or that no value could meet.

    Args:
        threshold: of a metric, in slices or not.
        path: where it is in the config.

    Raises:
        EvalConfigError: the message starts with the field's path.
    """
    if not threshold.ListFields():
        raise EvalConfigError(f"{path}: it bounds nothing; expected a threshold, {_EXAMPLE}, or remove it")

    for kind, one in threshold.ListFields():
        for field, bound in one.ListFields():
            if field.message_type is not None and math.isnan(bound.value):
                raise EvalConfigError(f"{path}.{kind.name}.{field.name}: expected a number, found NaN")
    if threshold.HasField("value_threshold"):
        _check_value_threshold(threshold.value_threshold, f"{path}.value_threshold")
    if threshold.HasField("change_threshold"):
        _check_change_threshold(threshold.change_threshold, f"{path}.change_threshold")


def _check_value_threshold(threshold: GenericValueThreshold, path: str) -> None:
    # Every number is at least -inf and at most inf, so infinite bounds are none.
    low = threshold.lower_bound.value if threshold.HasField("lower_bound") else -math.inf
    high = threshold.upper_bound.value if threshold.HasField("upper_bound") else math.inf
    for name, bound, beyond in (("lower_bound", low, math.inf), ("upper_bound", high, -math.inf)):
        if bound == beyond:
            raise EvalConfigError(f"{path}.{name}: no value meets it; expected a finite number, found {bound}")
    if (low, high) == (-math.inf, math.inf):
        raise EvalConfigError(
            f"{path}: it bounds nothing; expected a finite lower_bound or upper_bound, for example {{lower_bound: 0.8}}"
        )
    if low > high:
        raise EvalConfigError(
            f"{path}: no value is at least {low} and at most {high}; expected lower_bound to be at most upper_bound"
        )


def _check_change_threshold(threshold: GenericChangeThreshold, path: str) -> None:
    anything = math.inf if threshold.direction == LOWER_IS_BETTER else -math.inf
    bounds = [bound.value for field, bound in threshold.ListFields() if field.name != "direction"]
    if -anything in bounds:
        raise EvalConfigError(f"{path}: no value meets it; expected finite numbers, found {-anything}")
    if all(bound == anything for bound in bounds):
        raise EvalConfigError(
            f"{path}: it bounds nothing; expected a finite absolute or relative change, for example "
            "{direction: HIGHER_IS_BETTER, absolute: 0}"
        )
    if threshold.direction not in (HIGHER_IS_BETTER, LOWER_IS_BETTER):
        raise EvalConfigError(f"{path}.direction: expected HIGHER_IS_BETTER or LOWER_IS_BETTER, found nothing")


def remove_change_thresholds(config: EvalConfig) -> None:
    """Takes all change thresholds out of a config, and with them each threshold that is nothing else."""
    for spec in config.metrics_specs:
        for metric in spec.metrics:
            if _is_only_change(metric.threshold):
                metric.ClearField("threshold")
            _remove_only_changes(metric.per_slice_thresholds)
            _remove_only_changes(metric.cross_slice_thresholds)

        for name in [name for name, threshold in spec.thresholds.items() if _is_only_change(threshold)]:
            del spec.thresholds[name]
        _remove_by_name(spec.per_slice_thresholds)
        _remove_by_name(spec.cross_slice_thresholds)

    for _, threshold in messages_in(config, MetricThreshold):
        threshold.ClearField("change_threshold")


def _is_only_change(threshold: MetricThreshold) -> bool:
    return threshold.HasField("change_threshold") and not threshold.HasField("value_threshold")


def _remove_only_changes(entries: Any) -> None:
    """Of a list of thresholds for slices or pairs."""
    kept = [entry for entry in entries if not _is_only_change(entry.threshold)]
    del entries[:]
    entries.extend(kept)


def _remove_by_name(by_name: Any) -> None:
    """Of a map from the name of a metric to such lists; names without a threshold to begin with stay."""
    for name in [name for name, entry in by_name.items() if entry.thresholds]:
        _remove_only_changes(by_name[name].thresholds)
        if not by_name[name].thresholds:
            del by_name[name]
