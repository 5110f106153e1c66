"""A verdict as Markdown: the outcome, then why it is not better, the worst reasons first, and the thresholds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from assay.report.cells import counts_text, reason_table
from assay.report.grids.markdown_table import escaped, table
from assay.report.severity import by_severity
from assay.report.terminal.evidence_lines import EVIDENCE_HEADS, NOT_SHOWN, evidence_cells, not_passed
from assay.report.terminal.verdict_lines import HEADS, check_cells, ordered
from assay.text.counted import counted
from assay.verdict import Verdict

_MOST_REASONS, _MOST_THRESHOLDS = 20, 50


def verdict_document(content: Mapping[str, Any], uri: str) -> str:
    """A document about a verdict alone, as a gate leaves it.

    Args:
        content: of `verdict.json`.
        uri: of the file that has all of it.
    """
    verdict = Verdict.from_json(json.dumps(content))
    parts = [*verdict_parts(verdict, uri), *_thresholds(content, uri)]
    return "\n\n".join(parts) + "\n"


def verdict_parts(verdict: Verdict, uri: str) -> Iterator[str]:
    """Outcome and reasons, as parts of a document.

    Args:
        verdict: of a run.
        uri: of the file that has every reason.
    """
    yield f"**{verdict.status.replace('_', ' ')}**: {escaped('; '.join(counts_text(verdict)))}."
    shown = by_severity(verdict.reasons)
    if shown:
        heads, rows = reason_table(shown[:_MOST_REASONS])
        yield table(heads, rows, words=(0, 1, 2))

    more = len(shown) - _MOST_REASONS
    if more > 0:
        yield escaped(f"And {counted(more, 'reason')} more, in {uri}.")
    yield from _evidence(verdict, uri)


def _evidence(verdict: Verdict, uri: str) -> Iterator[str]:
    """Of thresholds that ask for evidence, the slices that do not pass."""
    lines = not_passed(json.loads(verdict.to_json()))
    if lines:
        yield f"### {NOT_SHOWN}"
        cells = [evidence_cells(line) for line in lines[:_MOST_REASONS]]
        yield table([head.capitalize() for head in EVIDENCE_HEADS], cells, words=(0, 1, 2, 3, 7))
    if len(lines) > _MOST_REASONS:
        yield escaped(f"And {counted(len(lines) - _MOST_REASONS, 'line')} more, in {uri}.")


def _thresholds(content: Mapping[str, Any], uri: str) -> Iterator[str]:
    """Every threshold with the value that decided, those that do not hold first."""
    checks = ordered(content)
    if checks:
        yield "### Thresholds"
        yield table(
            [head.capitalize() for head in HEADS],
            [check_cells(check) for check in checks[:_MOST_THRESHOLDS]],
            words=(0, 1, 2, 3, 4),
        )
    if len(checks) > _MOST_THRESHOLDS:
        yield escaped(f"And {counted(len(checks) - _MOST_THRESHOLDS, 'threshold')} more, in {uri}.")
