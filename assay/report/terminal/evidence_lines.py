"""Thresholds that ask for evidence as rows of a table, one for each slice. Standard library, as `verdict_lines`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.text.printable import printable_line, shortened

EVIDENCE_HEADS = ("outcome", "metric", "question", "slice", "rows", "needed", "value", "between", "p")
EVIDENCE_NUMBERS = (4, 5, 6, 8)
"""The columns that hold numbers."""

NOT_SHOWN = "What is not shown, and the rows of the slice that would be needed"

_WIDEST = 60
_EFFECTS = {"warn": " (warns)", "pass": " (passes)", "block": ""}
_ORDER = ("block", "warn", "pass"), ("FAIL", "UNDECIDED", "WARN", "PASS")


def not_passed(verdict: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The lines of a verdict, the content of `verdict.json`, that do not pass, those that block first."""
    return [line for line in ordered_lines(verdict) if line["outcome"] != "PASS"]


def ordered_lines(verdict: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """All of them, in that order."""
    effects, outcomes = _ORDER

    def place(line: Mapping[str, Any]) -> tuple[int, int]:
        return effects.index(line["effect"]), outcomes.index(line["outcome"])

    return sorted(verdict.get("evidence", ()), key=place)


def evidence_cells(line: Mapping[str, Any]) -> tuple[str, ...]:
    """A line under `EVIDENCE_HEADS`; of a comparison the value is candidate minus baseline."""
    value = line["value"] if line["difference"] is None else line["difference"]
    between = "" if line["lower"] is None else f"{line['lower']:.4g} to {line['upper']:.4g}"
    needed = "never" if line["never"] else "" if line["rows_needed"] is None else f"{line['rows_needed']:,}"
    effect = _EFFECTS[line["effect"]] if line["outcome"] != "PASS" else ""
    cells = (
        f"{line['outcome']}{effect}",
        line["metric"],
        line["question"],
        line["slice"],
        "" if line["rows"] is None else f"{line['rows']:,}",
        needed,
        "" if value is None else f"{value:.6g}",
        between,
        "" if line["p"] is None else f"{line['p']:.2g}",
    )
    return tuple(shortened(printable_line(cell), _WIDEST) for cell in cells)
