"""The sections of the page with words and small tables: verdict, metrics of all rows, what was run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from google.protobuf import json_format

from assay.gate.bounds import bound_text
from assay.gate.thresholds import Rule
from assay.report.cells import FAILS, WORSE, cell_of, class_cells, counted, counts_text, reason_cells, without_classes
from assay.report.evidence import Evidence, Measure, Slice
from assay.report.html_tables import table
from assay.report.markup import Child, Markup, breakable, element, joined
from assay.results.class_names import ClassNames
from assay.results.keys import label
from assay.text.printable import shortened
from assay.verdict import Reason, Status

OUTCOMES = {
    Status.BLESSED: ("good", "✓ BLESSED", "Every threshold holds."),
    Status.NOT_BLESSED: ("bad", "✗ NOT BLESSED", "A threshold does not hold."),
    Status.NOT_EVALUATED: ("unsure", "? NOT EVALUATED", "There was too little to judge by."),
}

_MOST_REASONS = 200
_MOST_MEASURES = 300
_MOST_REMARKS = 50
_MOST_TEXT = 60_000


def section(title: str, *content: Child) -> Markup:
    """A part of the page under a heading."""
    return element("section", element("h2", title), *content)


# Verdict --------------------------------------------------------------------------------------------------------------


def verdict_section(evidence: Evidence) -> Markup:
    """The outcome, the number of rows, each reason, and the thresholds."""
    verdict = evidence.verdict
    if verdict is None:
        return element("p", "There is no verdict with these results.", class_="verdict")

    class_, badge, sentence = OUTCOMES[verdict.status]
    counts = element("span", "; ".join(counts_text(verdict)), class_="minor")
    head = element("p", element("strong", badge, class_=f"badge {class_}"), sentence, counts, class_="verdict")
    return joined(head, _reasons(verdict.reasons), _thresholds(evidence.rules, evidence.classes))


def _reasons(reasons: Sequence[Reason]) -> Markup | None:
    if not reasons:
        return None
    heads = ("Slice", "Reason", "Value", "Expected", "Baseline", "Rows")
    rows = [reason_cells(reason) for reason in reasons[:_MOST_REASONS]]
    more = len(reasons) - _MOST_REASONS
    rest = element("p", f"And {counted(more, 'reason')} more, in verdict.json.") if more > 0 else None
    return section("Why", table(heads, rows, words=(1, 3)), rest)


def _thresholds(rules: Sequence[Rule], classes: ClassNames) -> Markup | None:
    if not rules:
        return None
    rows = [
        (label(rule.key, classes), shortened(bound_text(rule.bounds())), shortened(rule.scope.text))
        for rule in rules[:_MOST_MEASURES]
    ]
    listed = table(("Metric", "Expected", "In slices"), rows, words=(1, 2))
    return element("details", element("summary", counted(len(rules), "threshold")), listed)


# Metrics --------------------------------------------------------------------------------------------------------------


def overall_section(evidence: Evidence) -> Markup | None:
    """Every metric of the overall slice, models side by side."""
    overall = evidence.overall
    if overall is None or not evidence.measures:
        return None
    measures = without_classes(evidence)
    more = len(measures) - _MOST_MEASURES
    measures = measures[:_MOST_MEASURES]
    headings = list(dict.fromkeys(heading for measure in measures for heading in evidence.columns(measure)))
    rows = [(breakable(measure.label), *_across(evidence, overall, measure, headings)) for measure in measures]
    rest = element("p", f"And {counted(more, 'metric')} more, in the files.") if more > 0 else None
    listed = table(("Metric", *headings), rows) if rows else None
    by_class = _by_class(evidence, overall)
    return section(
        "Metrics of all rows", _legend_of_marks(evidence), listed, rest, by_class, _remarks(evidence.remarks)
    )


def _by_class(evidence: Evidence, slice_: Slice) -> Markup | None:
    cells = class_cells(evidence, slice_)
    if cells is None:
        return None
    heads, rows = cells
    more = len(rows) - _MOST_MEASURES
    rest = element("p", f"And {counted(more, 'row')} more, in the files.") if more > 0 else None
    return joined(element("h3", "By class"), table([breakable(h) for h in heads], rows[:_MOST_MEASURES]), rest)


def _remarks(remarks: Sequence[str]) -> Markup | None:
    if not remarks:
        return None
    more = [f"And {counted(len(remarks) - _MOST_REMARKS, 'remark')} more."] if len(remarks) > _MOST_REMARKS else []
    lines = [element("li", shortened(text, 600)) for text in [*remarks[:_MOST_REMARKS], *more]]
    return element("ul", *lines, class_="minor")


def _across(evidence: Evidence, slice_: Slice, measure: Measure, headings: Sequence[str]) -> Iterator[str]:
    keys = evidence.columns(measure)
    return (cell_of(slice_, keys[heading], measure) if heading in keys else "" for heading in headings)


def _legend_of_marks(evidence: Evidence) -> Markup:
    changes = f" {WORSE} a change to the worse, against {', '.join(sorted(evidence.baselines))}."
    text = (
        f"{FAILS} a threshold does not hold.{changes if evidence.baselines else ''} Undefined: the metric has no value."
    )
    return element("p", text, class_="minor")


# What was run ---------------------------------------------------------------------------------------------------------


def run_section(evidence: Evidence) -> Markup:
    """Data, models, parameters, versions, and the eval config."""
    run, facts = evidence.run, evidence.facts
    data = f"{run.data_location} ({run.file_format})" if run.file_format else run.data_location
    rows = {
        "Data": data,
        **{f"Model {name}".strip(): uri for name, uri in run.model_locations.items()},
        "Parameters": _params(facts.get("params")),
        "Plan": str(facts.get("plan", "")),
        "Made by": f"assay {facts['assay_version']}" if "assay_version" in facts else run.version,
    }
    pairs = [(element("dt", name), element("dd", shortened(text, 600))) for name, text in rows.items() if text]
    return section("What was run", element("dl", *(part for pair in pairs for part in pair)), _config(evidence))


def _params(params: object) -> str:
    return ", ".join(f"{name} = {value}" for name, value in params.items()) if isinstance(params, dict) else ""


def _config(evidence: Evidence) -> Markup | None:
    if not evidence.run.HasField("eval_config"):
        return None
    text = json_format.MessageToJson(evidence.run.eval_config, indent=1, preserving_proto_field_name=True)
    if len(text) > _MOST_TEXT:
        text = f"{text[:_MOST_TEXT]}\n... the rest is in eval_config.json"
    return element("details", element("summary", "Eval config"), element("pre", text, tabindex=0))
