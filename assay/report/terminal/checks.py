"""The thresholds of a run, each with its outcome and the value that decided."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from typing import Any, TypeAlias

from assay.metrics.values import TOLD_ERROR
from assay.report.evidence import Evidence
from assay.report.grids.grid import Column, Grid, Value
from assay.report.terminal.evidence_lines import EVIDENCE_HEADS, EVIDENCE_NUMBERS, evidence_cells
from assay.verdict import Checked, Outcome, Verdict

Check: TypeAlias = tuple[Outcome, Checked]

_COLOURS = {"FAIL": "bold red", "UNDECIDED": "magenta", "WARN": "yellow", "PASS": "green"}


def checks_of(evidence: Evidence) -> list[Check]:
    """Every threshold, the worst outcome first. WARN is for those of changes, left out for want of a baseline."""
    verdict = evidence.verdict
    if verdict is None:
        return []
    checks = [(check.outcome, check) for check in verdict.checks]
    if verdict.rubber_stamp and not evidence.baselines:
        checks.append((Outcome.WARN, Checked("change thresholds", "a baseline", "all")))
    worst_first = list(Outcome)
    return sorted(checks, key=lambda check: worst_first.index(check[0]))


def checks_grid(checks: Sequence[Check], models: Sequence[str]) -> Grid:
    """A row for each threshold: what it expects, the value that decided and its slice, and in how many it fails.

    Args:
        checks: of `checks_of`.
        models: names of all models; one that all thresholds are for is not repeated in each row.
    """
    columns = [
        Column("status", colours=_COLOURS),
        Column("metric"),
        Column("expected"),
        Column("value", "number"),
        Column("slice"),
        Column("rows", "number"),
        Column("failed", "number"),
        Column("slices"),
    ]
    names = _without_what_all_share([check.metric for _, check in checks], {*models, "weighted"})
    return Grid(columns, [_row(name, *check) for name, check in zip(names, checks, strict=True)])


def evidence_grid(lines: Sequence[Mapping[str, Any]]) -> Grid:
    """A row for each slice of a threshold that asks for evidence.

    Args:
        lines: of `ordered_lines`.
    """
    numbers = {EVIDENCE_HEADS[at] for at in EVIDENCE_NUMBERS}
    kinds = [Column(head, "number") if head in numbers else Column(head) for head in EVIDENCE_HEADS]
    return Grid([Column("outcome", colours=_COLOURS), *kinds[1:]], [list(evidence_cells(line)) for line in lines])


def tally_text(checks: Sequence[Check]) -> str:
    """`PASS=12 WARN=0 FAIL=1 UNDECIDED=0`."""
    counts = Counter(outcome for outcome, _ in checks)
    shown = (Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNDECIDED)
    return " ".join(f"{outcome}={counts[outcome]}" for outcome in shown)


def _row(name: str, outcome: Outcome, check: Checked) -> list[Value]:
    failed = f"{check.failed:,} of {check.met:,}" if check.met else "no slice"
    failed = "no baseline" if outcome == Outcome.WARN else failed
    value = _value_text(check) if check.met else None
    return [
        outcome.value,
        name,
        check.expected,
        value,
        check.slice or None,
        check.rows,
        failed,
        check.slices,
    ]


def _value_text(check: Checked) -> str:
    """Six digits, or all where six would look like the bound; after ±, how far off the value may be, if it matters."""
    if check.value is None:
        return check.no_number or "undefined"
    short = f"{check.value:.6g}"
    exact = repr(check.value) if short in check.expected.split() else short
    is_told = check.error_bound > TOLD_ERROR or (check.error_bound and check.undecided)
    return f"{exact} ± {check.error_bound:.2g}" if is_told else exact


def _without_what_all_share(labels: Sequence[str], loose: Set[str]) -> list[str]:
    """`auc [candidate, weighted]` as `auc [weighted]` where all that have details are of the candidate.

    Only `loose` words are left out: a class or an average is a part of what is measured.
    """
    parted = [label.removesuffix("]").partition(" [") for label in labels]
    details = [rest.split(", ") if rest else [] for _, _, rest in parted]
    shared = {word for word in loose if all(word in words for words in details if words)}
    own = [[word for word in words if word not in shared] for words in details]
    return [name + (f" [{', '.join(words)}]" if words else "") for (name, _, _), words in zip(parted, own, strict=True)]


def verdict_object(verdict: Verdict | None) -> dict[str, Any] | None:
    """The content of `verdict.json`, with the `outcome` of each of its checks."""
    if verdict is None:
        return None
    plain: dict[str, Any] = json.loads(verdict.to_json())
    for check, plain_check in zip(verdict.checks, plain["checks"], strict=True):
        plain_check["outcome"] = check.outcome.value
    return plain
