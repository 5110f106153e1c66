"""Two runs held against each other: what became of verdict, thresholds and values; what is new, and what is gone.

Run A is before, run B after; a change is B minus A. Pure: of results that were read already.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from assay.errors import UsageError
from assay.metrics.declare import Better
from assay.metrics.keys import MetricKey
from assay.report.evidence import Evidence, Measure, Slice
from assay.report.numbers import Number, change_of, marks_of, numbers_of
from assay.report.runs.facts import FactChange, fact_changes, metric_settings
from assay.report.runs.match import (
    OVERALL,
    chosen_metrics,
    chosen_slices,
    leading_metrics,
    matched_slices,
    names_of,
    plain,
)
from assay.report.terminal.condition import Kind, Row, condition_of
from assay.verdict import Checked, Outcome, Verdict

APART, OVERLAP, IN_DOUBT, OTHER_SETTINGS = "intervals apart", "intervals overlap", "within error", "other settings"
"""What is known of a change. Without intervals, nothing is said of its certainty."""


@dataclass(frozen=True)
class Change:
    """A number of both runs.

    Attributes:
        slice: the slice for people.
        metric: label of the metric.
        at: which of the numbers of an array it is, such as "@0.5" for a threshold; "" where the value is one number.
        before: in run A.
        after: in run B.
        rows: of the slice, unweighted, in A and in B; None where a run did not count them, such as one of TFMA.
        better: which values are good ones; None if neither.
        has_other_settings: whether both runs computed the metric with different settings.
    """

    slice: str
    metric: str
    at: str
    before: Number
    after: Number
    rows: tuple[int | None, int | None]
    better: Better | None = None
    has_other_settings: bool = False

    @property
    def by(self) -> float:
        """After minus before; NaN where either is undefined."""
        return change_of(self.before, self.after)

    @property
    def size(self) -> float:
        """How large the change is, to order by; infinite where one value is undefined, -1 where both are."""
        undefined = math.isnan(self.before.value), math.isnan(self.after.value)
        if any(undefined):
            return -1.0 if all(undefined) else math.inf
        return abs(self.by)

    @property
    def direction(self) -> str:
        """Whether the change is "better" or "worse"; "" where that cannot be said."""
        if self.better is None or self.by == 0 or math.isnan(self.by):
            return ""
        return "better" if (self.by > 0) == (self.better == "higher") else "worse"

    @property
    def certainty(self) -> str:
        """What is known of the change: one of the words of this module; "" for nothing."""
        if self.has_other_settings:
            return OTHER_SETTINGS
        if 0 < abs(self.by) <= self.before.error_bound + self.after.error_bound:
            return IN_DOUBT
        if self.before.interval is None or self.after.interval is None:
            return ""
        (low, high), (other_low, other_high) = self.before.interval, self.after.interval
        return APART if high < other_low or other_high < low else OVERLAP


class ThresholdChange(NamedTuple):
    """A threshold with another outcome in run B, or one that only one of the runs has.

    Attributes:
        threshold: "auc: at least 0.75, for sex".
        before: its outcome in A; "" where A does not have it.
        after: its outcome in B.
    """

    threshold: str
    before: str
    after: str


@dataclass(frozen=True)
class Comparison:
    """Two runs held against each other.

    Attributes:
        verdicts: of A and B; None where a run has none.
        facts: what differs in data, models and config.
        thresholds: thresholds whose outcome differs.
        overall: changes of the slice of all rows, those of metrics with thresholds first.
        slices: the other slices that both runs have, and their changes. First come those where intervals of `leading`
            are apart, then those where it changed most.
        leading: label of the metric that slices are ordered by; "" where there is none.
        new_slices: slices that only B has.
        gone_slices: slices that only A has.
        new_metrics: labels of metrics that only B has.
        gone_metrics: labels of metrics that only A has.
        not_compared: labels of metrics of both that are no numbers, or arrays that do not belong together.
    """

    verdicts: tuple[Verdict | None, Verdict | None]
    facts: Sequence[FactChange]
    thresholds: Sequence[ThresholdChange]
    overall: Sequence[Change]
    slices: Mapping[str, Sequence[Change]]
    leading: str
    new_slices: Sequence[str]
    gone_slices: Sequence[str]
    new_metrics: Sequence[str]
    gone_metrics: Sequence[str]
    not_compared: Sequence[str]

    def where(self, condition: str) -> Comparison:
        """The comparison with only those changes that meet a condition; see `report.condition`.

        Raises:
            UsageError: it cannot be read.
        """
        try:
            holds = condition_of(condition, _KINDS)
        except UsageError as error:
            raise UsageError(f"--where: {error}") from None
        slices = {name: [c for c in changes if holds(_row_of(c))] for name, changes in self.slices.items()}
        overall = [change for change in self.overall if holds(_row_of(change))]
        return replace(self, overall=overall, slices={name: changes for name, changes in slices.items() if changes})

    def changes(self, top: int | None) -> list[Change]:
        """The changes of all rows, then those of the first `top` slices; None takes all of them."""
        return [*self.overall, *(change for name in list(self.slices)[:top] for change in self.slices[name])]


_KINDS: Mapping[str, Kind] = {
    "slice": "text",
    "metric": "text",
    "a": "number",
    "b": "number",
    "change": "number",
    "rows": "number",
}
"""What a condition can name: of a change, its slice and metric, both values, and the fewer of both runs' rows."""


