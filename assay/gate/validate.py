"""The gate: metrics and thresholds -> ValidationResult and Verdict. Pure; the one owner of validation.

A threshold is for a metric (by name, model, output, sub key, weighting) in some slices: in all of them, in those of a
slicing spec, or in pairs of slices. Bounds are inclusive, and NaN meets none. A value with an error bound has to meet
them wherever it may lie. The baseline's own values are not judged. Thresholds that ask for evidence are in
`assay.gate.evidence`, those on found slices in `assay.gate.found_slices`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

from assay.config.baselines import baseline_name
from assay.gate.bounds import bound_text
from assay.gate.evidence.failures import add_failures
from assay.gate.evidence.gate import EvidenceGate, lines_of
from assay.gate.found_slices import FoundSlices
from assay.gate.judge import verdict
from assay.gate.missing import missing_text
from assay.gate.numbers import Number, numbers_of
from assay.gate.thresholds import Rule, Scope, Threshold, rules_of
from assay.metrics.keys import MetricKey
from assay.proto.config_pb2 import (
    HIGHER_IS_BETTER,
    LOWER_IS_BETTER,
    CrossSlicingSpec,
    EvalConfig,
    GenericChangeThreshold,
    GenericValueThreshold,
    SlicingSpec,
)
from assay.proto.metrics_for_slice_pb2 import MetricKey as MetricKeyMessage
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.proto.validation_result_pb2 import MetricsValidationForSlice, ValidationResult
from assay.results.class_names import ClassNames, class_names
from assay.results.keys import Slices, label, metric_key_from_proto, metric_key_to_proto, slices_of, text_of
from assay.results.records import is_shown, listed
from assay.verdict import UNNAMED, Checked, Counts, Limits, Reason, Status, Verdict

__all__ = [
    "Checked",
    "Counts",
    "Limits",
    "Reason",
    "Status",
    "Verdict",
    "checks_of",
    "lines_of",
    "validate",
    "verdict",
]

_Place: TypeAlias = tuple[int, list[tuple[int, str]]]


class _Check(NamedTuple):
    """A rule bound to the values of slices: their positions, and the bounds as plain numbers."""

    rule: Rule
    key: MetricKey
    name: str
    expected: str
    at: int | None
    """None: no value is meant."""
    baseline_at: int | None
    bounds: tuple[float, float]
    relative: tuple[float, float] | None

    def holds(self, numbers: Sequence[Number]) -> bool:
        """Whether the value is within its bounds; NaN never is."""
        if self.at is None or not numbers[self.at].lies_between(*self.bounds):
            return False
        return self.relative is None or self.share(numbers).lies_between(*self.relative)

    def may_hold(self, numbers: Sequence[Number]) -> bool:
        """Whether the value, wherever it may be, could be within its bounds."""
        if self.at is None or not numbers[self.at].may_lie_between(*self.bounds):
            return False
        return self.relative is None or self.share(numbers).may_lie_between(*self.relative)

    def share(self, numbers: Sequence[Number]) -> Number:
        """The change as a share of the baseline's value."""
        if self.at is None or self.baseline_at is None:
            return Number(math.nan)
        return numbers[self.at].share_of(numbers[self.baseline_at])


def validate(
    metrics: Iterable[MetricsForSlice],
    config: EvalConfig,
    *,
    rubber_stamp: bool = False,
    gate: Mapping[str, Any] | None = None,
    found: FoundSlices | None = None,
) -> ValidationResult:
    """Checks every threshold of a resolved config, and of a plan's gate, in every slice that it is for.

    Args:
        metrics: one record for each slice, in any order, read once; the result does not depend on the order.
        config: resolved; see `resolve_eval_config`.
        rubber_stamp: leave out change thresholds if there is no baseline; a config without thresholds then passes.
        gate: thresholds that ask for evidence; see `plan.gate_section`.
        found: the slices of a search, where there is a threshold for them.

    Returns:
        TFMA's ValidationResult: failures by slice, overall first, and the thresholds' specs that met no slice.

    Raises:
        EvalConfigError: a metric's `config` is not JSON, or a slicing spec cannot be.
    """
    rules, baseline = _rules(config, rubber_stamp)
    judge = _Judge(rules, baseline, class_names(config))
    evidence = EvidenceGate(gate or {}, config, rubber_stamp=rubber_stamp)
    failed: dict[Slices, MetricsValidationForSlice] = {}
    for record in listed(metrics):
        evidence.add(record)
        validation = judge(record)
        if validation.failures:
            failed[slices_of(record)] = validation
    is_blocked = add_failures(failed, evidence)
    is_blocked |= found is not None and found.add_failures(failed)

    has_thresholds = bool(rules or evidence.asked.thresholds or found)
    result = ValidationResult(rubber_stamp=rubber_stamp, missing_thresholds=not has_thresholds and not rubber_stamp)
    result.metric_validations_per_slice.extend(failed[slices] for slices in sorted(failed, key=_place))
    judge.report(result)

    missing = result.missing_slices or result.missing_cross_slices
    result.validation_ok = not (failed or is_blocked or missing or result.missing_thresholds)
    return result


