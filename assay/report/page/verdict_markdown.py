"""A verdict as Markdown: the outcome, then why it is not better, the worst reasons first, and the thresholds."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from assay.report.cells import counts_text, reason_table
from assay.report.grids.markdown_table import escaped, table
from assay.report.severity import by_severity
from assay.report.terminal.evidence_lines import EVIDENCE_HEADS, NOT_SHOWN, evidence_cells, not_passed
from assay.report.terminal.verdict_lines import HEADS, check_cells, ordered, small_slices, without_names
from assay.text.counted import counted
from assay.verdict import Verdict

_MOST_REASONS, _MOST_THRESHOLDS = 20, 50


def verdict_document(content: Mapping[str, Any], uri: str, *, min_slice_size: int = 0) -> str:
    """A document about a verdict alone, as a gate leaves it.

    Args:
        content: of `verdict.json`.
        uri: of the file that has all of it.
        min_slice_size: slices of fewer rows are not named.
    """
    verdict = Verdict.from_json(json.dumps(content))
    hidden = small_slices(content, min_slice_size)
    parts = [*verdict_parts(verdict, uri, hidden), *_thresholds(content, uri, hidden)]
    return "\n\n".join(parts) + "\n"


def verdict_parts(verdict: Verdict, uri: str, hidden: Collection[str] = ()) -> Iterator[str]:
    """Outcome and reasons, as parts of a document.

    Args:
        verdict: of a run.
        uri: of the file that has every reason.
        hidden: slices with too few rows to be shown, which are not named.
    """
    yield f"**{verdict.status.replace('_', ' ')}**: {escaped('; '.join(counts_text(verdict)))}."
    shown = by_severity(reason for reason in verdict.reasons if reason.slice not in hidden)
    if shown:
        heads, rows = reason_table(shown[:_MOST_REASONS])
        yield table(heads, rows, words=(0, 1, 2))

    more, unnamed = len(shown) - _MOST_REASONS, len(verdict.reasons) - len(shown)
    if more > 0:
        yield escaped(f"And {counted(more, 'reason')} more, in {uri}.")
    if unnamed:
        yield f"And {counted(unnamed, 'reason')} about slices with too few rows to be shown."
    yield from _evidence(verdict, uri, hidden)


def _evidence(verdict: Verdict, uri: str, hidden: Collection[str]) -> Iterator[str]:
    """Of thresholds that ask for evidence, the slices that do not pass."""
    lines = not_passed(json.loads(verdict.to_json()), hidden)
    if lines:
        yield f"### {NOT_SHOWN}"
        cells = [evidence_cells(line) for line in lines[:_MOST_REASONS]]
        yield table([head.capitalize() for head in EVIDENCE_HEADS], cells, words=(0, 1, 2, 3, 7))
    if len(lines) > _MOST_REASONS:
        yield escaped(f"And {counted(len(lines) - _MOST_REASONS, 'line')} more, in {uri}.")


def _thresholds(content: Mapping[str, Any], uri: str, hidden: Collection[str]) -> Iterator[str]:
    """Every threshold with the value that decided, those that do not hold first."""
    checks = without_names(ordered(content), hidden)
    if checks:
        yield "### Thresholds"
        yield table(
            [head.capitalize() for head in HEADS],
            [check_cells(check) for check in checks[:_MOST_THRESHOLDS]],
            words=(0, 1, 2, 3, 4),
        )
    if len(checks) > _MOST_THRESHOLDS:
        yield escaped(f"And {counted(len(checks) - _MOST_THRESHOLDS, 'threshold')} more, in {uri}.")