def _row_of(change: Change) -> Row:
    values: dict[str, str | float] = {"slice": change.slice, "metric": change.metric + change.at, "change": change.by}
    rows = [float(count) for count in change.rows if count is not None]
    values |= {"a": change.before.value, "b": change.after.value, "rows": min(rows, default=math.nan)}
    return values.__getitem__


def compared(
    before: Evidence, after: Evidence, metrics: Sequence[str] | None = None, slices: str | None = None
) -> Comparison:
    """Holds two runs against each other.

    Args:
        before: run A. Its candidate is compared with that of B, whatever they are called; and so are the baselines.
        after: run B.
        metrics: names or labels of the metrics to compare. None takes all values of models; in slices, those of the
            candidates with thresholds, or else the leading one.
        slices: takes only slices whose text has this in it, such as `sex` or `sex=Female`; None takes all.

    Raises:
        ResultsError: no run has such a metric or slice.
    """
    sides = _Sides(_side(before, matched_slices(before, after)), _side(after, {one.name: one for one in after.slices}))
    old, new = sides
    labels = chosen_metrics(names_of([*{**new.keys, **old.keys}], after), metrics)
    names = chosen_slices([*{**new.slices, **old.slices}], slices)
    shared = [name for name in names if name in old.slices and name in new.slices]

    # A metric that both have is compared if there are numbers of it in any slice of both.
    common = {label: key for label, key in labels.items() if key in old.keys and key in new.keys}
    numbers = {label: key for label, key in common.items() if any(sides.changes(name, label, key) for name in shared)}
    judged = old.judged | new.judged
    of_all_rows = sorted(numbers.items(), key=lambda item: metrics is None and plain(item[1]) not in judged)
    of_slices = numbers if metrics is not None else leading_metrics(numbers, judged, after)
    by_slice = {name: sides.all_changes(name, of_slices.items()) for name in shared if name != OVERALL}
    leading = next(iter(of_slices), "")
    return Comparison(
        verdicts=(before.verdict, after.verdict),
        facts=fact_changes(before, after),
        thresholds=list(_thresholds(before.verdict, after.verdict)),
        overall=sides.all_changes(OVERALL, of_all_rows) if OVERALL in shared else [],
        slices=dict(sorted(((n, c) for n, c in by_slice.items() if c), key=lambda item: _rank(item[1], leading))),
        leading=leading,
        new_slices=[name for name in names if name not in old.slices],
        gone_slices=[name for name in names if name not in new.slices],
        new_metrics=[label for label, key in labels.items() if key not in old.keys],
        gone_metrics=[label for label, key in labels.items() if key not in new.keys],
        not_compared=[label for label in common if label not in numbers],
    )


