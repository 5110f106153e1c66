"""A verdict as lines of a log: the outcome, each threshold with the value that decided, and the rows left out.

Standard library only, as orchestrators show it without the packages of the stages.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from assay.report.terminal.evidence_lines import (
    EVIDENCE_HEADS,
    EVIDENCE_NUMBERS,
    NOT_SHOWN,
    evidence_cells,
    not_passed,
)
from assay.results.published import reasons_in
from assay.text.counted import counted
from assay.text.printable import printable_line, shortened

HEADS = ("threshold", "expected", "slices", "holds", "decided by", "value", "rows")
NUMBERS = (5, 6)
"""The columns that hold numbers."""

_MOST_CHECKS, _MOST_LINES, _MOST_REASONS, _MOST_UNCHECKED = 50, 20, 20, 20
_WIDEST, _WIDEST_REASON = 60, 300


def verdict_lines(verdict: Mapping[str, Any], unchecked: Sequence[str] = ()) -> list[str]:
    """The lines.

    Args:
        verdict: the content of `verdict.json`.
        unchecked: the change thresholds that were not checked if there is no baseline, where they are known.
    """
    checks = ordered(verdict)
    rows = [check_cells(check) for check in checks[:_MOST_CHECKS]]
    more = [f"... and {len(checks) - _MOST_CHECKS:,} thresholds more"] if len(checks) > _MOST_CHECKS else []
    outcome = f"{verdict['status']}: {counted(verdict.get('rows', 0), 'row')}{forced_in(verdict)}"
    left_out = (f"  {line}" for line in left_out_of(verdict, unchecked))
    thresholds = _table(HEADS, rows, NUMBERS) if rows else ()
    return [outcome, *thresholds, *more, *_evidence(verdict), *left_out, *_reasons(verdict)]


def ordered(verdict: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The thresholds of a verdict, those that do not hold first."""
    return sorted(verdict.get("checks", ()), key=lambda check: not (check["failed"] or not check["met"]))


def check_cells(check: Mapping[str, Any]) -> tuple[str, ...]:
    """A threshold, and the value that decided, under `HEADS`."""
    met, failed = check["met"], check["failed"]
    holds = "no slice" if not met else f"no, {failed:,} of {met:,} fail" if failed else "yes"
    no_number = check.get("no_number") or "undefined"
    value = "" if not met else no_number if check["value"] is None else f"{check['value']:.6g}"
    value += f" ± {check['error_bound']:.2g}" if check.get("error_bound") else ""
    rows = "" if check["rows"] is None else f"{check['rows']:,}"
    slices = f"{check['slices']} ({met:,})"
    cells = (check["metric"], check["expected"], slices, holds, check["slice"], value, rows)
    return tuple(shortened(printable_line(cell), _WIDEST) for cell in cells)


def _evidence(verdict: Mapping[str, Any]) -> Iterator[str]:
    """Of thresholds that ask for evidence, the slices that do not pass."""
    lines = not_passed(verdict)
    if lines:
        yield f"  {NOT_SHOWN}:"
        yield from _table(EVIDENCE_HEADS, [evidence_cells(line) for line in lines[:_MOST_LINES]], EVIDENCE_NUMBERS)
    if len(lines) > _MOST_LINES:
        yield f"  ... and {len(lines) - _MOST_LINES:,} lines more, in verdict.json"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Collection[int]) -> Iterator[str]:
    """The lines of a table with aligned columns, numbers to the right."""
    table = [heads, *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(heads))]
    for row in table:
        cells = [cell.rjust(widths[i]) if i in numbers else cell.ljust(widths[i]) for i, cell in enumerate(row)]
        yield f"  {'  '.join(cells).rstrip()}"


def short_text(verdict: Mapping[str, Any]) -> str:
    """The verdict in one line: how many thresholds hold, and the first reason if the model is not blessed."""
    checks, reasons = ordered(verdict), reasons_in(verdict)
    hold = sum(bool(check["met"]) and not check["failed"] for check in checks)
    parts = [verdict["status"].replace("_", " ") + forced_in(verdict)]
    parts += [f"thresholds: {hold:,} of {len(checks):,} hold"] if checks else []
    parts += ["no baseline: rubber stamp"] if is_stamped(verdict) else []
    parts += [shortened(printable_line(reason), _WIDEST_REASON) for reason in reasons[:1]]
    parts += [f"and {counted(len(reasons) - 1, 'more reason')}"] if len(reasons) > 1 else []
    return "; ".join(parts)


def forced_in(verdict: Mapping[str, Any]) -> str:
    """The reason of a forced pass, which follows the outcome; "" for none."""
    reason = verdict.get("forced") or ""
    return f"; forced pass: {shortened(printable_line(reason), _WIDEST_REASON)}" if reason else ""


def is_stamped(verdict: Mapping[str, Any]) -> bool:
    """Whether change thresholds were not checked for want of a baseline; with one they are among the checks."""
    is_compared = any("change" in check["expected"] for check in verdict.get("checks", ()))
    return bool(verdict.get("rubber_stamp")) and not is_compared


def stamp_text(unchecked: Sequence[str]) -> str:
    """That change thresholds were not checked, and which, where they are known."""
    what = ", ".join(shortened(printable_line(name), _WIDEST) for name in unchecked[:_MOST_UNCHECKED])
    more = f" and {len(unchecked) - _MOST_UNCHECKED:,} more" if len(unchecked) > _MOST_UNCHECKED else ""
    return f"no baseline: rubber stamp; not checked: {what or 'change thresholds'}{more}"


def left_out_of(verdict: Mapping[str, Any], unchecked: Sequence[str] = ()) -> Iterator[str]:
    """What was not judged and why, a line for each."""
    for why, number in sorted((verdict.get("bad_rows") or {}).items()):
        if number:
            yield f"left out: {counted(number, 'bad row')} ({printable_line(why)})"
    for side, number in sorted((verdict.get("unmatched") or {}).items()):
        if number:
            yield f"left out: {number:,} {printable_line(side)} without a match in the join"
    for name, number in sorted((verdict.get("unsliced") or {}).items()):
        if number:
            yield f"left out of {printable_line(name)}: {counted(number, 'row')}, in no slice of it"
    if is_stamped(verdict):
        yield stamp_text(unchecked)


def _reasons(verdict: Mapping[str, Any]) -> Iterator[str]:
    """Why the model is not blessed; the reason for a slice follows its name."""
    reasons = reasons_in(verdict)
    for reason in reasons[:_MOST_REASONS]:
        yield f"  reason: {printable_line(reason)}"
    if len(reasons) > _MOST_REASONS:
        yield f"  ... and {len(reasons) - _MOST_REASONS:,} reasons more, in verdict.json"
