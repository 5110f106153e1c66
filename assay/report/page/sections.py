"""The sections of the page with words and small tables: metrics of all rows, and what was run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from google.protobuf import json_format

from assay.report.cells import class_cells, value_cell_of, without_classes
from assay.report.evidence import Evidence, Slice
from assay.report.figures import Figure, figures_of_measures
from assay.report.html.markup import Child, Markup, breakable, element, joined
from assay.report.html.tables import table, value_cell
from assay.report.marks import FAILS, WORSE
from assay.report.provenance import facts_of
from assay.text.counted import counted
from assay.text.printable import shortened

_MOST_ROWS = 300
_MOST_REMARKS = 50
_MOST_TEXT = 60_000


def section(title: str, *content: Child, name: str | None = None, hidden: bool = False) -> Markup:
    """A part of the page under a heading; one that is hidden waits for the page's script."""
    return element("section", element("h2", title), *content, id=name, hidden=hidden)


# Metrics --------------------------------------------------------------------------------------------------------------


def overall_section(evidence: Evidence) -> Markup | None:
    """Every metric of the overall slice, models side by side, a row for each threshold of those that have several."""
    overall = evidence.overall
    if overall is None or not evidence.measures:
        return None
    rows = _by_stem(figures_of_measures(evidence, without_classes(evidence)))
    shown = dict(list(rows.items())[:_MOST_ROWS])
    headings = list(dict.fromkeys(heading for row in shown.values() for heading in row))
    cells = [(_row_name(row), *_across(overall, row, headings)) for row in shown.values()]
    more = len(rows) - len(shown)

    return section(
        "Metrics of all rows",
        _legend_of_marks(evidence),
        table("metrics of all rows", ("Metric", *headings), cells) if cells else None,
        element("p", f"And {counted(more, 'metric')} more, in the files.") if more > 0 else None,
        _by_class(evidence, overall),
        _remarks(evidence.remarks),
    )


def _by_stem(figures: Sequence[Figure]) -> dict[str, dict[str, Figure]]:
    """Metric, at a threshold where it has several -> model or change -> figure."""
    rows: dict[str, dict[str, Figure]] = {}
    for figure in figures:
        rows.setdefault(figure.stem, {})[figure.heading] = figure
    return rows


def _row_name(row: Mapping[str, Figure]) -> Markup:
    figure = next(iter(row.values()))
    weighted = element("small", " weighted") if figure.measure.is_weighted_count else None
    at = element("small", f" at {figure.at}") if figure.at else None
    return joined(breakable(figure.measure.label), at, weighted)


def _across(slice_: Slice, row: Mapping[str, Figure], headings: Sequence[str]) -> Iterator[Markup]:
    for heading in headings:
        figure = row.get(heading)
        yield value_cell(value_cell_of(slice_, figure.key, figure.measure, figure.position) if figure else None)


def _by_class(evidence: Evidence, slice_: Slice) -> Markup | None:
    cells = class_cells(evidence, slice_)
    if cells is None:
        return None
    heads, rows = cells
    more = len(rows) - _MOST_ROWS
    rest = element("p", f"And {counted(more, 'row')} more, in the files.") if more > 0 else None
    return joined(element("h3", "By class"), table("by class", [breakable(h) for h in heads], rows[:_MOST_ROWS]), rest)


def _remarks(remarks: Sequence[str]) -> Markup | None:
    if not remarks:
        return None
    more = [f"And {counted(len(remarks) - _MOST_REMARKS, 'remark')} more."] if len(remarks) > _MOST_REMARKS else []
    lines = [element("li", shortened(text, 600)) for text in [*remarks[:_MOST_REMARKS], *more]]
    return element("ul", *lines, class_="minor")


def _legend_of_marks(evidence: Evidence) -> Markup:
    changes = f" {WORSE} a change to the worse, against {', '.join(sorted(evidence.baselines))}."
    text = (
        f"{FAILS} a threshold does not hold.{changes if evidence.baselines else ''} Undefined: the metric has no value."
    )
    return element("p", text, class_="minor")


# What was run ---------------------------------------------------------------------------------------------------------


def run_section(evidence: Evidence) -> Markup:
    """Everything that is known of the run, and the eval config."""
    pairs = [(element("dt", name), element("dd", shortened(text, 600))) for name, text in facts_of(evidence).items()]
    return section("What was run", element("dl", *(part for pair in pairs for part in pair)), *_details(evidence))


def _details(evidence: Evidence) -> Iterator[Markup]:
    """What the analysis file says, with parameters in place, as far as the results know it."""
    analysis = evidence.facts.get("analysis")
    if isinstance(analysis, dict):
        yield _folded("Analysis", json.dumps(analysis, indent=1, ensure_ascii=False), "results.json")
    if evidence.run.HasField("eval_config"):
        text = json_format.MessageToJson(evidence.run.eval_config, indent=1, preserving_proto_field_name=True)
        yield _folded("Eval config", text, "eval_config.json")


def _folded(title: str, text: str, file: str) -> Markup:
    """JSON that is shown when somebody asks for it."""
    if len(text) > _MOST_TEXT:
        text = f"{text[:_MOST_TEXT]}\n... the rest is in {file}"
    return element("details", element("summary", title), element("pre", text, tabindex=0))