@dataclass(frozen=True)
class _Side:
    """A run, with the names that its models have in run B.

    Attributes:
        slices: by name.
        keys: of all values, in order; the values are not used.
        measures: key without a model -> what is known of a metric.
        settings: see `metric_settings`.
        counts_rows: whether rows were counted, which TFMA does not do.
    """

    slices: Mapping[str, Slice]
    keys: Mapping[MetricKey, None]
    measures: Mapping[MetricKey, Measure]
    settings: Mapping[str, Sequence[str]]
    counts_rows: bool

    def rows_of(self, name: str) -> int | None:
        """Rows of a slice."""
        return self.slices[name].rows if self.counts_rows else None

    @property
    def judged(self) -> set[MetricKey]:
        """Keys without a model of metrics that have thresholds."""
        return {key for key, measure in self.measures.items() if measure.is_judged}


def _side(evidence: Evidence, slices: Mapping[str, Slice]) -> _Side:
    return _Side(
        slices=slices,
        keys={key: None for slice_ in slices.values() for key in slice_.values},
        measures={measure.key: measure for measure in evidence.measures},
        settings=metric_settings(evidence.run.eval_config),
        counts_rows=any(slice_.rows for slice_ in evidence.slices) or evidence.verdict is not None,
    )


class _Sides(NamedTuple):
    """Both runs."""

    old: _Side
    new: _Side

    def changes(self, name: str, label: str, key: MetricKey) -> list[Change]:
        """The numbers of a metric in a slice; none where they do not belong together."""
        old, new = self.old.slices[name], self.new.slices[name]
        before, after = numbers_of(old, key), numbers_of(new, key)
        measure = self.new.measures[plain(key)]
        has_other_settings = self.old.settings.get(key.name) != self.new.settings.get(key.name)

        # With other settings, such as other thresholds, the numbers of two arrays do not belong together.
        is_loose = len(after) != 1 and has_other_settings
        if len(before) != len(after) or measure.is_sample or is_loose:
            return []

        better, rows = measure.better, (self.old.rows_of(name), self.new.rows_of(name))
        marks = marks_of(measure.points, len(after))
        return [
            Change(name, label, mark, number, other, rows, better, has_other_settings)
            for mark, number, other in zip(marks, before, after, strict=True)
        ]

    def all_changes(self, name: str, labels: Iterable[tuple[str, MetricKey]]) -> list[Change]:
        """The same for several metrics."""
        return [change for label, key in labels for change in self.changes(name, label, key)]


def _rank(changes: Sequence[Change], leading: str) -> tuple[bool, float]:
    """Orders slices: intervals apart first, then by size."""
    own = [change for change in changes if change.metric == leading] or changes
    return all(change.certainty != APART for change in own), -max(change.size for change in own)


def _thresholds(before: Verdict | None, after: Verdict | None) -> Iterator[ThresholdChange]:
    old, new = _outcomes(before), _outcomes(after)
    for threshold in dict.fromkeys([*new, *old]):
        change = ThresholdChange(threshold, old.get(threshold, ""), new.get(threshold, ""))
        if change.before != change.after:
            yield change


def _outcomes(verdict: Verdict | None) -> dict[str, str]:
    """Threshold -> its outcome."""
    checks = verdict.checks if verdict else ()
    return {f"{check.metric}: {check.expected}, {check.slices}": _outcome(check) for check in checks}


def _outcome(check: Checked) -> str:
    if not check.met:
        return f"{Outcome.FAIL}, no slice"
    counts = {Outcome.FAIL: check.failed - check.undecided, Outcome.UNDECIDED: check.undecided}
    found = ", ".join(f"{outcome} in {count:,} of {check.met:,}" for outcome, count in counts.items() if count)
    return found or Outcome.PASS
