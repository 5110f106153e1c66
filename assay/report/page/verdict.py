"""A verdict as a page of its own, for whoever has no packages to read the results. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.report.html.document import document
from assay.report.html.markup import Markup, element, joined
from assay.report.html.tables import table
from assay.report.marks import OUTCOMES
from assay.report.page.evidence_table import evidence_table
from assay.report.terminal.verdict_lines import HEADS, NUMBERS, check_cells, forced_in, left_out_of, ordered
from assay.text.counted import counted
from assay.text.printable import shortened
from assay.verdict import Status

_MOST_CHECKS, _MOST_REASONS = 300, 200


def verdict_page(verdict: Mapping[str, Any], title: str, links: Mapping[str, str]) -> str:
    """The page, which loads nothing and runs no script.

    Args:
        verdict: the content of `verdict.json`.
        title: says whose verdict it is.
        links: text -> address, for what else there is to see.
    """
    class_, badge = OUTCOMES[Status(verdict["status"])]
    outcome = element(
        "p",
        element("strong", badge, class_=f"badge {class_}"),
        element("span", f"{counted(verdict.get('rows', 0), 'row')}{forced_in(verdict)}", class_="minor"),
        class_="verdict",
    )
    body = joined(
        element("h1", shortened(title)),
        outcome,
        _links(links),
        *(element("p", line) for line in left_out_of(verdict)),
        _reasons(verdict.get("reasons", ())),
        _thresholds(ordered(verdict)),
        evidence_table(verdict),
    )
    return document(f"{verdict['status'].replace('_', ' ')}: {shortened(title)}", element("main", body))


def _links(links: Mapping[str, str]) -> Markup | None:
    items = [element("a", text, href=address) for text, address in links.items()]
    return element("nav", *items, class_="controls", aria_label="Other views") if items else None


def _reasons(reasons: Sequence[Mapping[str, Any]]) -> Markup | None:
    if not reasons:
        return None
    rows = [_reason_row(reason) for reason in reasons[:_MOST_REASONS]]
    more = _more(len(reasons) - _MOST_REASONS, "reason")
    return element("section", element("h2", "Why"), table("reasons", ("Slice", "Reason", "Rows"), rows, (1,)), more)


def _reason_row(reason: Mapping[str, Any]) -> Sequence[str]:
    rows = "" if reason.get("rows") is None else f"{reason['rows']:,}"
    return shortened(reason.get("slice") or "all rows"), shortened(reason["message"], 400), rows


def _thresholds(checks: Sequence[Mapping[str, Any]]) -> Markup | None:
    if not checks:
        return None
    words = [i for i in range(1, len(HEADS)) if i not in NUMBERS]
    rows = [check_cells(check) for check in checks[:_MOST_CHECKS]]
    heads = [head.capitalize() for head in HEADS]
    more = _more(len(checks) - _MOST_CHECKS, "threshold")
    return element("section", element("h2", "Thresholds"), table("thresholds", heads, rows, words), more)


def _more(number: int, noun: str) -> Markup | None:
    return element("p", f"And {counted(number, noun)} more, in verdict.json.") if number > 0 else None
