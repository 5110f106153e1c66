"""The table of thresholds that ask for evidence: the slices that do not pass. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.report.html.markup import Markup, element
from assay.report.html.tables import table
from assay.report.terminal.evidence_lines import EVIDENCE_HEADS, NOT_SHOWN, evidence_cells, ordered_lines
from assay.text.counted import counted

_MOST_LINES = 200


def evidence_table(verdict: Mapping[str, Any]) -> Markup | None:
    """The section of a verdict, the content of `verdict.json`: slices that block first; those that pass are counted."""
    lines = ordered_lines(verdict)
    if not lines:
        return None
    shown = [line for line in lines if line["outcome"] != "PASS"]
    passed = len(lines) - len(shown)
    notes = [f"{counted(passed, 'line')} of {len(lines):,} {'passes' if passed == 1 else 'pass'}."]
    notes += [f"And {counted(len(shown) - _MOST_LINES, 'line')} more, in verdict.json."] * (len(shown) > _MOST_LINES)
    heads = [head.capitalize() for head in EVIDENCE_HEADS]
    rows = [evidence_cells(line) for line in shown[:_MOST_LINES]]
    content = [element("p", f"{NOT_SHOWN}.", class_="minor"), table("evidence", heads, rows)] if rows else []
    return element("section", element("h2", "Evidence"), *content, *(element("p", note) for note in notes))
