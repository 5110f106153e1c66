"""The verdict on a run, with a reason for each threshold that does not hold."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from assay.gate.bounds import bound_text, shortfall
from assay.gate.evidence.gate import checked_of, reasons_of
from assay.metrics.keys import MetricKey
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice, MetricValue
from assay.proto.validation_result_pb2 import MetricsValidationForSlice, ValidationFailure, ValidationResult
from assay.results.class_names import NO_NAMES, ClassNames
from assay.results.keys import Slices, label, metric_key_from_proto, slices_of, slices_text
from assay.results.records import is_shown, listed
from assay.text.counted import counted
from assay.verdict import Checked, Counts, Limits, Line, Reason, Status, Verdict


def verdict(
    result: ValidationResult,
    metrics: Iterable[MetricsForSlice],
    *,
    counts: Counts,
    limits: Limits,
    shown: Counts | None = None,
    checks: Iterable[Checked] = (),
    classes: ClassNames = NO_NAMES,
    lines: Sequence[Line] = (),
    force: str = "",
) -> Verdict:
    """Judges a run.

    Args:
        result: of `validate`, on the same metrics.
        metrics: read once; looked up for rows and baseline values of the slices that failed.
        counts: rows of the run.
        limits: what the run must offer to be judged at all.
        shown: the counts as the verdict may tell them; None if it may tell them as they are.
        checks: of `gate.checks_of`, for the record.
        classes: names to stand beside class ids; records have those that only a model gives.
        lines: of `gate.lines_of`, and of `FoundSlices`.
        force: why the candidate passes even if thresholds block it; "" if it does not. Too few rows still are.
    """
    shown = counts if shown is None else shown
    too_little = list(_limit_reasons(counts, shown, limits))
    if result.missing_thresholds:
        too_little.append(Reason("the eval config has no thresholds, so there is nothing to judge by"))

    status = Status.BLESSED if result.validation_ok or force else Status.NOT_BLESSED
    if too_little:
        status = Status.NOT_EVALUATED
    return Verdict(
        status=status,
        reasons=(*too_little, *_failure_reasons(_without(lines, result), metrics, classes), *reasons_of(lines)),
        rows=shown.rows,
        bad_rows=dict(shown.bad_rows),
        rubber_stamp=result.rubber_stamp,
        unmatched=dict(shown.unmatched),
        unsliced=dict(shown.unsliced),
        checks=(*checks, *checked_of(lines)),
        evidence=tuple(lines),
        forced="" if result.validation_ok or too_little else force,
    )


def _without(lines: Sequence[Line], result: ValidationResult) -> ValidationResult:
    """The result without the failures that lines tell better."""
    told = {(line.slice, line.why) for line in lines}
    if not told:
        return result
    others = ValidationResult()
    others.CopyFrom(result)
    for validation in others.metric_validations_per_slice:
        name = slices_text(slices_of(validation))
        kept = [failure for failure in validation.failures if (name, failure.message) not in told]
        del validation.failures[:]
        validation.failures.extend(kept)
    return others


def _limit_reasons(counts: Counts, shown: Counts, limits: Limits) -> Iterator[Reason]:
    """Judged by the counts as they are, and told by those that may be shown."""
    if counts.seen - counts.bad < limits.min_rows:
        good = shown.seen - shown.bad
        about = "" if good == counts.seen - counts.bad else "about "
        expected = f"at least {limits.min_rows:,} (min_rows)"
        alone = f", as {shown.alone:,} matched nothing in inputs.join" if shown.alone else ""
        yield Reason(f"{about}{good:,} good rows{alone}; expected {expected}", bound=expected, value=good)

    share = counts.bad / max(counts.seen, 1)
    if share > limits.max_bad_rows:
        by_reason = ", ".join(f"{name}: {number:,}" for name, number in sorted(shown.bad_rows.items()))
        expected = f"at most {100 * limits.max_bad_rows:.6g}% (max_bad_rows)"
        yield Reason(
            f"{100 * share:.6g}% of the rows are bad ({by_reason}); expected {expected}", bound=expected, value=share
        )

    share = counts.alone / max(counts.rows + counts.alone, 1)
    if share > limits.max_unmatched:
        expected = f"at most {100 * limits.max_unmatched:.6g}% (max_unmatched)"
        yield Reason(
            f"{100 * share:.6g}% of the rows matched nothing in inputs.join; expected {expected}",
            bound=expected,
            value=share,
        )


def _failure_reasons(
    result: ValidationResult, metrics: Iterable[MetricsForSlice], classes: ClassNames
) -> Iterator[Reason]:
    failed = {slices_of(validation): validation for validation in result.metric_validations_per_slice}

    hidden: set[Slices] = set()
    facts: dict[Slices, tuple[int, dict[MetricKey, float | None]] | None] = {}
    for record in listed(metrics):
        slices = slices_of(record)
        facts[slices] = _facts(record) if slices in failed else None
        if not is_shown(record):
            hidden.add(slices)
        classes = classes.told_by(record)

    yield from _hidden_reasons([failed[slices] for slices in failed if slices in hidden], classes)
    is_absent = bool(hidden & failed.keys())
    for slices, validation in failed.items():
        if slices in hidden:
            continue
        rows, baselines = facts.get(slices) or (None, {})
        slice_name = slices_text(slices)
        for failure in validation.failures:
            is_absent |= not failure.HasField("metric_value")
            key = metric_key_from_proto(failure.metric_key)
            is_compared = key.is_diff and failure.HasField("metric_value")
            baseline = baselines.get(key._replace(model_name="", is_diff=False)) if is_compared else None
            yield _reason(failure, label(key, classes), slice_name, rows, baseline)
    yield from _missing_reasons(result, list(facts), is_absent=is_absent)


def _hidden_reasons(validations: Iterable[MetricsValidationForSlice], classes: ClassNames) -> Iterator[Reason]:
    """One reason for each threshold that is for slices that are not shown: nothing tells which slices these are."""
    failures = [failure for validation in validations for failure in validation.failures]
    reasons = [_reason(failure, "", "", None, None) for failure in failures]
    names = [label(metric_key_from_proto(failure.metric_key), classes) for failure in failures]
    for (name, reason), number in Counter(zip(names, reasons, strict=True)).items():
        hidden = f"{counted(number, 'slice')} that min_slice_size hides"
        yield replace(reason, message=f"{name} is not shown in {hidden}; expected {reason.bound}")


def _facts(record: MetricsForSlice) -> tuple[int, dict[MetricKey, float | None]]:
    """Rows of a slice, and by key without model the value that others were compared with: the one without a change."""
    values = {metric_key_from_proto(entry.key): entry.value for entry in record.metric_keys_and_values}
    of_baseline = {
        key._replace(model_name=""): _finite(value)
        for key, value in values.items()
        if not key.is_diff and key._replace(is_diff=True) not in values
    }
    return record.rows, of_baseline


def _reason(failure: ValidationFailure, name: str, slice_name: str, rows: int | None, baseline: float | None) -> Reason:
    key = metric_key_from_proto(failure.metric_key)
    _, threshold = failure.metric_threshold.ListFields()[0]
    is_found = failure.HasField("metric_value")
    message = failure.message if is_found else f"{name}: {failure.message[:1].lower()}{failure.message[1:]}"
    value = _finite(failure.metric_value)
    return Reason(
        message,
        metric=key.name,
        model=key.model_name,
        output=key.output_name,
        slice=slice_name,
        bound=bound_text(threshold),
        value=value,
        baseline=baseline,
        rows=rows,
        shortfall=shortfall(threshold, value, baseline),
    )


def _missing_reasons(result: ValidationResult, seen: list[Slices], *, is_absent: bool) -> Iterator[Reason]:
    """Thresholds whose slices are not in the results.

    Args:
        result: of `validate`; it calls a spec missing, too, where its slices are there and the metric is not.
        seen: the slices of the results.
        is_absent: whether a reason has said already that a metric is not there.
    """
    from assay.slicing.specs import matches, slicing_of

    single = [slices[0] for slices in seen if len(slices) == 1]
    for spec in result.missing_slices:
        slicing = slicing_of(spec)
        if not (any(matches(key, slicing) for key in single) or (is_absent and not slicing.features)):
            yield Reason(f"no slice matches the thresholds on {slicing.name}", slice=slicing.name)

    for cross in result.missing_cross_slices:
        others = " or ".join(slicing_of(spec).name for spec in cross.slicing_specs)
        name = f"{slicing_of(cross.baseline_spec).name} vs {others or 'any other slice'}"
        yield Reason(f"no pair of slices matches the thresholds on {name}", slice=name)


def _finite(value: MetricValue) -> float | None:
    number = value.double_value.value if value.WhichOneof("type") == "double_value" else math.nan
    return number if math.isfinite(number) else None
