"""The part of the gate that asks for evidence: records of a run and the plan's `gate` -> lines of the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from assay.gate.evidence.asked import NOT_WORSE, Asked, asked_of
from assay.gate.evidence.facts import MetricFacts, facts_of
from assay.gate.evidence.found import Finder
from assay.gate.evidence.judged import Judgement, judged
from assay.gate.evidence.lines import line_of
from assay.plan.find_slices import MOST_WORSE
from assay.proto.config_pb2 import EvalConfig
from assay.proto.metrics_for_slice_pb2 import MetricsForSlice
from assay.results.records import listed
from assay.verdict import Checked, Line, Outcome, Reason

_BLOCK_IF_SHOWN = (NOT_WORSE, MOST_WORSE)
"""Questions of which a low p-value is bad news."""


class EvidenceGate:
    """Takes the records of a run one after the other, then judges them together."""

    def __init__(self, gate: Mapping[str, Any], config: EvalConfig, *, rubber_stamp: bool) -> None:
        self.asked: Asked = asked_of(gate)
        self._facts: Mapping[str, MetricFacts] = facts_of(config) if self.asked.thresholds else {}
        self._finder = Finder(self.asked, config, rubber_stamp=rubber_stamp)

    def add(self, record: MetricsForSlice) -> None:
        """Takes a record, in any order."""
        self._finder.add(record)

    def judgements(self) -> list[Judgement]:
        """Those of all records."""
        return judged(self._finder.found(), self.asked, self._facts)

    def better(self, judgement: Judgement) -> str:
        """Which values are good ones: "higher" or "lower"; "" if nothing says so."""
        threshold = judgement.found.threshold
        facts = self._facts.get(threshold.metric)
        return threshold.better or (facts.better if facts else None) or ""

    def lines(self) -> tuple[Line, ...]:
        """The lines of the verdict, by threshold and slice; one for all slices that are not shown."""
        return tuple(dict.fromkeys(line_of(one, self.asked, self.better(one)) for one in self.judgements()))


def lines_of(
    metrics: Iterable[MetricsForSlice], config: EvalConfig, gate: Mapping[str, Any], *, rubber_stamp: bool = False
) -> tuple[Line, ...]:
    """The lines of the verdict on some records; see `validate`."""
    judge = EvidenceGate(gate, config, rubber_stamp=rubber_stamp)
    for record in listed(metrics) if judge.asked.thresholds else ():
        judge.add(record)
    return judge.lines()


def reasons_of(lines: Iterable[Line]) -> Iterable[Reason]:
    """Why a model is blocked."""
    for line in lines:
        if line.effect == "block":
            value = line.value if line.difference is None else line.difference
            yield Reason(
                line.why,
                metric=line.metric,
                slice=line.slice,
                bound=line.expected,
                value=value,
                baseline=line.baseline,
                rows=line.rows,
            )


def checked_of(lines: Sequence[Line]) -> tuple[Checked, ...]:
    """Each threshold and metric with how many slices it was held against, and the one that decided."""
    grouped: dict[tuple[str, str, str], list[Line]] = {}
    for line in lines:
        if line.outcome is not Outcome.WARN:
            grouped.setdefault((line.metric, line.expected, line.slices), []).append(line)
    return tuple(_checked(group) for group in grouped.values())


def _checked(lines: Sequence[Line]) -> Checked:
    met = [line for line in lines if line.slice]
    effects = Counter(line.effect for line in lines)
    blocked = [line for line in met if line.effect == "block"]
    worst = min(met, key=_rank, default=None)
    value = None if worst is None else worst.value if worst.difference is None else worst.difference
    return Checked(
        lines[0].metric,
        lines[0].expected,
        lines[0].slices,
        met=len(met),
        failed=len(blocked),
        slice=worst.slice if worst else "",
        value=value,
        rows=worst.rows if worst else None,
        undecided=sum(line.outcome is Outcome.UNDECIDED for line in blocked),
        warned=effects["warn"],
    )


def _rank(line: Line) -> tuple[int, int, float]:
    """The line that decided first: a failed one, then an undecided one, then the one nearest to its bound."""
    by_effect, by_outcome = ("block", "warn", "pass"), list(Outcome)
    p = 0.0 if line.p is None else line.p
    return by_effect.index(line.effect), by_outcome.index(line.outcome), p if line.question in _BLOCK_IF_SHOWN else -p
