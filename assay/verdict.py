"""Whether a model may be released, with every reason: what `verdict.json` holds and a terminal shows."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TypeAlias

from assay.errors import ResultsError
from assay.metrics.keys import AggregationType, MetricKey, SubKey
from assay.proto.config_pb2 import HIGHER_IS_BETTER, LOWER_IS_BETTER, GenericChangeThreshold, GenericValueThreshold
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice, MetricValue
from assay.proto.validation_result_pb2 import MetricsValidationForSlice, ValidationFailure, ValidationResult
from assay.results.records import metric_key_from_proto, slice_key_from_proto
from assay.text import json_text
from assay.types import SliceKey

Place: TypeAlias = tuple[SliceKey, ...]
"""(slice,); or (baseline slice, comparison slice), for a difference between slices."""

_UNREADABLE = "unreadable"


class Status(StrEnum):
    """BLESSED: every threshold holds. NOT_BLESSED: one does not. NOT_EVALUATED: there was too little to judge by."""

    BLESSED = "BLESSED"
    NOT_BLESSED = "NOT_BLESSED"
    NOT_EVALUATED = "NOT_EVALUATED"


@dataclass(frozen=True)
class Counts:
    """Rows of a run.

    Attributes:
        rows: rows that were read.
        bad_rows: rows that were dropped, by reason. Those that could not be read ("unreadable") are not in `rows`.
        unmatched: of a join: `rows` of the main source, which are not in the other counts, and `labels`, rows of the
            second source, that found no partner.
        unsliced: rows in no slice of a slicing spec, as they have no value of one of its features, by the spec's
            features ("country", "sex,race"). Only specs with such rows.
    """

    rows: int
    bad_rows: Mapping[str, int] = field(default_factory=dict)
    unmatched: Mapping[str, int] = field(default_factory=dict)
    unsliced: Mapping[str, int] = field(default_factory=dict)

    @property
    def bad(self) -> int:
        """Rows that were dropped."""
        return sum(self.bad_rows.values())

    @property
    def seen(self) -> int:
        """Rows of the data, good or bad."""
        return self.rows + self.bad_rows.get(_UNREADABLE, 0)

    @property
    def alone(self) -> int:
        """Rows of the main source that found no partner."""
        return self.unmatched.get("rows", 0)


@dataclass(frozen=True)
class Limits:
    """What a run must offer to be judged.

    Attributes:
        min_rows: at least so many good rows.
        max_bad_rows: at most this share of bad ones.
        max_unmatched: at most this share of rows of the main source that found no partner.
    """

    min_rows: int = 1
    max_bad_rows: float = 0.0
    max_unmatched: float = 1.0


@dataclass(frozen=True)
class Reason:
    """Why a model is not blessed.

    Attributes:
        message: the whole reason as a sentence for people, without the slice.
        metric: name of the metric; "" if the reason is not about one. Likewise `model`, `output`.
        slice: text of the slice: "Overall", "sex=Female, race=White"; a pair is joined by " vs ".
        bound: what was expected: "at least 0.75".
        value: the metric's value, for a change candidate minus baseline; None if undefined, infinite or not computed.
        baseline: for a change, the baseline's value.
        rows: unweighted rows of the slice, if known.
    """

    message: str
    metric: str = ""
    model: str = ""
    output: str = ""
    slice: str = ""
    bound: str = ""
    value: float | None = None
    baseline: float | None = None
    rows: int | None = None


@dataclass(frozen=True)
class Checked:
    """A threshold, and the values that it was held against.

    Attributes:
        metric: label of the metric.
        expected: "at least 0.75".
        slices: which slices it is for: "all", or the text of a slicing spec.
        met: number of slices (or pairs of slices) that it was held against.
        failed: in how many of them it does not hold.
        slice: the slice that failed first, or else came nearest to the bound; "" if there was none.
        value: the metric's value there; None if undefined, infinite or not computed.
        error_bound: by how much that value may be off.
        rows: unweighted rows there.
        no_number: "infinite" or "-infinite" where that is why there is no value, else "".
    """

    metric: str
    expected: str
    slices: str
    met: int = 0
    failed: int = 0
    slice: str = ""
    value: float | None = None
    rows: int | None = None
    no_number: str = ""
    error_bound: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """The outcome of a run.

    Attributes:
        status: see `Status`.
        reasons: why it is not BLESSED; empty if it is.
        rows: rows that were read.
        bad_rows: rows that were dropped, by reason.
        rubber_stamp: whether change thresholds were left out for want of a baseline.
        unmatched: rows that found no partner in a join; see `Counts`.
        unsliced: rows in no slice of a slicing spec; see `Counts`.
        checks: every threshold and what it met, whether it holds or not.
    """

    status: Status
    reasons: tuple[Reason, ...] = ()
    rows: int = 0
    bad_rows: Mapping[str, int] = field(default_factory=dict)
    rubber_stamp: bool = False
    unmatched: Mapping[str, int] = field(default_factory=dict)
    unsliced: Mapping[str, int] = field(default_factory=dict)
    checks: tuple[Checked, ...] = ()

    def to_json(self) -> str:
        """The content of `verdict.json`; keys are sorted, and there is no NaN in it."""
        return json.dumps(asdict(self), indent=2, sort_keys=True, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Verdict:
        """Reads what `to_json` wrote.

        Raises:
            ResultsError: the text is not a verdict.
        """
        try:
            plain = json_text.loads(text)
            reasons = tuple(Reason(**reason) for reason in plain.pop("reasons"))
            checks = tuple(Checked(**check) for check in plain.pop("checks", ()))
            return cls(status=Status(plain.pop("status")), reasons=reasons, checks=checks, **plain)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ResultsError(
                f"verdict: expected what assay wrote as verdict.json, found something else: {error}"
            ) from error

    def lines(self, limit: int = 20) -> list[str]:
        """Sentences for a terminal: the outcome, then at most `limit` reasons."""
        bad = sum(self.bad_rows.values())
        head = f"{self.status.replace('_', ' ')}: {self.rows:,} rows"
        head += f", {bad:,} bad rows left out" if bad else ""
        head += "".join(f", {n:,} {side} without a partner" for side, n in sorted(self.unmatched.items())[::-1] if n)
        head += ", change thresholds left out (rubber stamp)" if self.rubber_stamp else ""
        more = len(self.reasons) - limit
        rest = [f"... and {more:,} more"] if more > 0 else []
        unsliced = [unsliced_text(name, rows) for name, rows in sorted(self.unsliced.items())]
        return [head, *map(_line, self.reasons[:limit]), *rest, *unsliced]


def unsliced_text(slicing: str, rows: int) -> str:
    """Rows that a slicing spec left out, for people."""
    are = "1 row is" if rows == 1 else f"{rows:,} rows are"
    return f"{are} in no slice by {slicing}: no value"


def _line(reason: Reason) -> str:
    rows = "" if reason.rows is None else f" ({reason.rows:,} row{'' if reason.rows == 1 else 's'})"
    return f"{reason.slice}: {reason.message}{rows}" if reason.slice else reason.message


def verdict(
    result: ValidationResult,
    metrics: Iterable[MetricsForSlice],
    *,
    counts: Counts,
    limits: Limits,
    checks: Iterable[Checked] = (),
) -> Verdict:
    """Judges a run.

    Args:
        result: of `validate`, on the same metrics.
        metrics: read once; looked up for rows and baseline values of the slices that failed.
        counts: rows of the run.
        limits: what the run must offer to be judged at all.
        checks: of `gate.checks_of`, for the record.
    """
    few = list(_limit_reasons(counts, limits))
    if result.missing_thresholds:
        few.append(Reason("the eval config has no thresholds, so there is nothing to judge by"))
    reasons = (*few, *_failure_reasons(result, metrics))
    judged = Status.BLESSED if result.validation_ok else Status.NOT_BLESSED
    status = Status.NOT_EVALUATED if few else judged
    return Verdict(
        status=status,
        reasons=reasons,
        rows=counts.rows,
        bad_rows=dict(counts.bad_rows),
        rubber_stamp=result.rubber_stamp,
        unmatched=dict(counts.unmatched),
        unsliced=dict(counts.unsliced),
        checks=tuple(checks),
    )


def _limit_reasons(counts: Counts, limits: Limits) -> Iterator[Reason]:
    good = counts.seen - counts.bad
    if good < limits.min_rows:
        expected = f"at least {limits.min_rows:,} (min_rows)"
        alone = f", as {counts.alone:,} found no partner in inputs.join" if counts.alone else ""
        yield Reason(f"{good:,} good rows{alone}; expected {expected}", bound=expected, value=good)
    share = counts.bad / max(counts.seen, 1)
    if share > limits.max_bad_rows:
        by_reason = ", ".join(f"{name}: {number:,}" for name, number in sorted(counts.bad_rows.items()))
        expected = f"at most {100 * limits.max_bad_rows:.6g}% (max_bad_rows)"
        yield Reason(
            f"{100 * share:.6g}% of the rows are bad ({by_reason}); expected {expected}", bound=expected, value=share
        )
    share = counts.alone / max(counts.rows + counts.alone, 1)
    if share > limits.max_unmatched:
        expected = f"at most {100 * limits.max_unmatched:.6g}% (max_unmatched)"
        yield Reason(
            f"{100 * share:.6g}% of the rows found no partner in inputs.join; expected {expected}",
            bound=expected,
            value=share,
        )


def _failure_reasons(result: ValidationResult, metrics: Iterable[MetricsForSlice]) -> Iterator[Reason]:
    failed = {place_of(validation): validation for validation in result.metric_validations_per_slice}
    facts = {place: _facts(record) if place in failed else None for record in metrics for place in [place_of(record)]}
    absent = False
    for place, validation in failed.items():
        rows, baselines = facts.get(place) or (None, {})
        slice_name = place_text(place)
        for failure in validation.failures:
            absent |= not failure.HasField("metric_value")
            key = metric_key_from_proto(failure.metric_key)
            baseline = baselines.get(key._replace(model_name="", is_diff=False)) if key.is_diff else None
            yield _reason(failure, key, slice_name, rows, baseline)
    yield from _missing_reasons(result, list(facts), absent=absent)


def _facts(record: MetricsForSlice) -> tuple[int, dict[MetricKey, float | None]]:
    """Rows of a slice, and the baseline's values by key without model. The baseline is the model without changes."""
    values = {metric_key_from_proto(entry.key): entry.value for entry in record.metric_keys_and_values}
    candidates = {key.model_name for key in values if key.is_diff}
    of_baseline = {k._replace(model_name=""): _finite(v) for k, v in values.items() if k.model_name not in candidates}
    return record.rows, of_baseline


