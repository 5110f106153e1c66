"""The top of the page: the verdict, why it is not better, and the thresholds with the values that decided."""

from __future__ import annotations

from collections.abc import Sequence

from assay.gate.bounds import bound_text
from assay.report.cells import counts_text, reason_table
from assay.report.evidence import Evidence
from assay.report.html.markup import Child, Markup, element, joined
from assay.report.html.tables import table
from assay.report.marks import FAILS, OUTCOMES
from assay.report.page.sections import section
from assay.report.provenance import heading_facts
from assay.report.severity import by_severity
from assay.results.keys import label
from assay.results.labels import number_text
from assay.text.counted import counted
from assay.text.printable import shortened
from assay.verdict import UNNAMED, Checked, Status, Verdict

_ORDER = "The worst first: how far a value is from its bound, and how many rows are behind it."
_MOST_REASONS = 200
_MOST_THRESHOLDS = 300


def verdict_section(evidence: Evidence) -> Markup:
    """The outcome, the number of rows, and when it was found."""
    verdict = evidence.verdict
    facts = element("p", " · ".join(shortened(fact, 300) for fact in heading_facts(evidence)), class_="minor")
    if verdict is None:
        return joined(element("p", "There is no verdict with these results.", class_="verdict"), facts)

    class_, badge = OUTCOMES[verdict.status]
    counts = element("span", "; ".join(counts_text(verdict)), class_="minor")
    badge = element("strong", badge, class_=f"badge {class_}")
    return joined(element("p", badge, _sentence(evidence, verdict), counts, class_="verdict"), facts)


def _sentence(evidence: Evidence, verdict: Verdict) -> str:
    if verdict.status is Status.NOT_EVALUATED:
        return "There was too little to judge by."
    if verdict.forced:
        return "Thresholds do not hold; the pass was forced."
    if verdict.status is Status.BLESSED:
        return "Every threshold holds."
    failed = sum(bool(check.failed or not check.met) for check in verdict.checks)
    what = f"{failed:,} of {counted(len(verdict.checks), 'threshold')}" if failed else "A threshold"
    failed_slices = {reason.slice for reason in verdict.reasons}
    slices = sum(one.name in failed_slices for one in evidence.slices)  # found slices have no metrics of their own
    where = f", in {slices:,} of {counted(len(evidence.slices), 'slice')}" if slices else ""
    return f"{what} {'do' if failed > 1 else 'does'} not hold{where}."


def reasons_section(evidence: Evidence) -> Markup | None:
    """Every reason, the worst first."""
    reasons = evidence.verdict.reasons if evidence.verdict else ()
    if not reasons:
        return None
    shown = by_severity(reasons)
    heads, rows = reason_table(shown[:_MOST_REASONS])
    more = len(shown) - _MOST_REASONS
    notes = [f"And {counted(more, 'reason')} more, in verdict.json."] if more > 0 else []
    order = element("p", _ORDER, class_="minor") if len(shown) > 1 else None
    return section(
        "Why", order, table("reasons", heads, rows, words=(1, 2)), *(element("p", note) for note in notes), name="why"
    )


def thresholds_section(evidence: Evidence) -> Markup | None:
    """Every threshold, those that do not hold first, with the slice and the value that decided."""
    checks = evidence.verdict.checks if evidence.verdict else ()
    if not checks:
        return _rules(evidence)
    ordered = sorted(checks, key=lambda check: not (check.failed or not check.met))
    rows = [_check_row(check) for check in ordered[:_MOST_THRESHOLDS]]
    heads = ("Metric", "Expected", "Holds", "Decided by")
    more = len(checks) - _MOST_THRESHOLDS
    rest = element("p", f"And {counted(more, 'threshold')} more, in verdict.json.") if more > 0 else None
    return section("Thresholds", table("thresholds", heads, rows, words=(1,)), rest)


def _check_row(check: Checked) -> Sequence[Child]:
    where = element("small", f" in slices: {shortened(check.slices)}")
    expected = element("td", check.expected, where, class_="words")
    if not check.met:
        return shortened(check.metric), expected, f"no slice {FAILS}", ""
    holds = f"{check.failed:,} of {check.met:,} fail {FAILS}" if check.failed else f"in {counted(check.met, 'slice')}"
    return shortened(check.metric), expected, holds, _decision(check)


def _decision(check: Checked) -> Markup:
    """The value that decided, and below it the slice where it is."""
    if check.slice == UNNAMED:
        return element("td", UNNAMED)
    value = check.no_number or "undefined" if check.value is None else number_text(check.value)
    parts = [f"± {check.error_bound:.2g}"] if check.error_bound else []
    parts += [shortened(check.slice)] + ([] if check.rows is None else [counted(check.rows, "row")])
    return element("td", value, element("small", f" {', '.join(parts)}"))


def _rules(evidence: Evidence) -> Markup | None:
    """Those of the config, of results that do not say what they met."""
    if not evidence.rules:
        return None
    rows = [
        (label(rule.key, evidence.classes), shortened(bound_text(rule.bounds())), shortened(rule.scope.text))
        for rule in evidence.rules[:_MOST_THRESHOLDS]
    ]
    return section("Thresholds", table("thresholds", ("Metric", "Expected", "In slices"), rows, words=(1, 2)))