def checks_of(
    metrics: Iterable[MetricsForSlice], config: EvalConfig, *, rubber_stamp: bool = False
) -> tuple[Checked, ...]:
    """Every threshold, how many slices it was held against, and the value that decided; arguments as for `validate`.

    Returns:
        One entry for each threshold and model, in the order of the config.
    """
    rules, baseline = _rules(config, rubber_stamp)
    classes = class_names(config)
    judge, tallies = _Judge(rules, baseline, classes), dict[tuple[Rule, str], _Tally]()
    for rule in rules:
        tallies.setdefault((rule, label(rule.key, classes)), _Tally())

    for record in listed(metrics) if rules else ():
        for check, numbers in judge.checks_in(record):
            tally = tallies.setdefault((check.rule, check.name), _Tally())
            tally.add(check, numbers, record)

    # A rule is shown once for each value that it was held against, and once if there was none.
    bound = {rule for (rule, _), tally in tallies.items() if tally.met}
    shown = {key: tally for key, tally in tallies.items() if tally.met or key[0] not in bound}
    return tuple(
        tally.entry(Checked(name, bound_text(rule.bounds()), rule.scope.text)) for (rule, name), tally in shown.items()
    )


def _place(slices: Slices) -> _Place:
    """Where a slice stands: pairs of slices come after slices, and of both those with fewer features first."""
    return len(slices), [(len(key), str(key)) for key in slices]


def _rules(config: EvalConfig, rubber_stamp: bool) -> tuple[list[Rule], str]:
    """The rules that are applied, and the name of the baseline."""
    baseline = baseline_name(config)
    rules = [r for r in rules_of(config) if not (rubber_stamp and baseline is None and r.kind == "change_threshold")]
    return rules, baseline or ""


class _Tally:
    """The slices that a threshold was held against, and the one that decided.

    That is the first to fail, else the first that cannot be told, else the nearest to the bound; the first is that
    whose failures `validate` lists first, so that the order in which records come says nothing.
    """

    def __init__(self) -> None:
        self.met = self.failed = self.undecided = 0
        self._rank = (math.inf, math.inf)
        self._at: tuple[MetricsForSlice, Number] | None = None
        self._place: _Place | None = None

    def add(self, check: _Check, numbers: Sequence[Number], record: MetricsForSlice) -> None:
        number, holds = Number(math.nan) if check.at is None else numbers[check.at], check.holds(numbers)
        nearest = min(number.value - check.bounds[0], check.bounds[1] - number.value) - number.error_bound
        is_open = not holds and check.may_hold(numbers)

        rank = (2, nearest) if holds else (1, 0.0) if is_open else (0, 0.0)
        if self._at is None or rank < self._rank or (rank == self._rank and self._is_before(record)):
            self._rank, self._at, self._place = rank, (record, number), None
        self.met += 1
        self.failed += not holds
        self.undecided += is_open

    def _is_before(self, record: MetricsForSlice) -> bool:
        """Whether a slice stands before the one that has decided so far."""
        if self._at is None:
            return True
        if self._place is None:
            self._place = _place(slices_of(self._at[0]))
        return _place(slices_of(record)) < self._place

    def entry(self, threshold: Checked) -> Checked:
        if self._at is None:
            return threshold
        record, (value, error_bound) = self._at
        is_named = is_shown(record)
        return replace(
            threshold,
            met=self.met,
            failed=self.failed,
            undecided=self.undecided,
            slice=text_of(record) if is_named else UNNAMED,
            value=value if math.isfinite(value) else None,
            error_bound=error_bound,
            rows=record.rows if is_named else None,
            no_number=("infinite" if value > 0 else "-infinite") if math.isinf(value) else "",
        )


