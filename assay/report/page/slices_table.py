"""The section of slices: controls for the page's script, a chart, and the table that stands there without scripts."""

from __future__ import annotations

from collections.abc import Sequence

from assay.report.cells import value_cell_of
from assay.report.evidence import Evidence, Slice
from assay.report.figures import Figure, figures_of
from assay.report.html.charts import swatch
from assay.report.html.markup import Markup, element, joined
from assay.report.html.tables import row_head, scrolling, value_cell
from assay.report.page.charted_slices import charted
from assay.report.page.plots import colour_of
from assay.report.page.sections import section
from assay.report.page.slice_chart import slice_chart
from assay.text.counted import counted
from assay.text.printable import printable_line, shortened

_MOST_STEMS = 24
"""Metrics, each at one threshold, of the table that stands there without scripts."""
_MOST_CHARTED = 20
_FEW_LABELS = 4


def slices_section(evidence: Evidence, slices: Sequence[Slice], first: Sequence[Slice], hidden: int) -> Markup | None:
    """The chart and the table of slices.

    Args:
        evidence: of the run.
        slices: all that the page may show.
        first: those of them that it shows without scripts.
        hidden: how many it does not name, as they have too few rows, or would tell of those.
    """
    if not slices:
        return None
    figures = shown_figures(evidence)
    head = element("thead", _group_row(figures), _column_row(figures))
    body = element("tbody", *(_slice_row(slice_, figures) for slice_ in first))
    whole = scrolling(element("table", head, body, id="slices"), "metrics by slice")
    chart = element("div", id="chart", class_="needs-script", hidden=True)
    return section(
        "Metrics by slice",
        _order(evidence, len(first), len(slices), hidden),
        _controls(evidence),
        chart,
        _static_chart(evidence, first),
        whole,
    )


def shown_figures(evidence: Evidence) -> list[Figure]:
    """The figures for which the table has room without scripts: only numbers, and those with thresholds first."""
    numbers = [figure for figure in figures_of(evidence) if figure.is_number]
    stems = list(dict.fromkeys(figure.stem for figure in numbers))[:_MOST_STEMS]
    return [figure for figure in numbers if figure.stem in stems]


def _order(evidence: Evidence, shown: int, total: int, hidden: int) -> Markup:
    leading = evidence.leading
    by = f"by {leading.label} of {evidence.candidates[0] or 'the model'}, the worst first" if leading else "by rows"
    order = f"The overall slice, then slices where a threshold fails, then {by}."
    are = "is" if hidden == 1 else "are"
    few = f" {counted(hidden, 'slice')} more {are} hidden by min_slice_size." if hidden else ""
    text = f"Without scripts, {shown:,} of {total:,} slices stand here: the worst and the largest."
    rest = element("noscript", element("p", text)) if shown < total else None
    return joined(element("p", order + few), rest)


def _group_row(figures: Sequence[Figure]) -> Markup:
    blank = element("td", colspan=2, class_="first")
    heads = []
    for measure in dict.fromkeys(figure.measure for figure in figures):
        span = sum(figure.measure is measure for figure in figures)
        weighted = element("small", " weighted") if measure.is_weighted_count else None
        heads.append(element("th", measure.label, weighted, class_="group", scope="colgroup", colspan=span))
    return element("tr", blank, *heads)


def _column_row(figures: Sequence[Figure]) -> Markup:
    heads = [element("th", "Slice", class_="first", scope="col"), element("th", "Rows", scope="col")]
    for i, figure in enumerate(figures):
        heads.append(element("th", _heading(figure), class_=_group(figures, i), scope="col"))
    return element("tr", *heads)


def _heading(figure: Figure) -> str:
    return f"at {figure.at}, {figure.heading}" if figure.at else figure.heading


def _slice_row(slice_: Slice, figures: Sequence[Figure]) -> Markup:
    cells = [
        value_cell(value_cell_of(slice_, figure.key, figure.measure, figure.position), _group(figures, i))
        for i, figure in enumerate(figures)
    ]
    return element("tr", row_head(shortened(slice_.name)), element("td", f"{slice_.rows:,}"), *cells)


def _group(figures: Sequence[Figure], i: int) -> str | None:
    """The class of a column that begins a group."""
    return "group" if i == 0 or figures[i - 1].measure is not figures[i].measure else None


def _static_chart(evidence: Evidence, first: Sequence[Slice]) -> Markup | None:
    """The metric that slices are ordered by, of the first of them; the script has a chart of all."""
    leading = evidence.leading
    chosen = [slice_ for slice_ in first if not slice_.is_pair][:_MOST_CHARTED]
    if leading is None or len(chosen) < 2:
        return None
    rows = [charted(evidence, leading, slice_) for slice_ in chosen]
    legend = [element("li", swatch(colour_of(evidence, m)), m) for m in evidence.models if m]
    return element(
        "div", element("ul", *legend, class_="legend"), slice_chart(leading.label, rows), class_="without-script"
    )


def _controls(evidence: Evidence) -> Markup:
    """The controls, which are hidden until the script runs."""
    numbers = [figure for figure in figures_of(evidence) if figure.is_number]
    labels = list(dict.fromkeys(figure.measure.label for figure in numbers))
    has_judged = any(figure.measure.is_judged for figure in numbers) and len(labels) > _FEW_LABELS
    judged = element("option", "those with a threshold", value="judged")
    names = [element("option", printable_line(label), value=printable_line(label)) for label in labels]
    choice = element(
        "select",
        judged if has_judged else None,
        element("option", "all", value=""),
        *names,
        id="metric",
        data_first="judged" if has_judged else None,
    )

    text = element(
        "input",
        id="filter",
        type="search",
        size=34,
        placeholder="auc < 0.7 and rows > 500",
        aria_describedby="filter-error",
        autocomplete="off",
        spellcheck="false",
    )
    least = element("input", id="least", type="range", min=0, max=1, value=0)
    return element(
        "div",
        element("label", "Slices with ", text),
        element("label", "Rows, at least ", least, " ", element("output", "0", id="least-told", for_="least")),
        element("label", "Metrics ", choice),
        _models(evidence),
        element("span", id="count", class_="minor", role="status"),
        element("p", id="filter-error", class_="error", role="status"),
        class_="controls needs-script",
        hidden=True,
    )


def _models(evidence: Evidence) -> Markup | None:
    """Which models are shown, where there are several."""
    models = [model for model in evidence.models if model]
    if len(models) < 2:
        return None
    boxes = [
        element(
            "label",
            element("input", type="checkbox", checked=True, data_model=printable_line(model)),
            swatch(colour_of(evidence, model)),
            shortened(model),
        )
        for model in models
    ]
    return element("fieldset", element("legend", "Models"), *boxes)
