"""The gate: metrics and thresholds -> ValidationResult and Verdict. Pure; the one owner of validation.

A threshold speaks of a metric (by name, model, output, sub key, weighting) and of slices: all of them, those of a
slicing spec, or pairs of slices. Bounds are inclusive. NaN meets no bound. The baseline's own values are not judged.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from assay.errors import EvalConfigError
from assay.proto.config_pb2 import (
    HIGHER_IS_BETTER,
    LOWER_IS_BETTER,
    CrossSlicingSpec,
    EvalConfig,
    GenericChangeThreshold,
    GenericValueThreshold,
    MetricConfig,
    MetricsSpec,
    MetricThreshold,
    SlicingSpec,
)
from assay.proto.metrics_for_slice_pb2 import (
    AggregationType,
    CrossSliceKey,
    MetricKey,
    MetricsForSlice,
    MetricValue,
    SubKey,
)
from assay.proto.metrics_for_slice_pb2 import SliceKey as SliceKeyMessage
from assay.proto.validation_result_pb2 import MetricsValidationForSlice, SlicingDetails, ValidationResult
from assay.types import SliceKey

if TYPE_CHECKING:
    from assay.slicing import Slicing

Spec: TypeAlias = SlicingSpec | CrossSlicingSpec | None
Place: TypeAlias = tuple[SliceKey, ...]
"""(slice,), or (baseline slice, comparison slice) of a difference between slices."""

NOT_FOUND = "Metric not found."

_WHY_UNDEFINED = {
    "one class": "auc balanced_accuracy informedness prevalence_threshold",
    "no positive labels": "auc_precision_recall calibration miss_rate fnr recall tpr",
    "no negative labels": "fall_out fpr specificity tnr",
    "no positive predictions": "false_discovery_rate ppv precision",
    "no negative predictions": "false_omission_rate negative_predictive_value npv",
    "weights sum to 0": "binary_accuracy mean_label mean_prediction mean_squared_error predicted_positive_rate prevalence",
}
_WHY_BY_NAME = {name: why for why, names in _WHY_UNDEFINED.items() for name in names.split()}
"""Metrics that are undefined for one reason only. The others are said to be undefined, and no more."""


# ---- validation ----


def validate(
    metrics: Iterable[MetricsForSlice], config: EvalConfig, *, rubber_stamp: bool = False
) -> ValidationResult:
    """Checks every threshold of a resolved config in every slice that it is for.

    Args:
        metrics: one record for each slice, in any order, read once; the result does not depend on the order.
        config: resolved; see `resolve_eval_config`.
        rubber_stamp: leave out change thresholds if there is no baseline; no threshold at all is then fine.

    Returns:
        TFMA's ValidationResult: failures by slice (overall first), and thresholds that met no slice.

    Raises:
        EvalConfigError: a metric's `config` is not JSON, or a slicing spec cannot be.
    """
    rules = _rules(config, without_change=rubber_stamp and not _baseline(config))
    judge = _Judge(rules, _baseline(config))
    failed: list[tuple[Place, MetricsValidationForSlice]] = []
    for record in metrics:
        validation = judge(record)
        if validation.failures:
            failed.append((_place(record), validation))
    result = ValidationResult(rubber_stamp=rubber_stamp, missing_thresholds=not rules and not rubber_stamp)
    failed.sort(key=lambda entry: [(len(key), str(key)) for key in entry[0]])
    result.metric_validations_per_slice.extend(validation for _, validation in failed)
    judge.report(result)
    missing = result.missing_slices or result.missing_cross_slices
    result.validation_ok = not (failed or missing or result.missing_thresholds)
    return result


class _Scope(NamedTuple):
    """The slices that a threshold is for: all if `spec` is None; else those of `slicings`, for a pair one each."""

    spec: bytes | None
    slicing: Slicing | None = None
    comparisons: tuple[Slicing, ...] | None = None


class _Rule(NamedTuple):
    """One threshold, on values of one key (without weighting), for the slices of one scope."""

    key: bytes
    weighted: bool | None
    metric: str
    scope: _Scope
    threshold: GenericValueThreshold | GenericChangeThreshold

    def speaks_of(self, key: MetricKey) -> bool:
        """Whether a value of this key is one that the threshold is for."""
        weighted = key.example_weighted.value if key.HasField("example_weighted") else None
        return _bare(key) == self.key and (None in (weighted, self.weighted) or weighted == self.weighted)


class _Check(NamedTuple):
    """A rule bound to a value's key and the key of the baseline's value; None: no value of the slice is meant."""

    rule: _Rule
    key: bytes | None
    baseline: bytes | None


class _Judge:
    """Judges one slice after the other and counts the slices that each scope met.

    Slices nearly always hold the same keys in the same order, so rules are bound to keys once for each such layout.
    """

    def __init__(self, rules: list[_Rule], baseline: str | None) -> None:
        self._rules, self._baseline = rules, baseline
        self._scopes = list(dict.fromkeys(rule.scope for rule in rules))
        self._met: Counter[_Scope] = Counter()
        self._details: Counter[tuple[bool, bytes]] = Counter()
        self._layouts: dict[tuple[bytes, ...], list[_Check]] = {}

    def __call__(self, record: MetricsForSlice) -> MetricsValidationForSlice:
        validation = _validation_of(record)
        place = _place(record)
        scopes = {scope for scope in self._scopes if _covers(scope, place)}
        if not scopes:
            return validation
        values = {entry.key.SerializeToString(): entry.value for entry in record.metric_keys_and_values}
        done: set[_Scope] = set()
        failures: dict[tuple[bytes, bytes], str] = {}
        for check in self._checks(tuple(values)):
            if check.rule.scope not in scopes:
                continue
            if check.key is not None:
                done.add(check.rule.scope)
            message = _judge(check, values, record)
            if message:
                _add_failure(validation, check, values, message, failures)
        self._met.update(done)
        self._details.update({_detail(scope) for scope in done})
        return validation

    def _checks(self, layout: tuple[bytes, ...]) -> list[_Check]:
        if layout not in self._layouts:
            keys = [(encoded, MetricKey.FromString(encoded)) for encoded in layout]
            self._layouts[layout] = [check for rule in self._rules for check in self._bind(rule, keys)]
        return self._layouts[layout]

    def _bind(self, rule: _Rule, keys: list[tuple[bytes, MetricKey]]) -> Iterator[_Check]:
        bound = [(encoded, key) for encoded, key in keys if rule.speaks_of(key)]
        for encoded, key in bound:
            key.model_name, key.is_diff = self._baseline or "", False
            yield _Check(rule, encoded, key.SerializeToString())
        if not bound:
            yield _Check(rule, None, None)

    def report(self, result: ValidationResult) -> None:
        """Writes down how many slices each scope met, and the scopes that met none."""
        for (is_cross, spec), count in self._details.items():
            details = result.validation_details.slicing_details.add(num_matching_slices=count)
            (details.cross_slicing_spec if is_cross else details.slicing_spec).MergeFromString(spec)
            if not spec:
                details.slicing_spec.SetInParent()
        for is_cross, spec in dict.fromkeys(_detail(scope) for scope in self._scopes if not self._met[scope]):
            if is_cross:
                result.missing_cross_slices.add().MergeFromString(spec)
            else:
                result.missing_slices.add().MergeFromString(spec)