class _Judge:
    """Judges one slice after the other, and counts the slices that each scope met.

    Slices nearly always hold the same keys in the same order, so rules are bound to keys once for each such layout.
    """

    def __init__(self, rules: Sequence[Rule], baseline: str, classes: ClassNames) -> None:
        self._rules, self._baseline, self._classes = rules, baseline, classes
        self._scopes = list(dict.fromkeys(rule.scope for rule in rules))
        self._met: Counter[Scope] = Counter()
        self._layouts: dict[tuple[bytes, ...], list[tuple[Scope, list[_Check]]]] = {}

    def __call__(self, record: MetricsForSlice) -> MetricsValidationForSlice:
        failures: dict[tuple[MetricKey, bytes], _Check] = {}
        met: set[Scope] = set()
        numbers: list[Number] = []
        for check, numbers in self.checks_in(record):
            if check.at is not None:
                met.add(check.rule.scope)
            if not check.holds(numbers):
                failures[check.key, check.rule.threshold] = check
        self._met.update(met)
        return _validation(record, failures.values(), numbers, self._baseline)

    def checks_in(self, record: MetricsForSlice) -> Iterator[tuple[_Check, list[Number]]]:
        """The checks that are for the slice of a record, with its numbers."""
        self._classes = self._classes.told_by(record)
        slices, numbers = slices_of(record), numbers_of(record)
        layout = tuple([entry.key.SerializeToString() for entry in record.metric_keys_and_values])
        for scope, checks in self._checks(layout):
            if scope.covers(slices):
                yield from ((check, numbers) for check in checks)

    def _checks(self, layout: tuple[bytes, ...]) -> list[tuple[Scope, list[_Check]]]:
        if layout not in self._layouts:
            keys = [metric_key_from_proto(MetricKeyMessage.FromString(encoded)) for encoded in layout]
            of_scope: dict[Scope, list[_Check]] = {scope: [] for scope in self._scopes}
            for rule in self._rules:
                of_scope[rule.scope] += self._bind(rule, keys)
            self._layouts[layout] = list(of_scope.items())
        return self._layouts[layout]

    def _bind(self, rule: Rule, keys: Sequence[MetricKey]) -> list[_Check]:
        expected, limits = bound_text(rule.bounds()), _limits(rule.bounds())
        bound = [
            _Check(rule, key, label(key, self._classes), expected, at, self._baseline_of(key, keys), *limits)
            for at, key in enumerate(keys)
            if rule.is_for(key)
        ]
        return bound or [_Check(rule, rule.key, label(rule.key, self._classes), expected, None, None, *limits)]

    def _baseline_of(self, key: MetricKey, keys: Sequence[MetricKey]) -> int | None:
        baseline = key._replace(model_name=self._baseline, is_diff=False)
        return keys.index(baseline) if baseline in keys else None

    def report(self, result: ValidationResult) -> None:
        """Writes down how many slices each scope met, and the specs of scopes that met none."""
        for scope in self._scopes:
            is_cross = scope.comparisons is not None
            if self._met[scope]:
                details = result.validation_details.slicing_details.add(num_matching_slices=self._met[scope])
                spec: SlicingSpec | CrossSlicingSpec = details.cross_slicing_spec if is_cross else details.slicing_spec
                spec.SetInParent()
            else:
                spec = result.missing_cross_slices.add() if is_cross else result.missing_slices.add()
            spec.MergeFromString(scope.spec)


def _limits(threshold: Threshold) -> tuple[tuple[float, float], tuple[float, float] | None]:
    """What a value, and for a change its share of the baseline, must lie between."""
    if isinstance(threshold, GenericValueThreshold):
        low = threshold.lower_bound.value if threshold.HasField("lower_bound") else -math.inf
        high = threshold.upper_bound.value if threshold.HasField("upper_bound") else math.inf
        return (low, high), None

    absolute = _side(threshold, threshold.absolute.value) if threshold.HasField("absolute") else (-math.inf, math.inf)
    return absolute, _side(threshold, threshold.relative.value) if threshold.HasField("relative") else None