def _reason(
    failure: ValidationFailure, key: MetricKey, slice_name: str, rows: int | None, baseline: float | None
) -> Reason:
    _, threshold = failure.metric_threshold.ListFields()[0]
    is_found = failure.HasField("metric_value")
    message = failure.message if is_found else f"{label(key)}: {failure.message[:1].lower()}{failure.message[1:]}"
    return Reason(
        message,
        metric=key.name,
        model=key.model_name,
        output=key.output_name,
        slice=slice_name,
        bound=bound_text(threshold),
        value=_finite(failure.metric_value),
        baseline=baseline,
        rows=rows,
    )


def _missing_reasons(result: ValidationResult, places: list[Place], *, absent: bool) -> Iterator[Reason]:
    """A spec is also called missing where its slices are there but the metric is not; that has been said by then."""
    from assay.slicing.codes import matches, slicing_of  # here, because it brings Arrow

    slices = [place[0] for place in places if len(place) == 1]
    for spec in result.missing_slices:
        slicing = slicing_of(spec)
        if not (any(matches(key, slicing) for key in slices) or (absent and not slicing.features)):
            yield Reason(f"no slice is there for the thresholds on {slicing.name}", slice=slicing.name)
    for cross in result.missing_cross_slices:
        others = " or ".join(slicing_of(spec).name for spec in cross.slicing_specs)
        name = f"{slicing_of(cross.baseline_spec).name} vs {others or 'any other slice'}"
        yield Reason(f"no pair of slices is there for the thresholds on {name}", slice=name)


def _finite(value: MetricValue) -> float | None:
    number = value.double_value.value if value.WhichOneof("type") == "double_value" else math.nan
    return number if math.isfinite(number) else None


def place_of(message: MetricsForSlice | MetricsValidationForSlice) -> Place:
    """The slice, or pair of slices, that a message is about."""
    if not message.HasField("cross_slice_key"):
        return (slice_key_from_proto(message.slice_key),)
    pair = message.cross_slice_key
    return slice_key_from_proto(pair.baseline_slice_key), slice_key_from_proto(pair.comparison_slice_key)


def place_text(place: Place) -> str:
    """A slice, or a pair of slices, for people."""
    from assay.slicing.codes import slice_text  # here, because it brings Arrow

    return " vs ".join(slice_text(key) for key in place)


def label(key: MetricKey) -> str:
    """A key for people: `auc`, `precision [candidate, class_id=1, weighted]`."""
    parts = [key.model_name, key.output_name]
    parts += [f"{name}={number}" for name, number in (key.sub_key or SubKey())._asdict().items() if number is not None]
    parts += [name for name, is_set in (key.aggregation_type or AggregationType())._asdict().items() if is_set]
    parts += ["weighted"] if key.example_weighted else []
    given = ", ".join(part for part in parts if part)
    return f"{key.name} [{given}]" if given else key.name


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