def _side(threshold: GenericChangeThreshold, bound: float) -> tuple[float, float]:
    """Nothing lies on the right side of a change threshold without direction."""
    sides = {HIGHER_IS_BETTER: (bound, math.inf), LOWER_IS_BETTER: (-math.inf, bound)}
    return sides.get(threshold.direction, (math.nan, math.nan))


def _validation(
    record: MetricsForSlice, failed: Iterable[_Check], numbers: Sequence[Number], baseline: str
) -> MetricsValidationForSlice:
    validation = MetricsValidationForSlice()
    if record.HasField("cross_slice_key"):
        validation.cross_slice_key.CopyFrom(record.cross_slice_key)
    else:
        validation.slice_key.CopyFrom(record.slice_key)

    for check in failed:
        failure = validation.failures.add(
            metric_key=metric_key_to_proto(check.key), message=_message(check, record, numbers, baseline)
        )
        getattr(failure.metric_threshold, check.rule.kind).MergeFromString(check.rule.threshold)
        getattr(failure.metric_threshold, check.rule.kind).SetInParent()
        if check.at is not None:
            failure.metric_value.CopyFrom(record.metric_keys_and_values[check.at].value)
    return validation


def _message(check: _Check, record: MetricsForSlice, numbers: Sequence[Number], baseline: str) -> str:
    """Why a check does not hold, for people."""
    if check.at is None:
        return missing_text(check.key, record, baseline)
    number, kind = numbers[check.at], record.metric_keys_and_values[check.at].value.WhichOneof("type")
    if kind != "double_value":
        return f"{check.name} is not one number but {kind}; a threshold needs one number"
    if math.isnan(check.bounds[0]) or (check.relative and math.isnan(check.relative[0])):
        return f"{check.name} has a change threshold without direction; expected HIGHER_IS_BETTER or LOWER_IS_BETTER"

    if math.isnan(number.value):
        what = f"is undefined{_why_undefined(check, record)}"
    elif check.key.is_diff:
        what = _change_text(check, number, numbers)
    else:
        what = f"is {_number_text(number, check.bounds)}"
    if not check.may_hold(numbers):
        return f"{check.name} {what}; expected {check.expected}"
    return f"{check.name} {what}, too close to decide; expected {check.expected}{_cure_of_error(check, record)}"


def _change_text(check: _Check, change: Number, numbers: Sequence[Number]) -> str:
    if check.relative is None or not change.lies_between(*check.bounds):
        return f"changed by {_number_text(change, check.bounds)}"

    share = check.share(numbers)
    if math.isnan(share.value):
        start = numbers[check.baseline_at].value if check.baseline_at is not None else math.nan
        why = "has no value" if math.isnan(start) else "is 0" if start == 0 else "may be 0"
        return f"changed by {change.value:.6g}, an undefined share: the baseline {why}"
    return f"changed by {_number_text(share, check.relative)} of the baseline"


def _cure_of_error(check: _Check, record: MetricsForSlice) -> str:
    """What makes the value exact, where it may be off."""
    reasons = {metric_key_from_proto(item.key): item.reason for item in record.inexact}
    return f": {reasons[check.key]}" if check.key in reasons else ""


def _why_undefined(check: _Check, record: MetricsForSlice) -> str:
    from assay.metrics.declare import reasons_undefined  # here, because it brings Arrow

    if not record.rows:
        return ": no rows"
    reasons = {metric_key_from_proto(item.key): item.reason for item in record.undefined}
    of_baseline = record.metric_keys_and_values[check.baseline_at].key if check.baseline_at is not None else None
    for key in (check.key._replace(is_diff=False), metric_key_from_proto(of_baseline) if of_baseline else check.key):
        if key in reasons:
            return f": {reasons[key]}"
    why = reasons_undefined().get(check.rule.metric)
    return f": {why}" if why and not check.key.aggregation_type else ""


def _number_text(number: Number, bounds: tuple[float, float]) -> str:
    """Six digits; all of them where six would look like a bound that the value does not meet."""
    short = f"{number.value:.6g}"
    exact = repr(number.value) if short in {f"{bound:.6g}" for bound in bounds} else short
    return f"{exact} and may be off by {number.error_bound:.2g}" if number.error_bound else exact
