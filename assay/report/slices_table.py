"""The table of slices, with the controls and data that the page's script needs to sort and filter it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from assay.report.cells import Column, columns_of, counted, row_of
from assay.report.evidence import Evidence, Measure, Slice
from assay.report.html_tables import cell, row_head, scrolling
from assay.report.markup import Markup, element, joined
from assay.report.sections import section
from assay.text.printable import printable, printable_line, shortened

_MOST_SHOWN_MEASURES = 24


def slices_section(evidence: Evidence, first: Sequence[Slice]) -> Markup | None:
    """The table of slices; `first` are those that it shows without scripts."""
    columns = columns_of(evidence, shown_measures(evidence))
    if not evidence.slices:
        return None
    head = element("thead", _group_row(columns), _column_row(columns))
    body = element("tbody", *(_slice_row(slice_, columns) for slice_ in first))
    whole = scrolling(element("table", head, body, id="slices"), "metrics by slice")
    return section("Metrics by slice", _order(evidence, len(first)), _controls(columns), whole, _more())


def shown_measures(evidence: Evidence) -> list[Measure]:
    """The measures for which the table of slices has room: only numbers, and those with thresholds first."""
    numbers = [measure for measure in evidence.measures if measure.is_number]
    chosen = sorted(numbers, key=lambda measure: not measure.is_judged)[:_MOST_SHOWN_MEASURES]
    return [measure for measure in numbers if measure in chosen]


def rest_data(evidence: Evidence, rest: Sequence[Slice], room: int) -> tuple[Markup, int]:
    """The other slices as JSON for the script, as many as fit into `room` bytes; and the number of these."""
    columns = columns_of(evidence, shown_measures(evidence))
    names: list[str] = []
    cells: list[str] = []
    for slice_ in rest:
        name, line = printable_line(shortened(slice_.name)), printable("\t".join(row_of(slice_, columns)))
        room -= len(_in_script(name).encode()) + len(_in_script(line).encode()) + 4
        if room < 0:
            break
        names.append(name)
        cells.append(line)
    data = _in_script({"names": names, "cells": cells})
    return element("script", Markup(data), type="application/json", id="rest"), len(names)


def _in_script(value: object) -> str:
    """JSON in which no HTML parser finds a tag or an entity."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text = text.encode("utf-8", "replace").decode()
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _order(evidence: Evidence, shown: int) -> Markup:
    total = len(evidence.slices)
    leading = evidence.leading
    by = f"by {leading.label} of {evidence.candidates[0] or 'the model'}, the worst first" if leading else "by rows"
    order = f"The overall slice, then slices where a threshold fails, then {by}."
    numbers = [measure for measure in evidence.measures if measure.is_number]
    hidden = len(numbers) - len(shown_measures(evidence))
    left_out = f" {counted(hidden, 'metric')} more are in the files." if hidden else ""
    return joined(element("p", order + left_out), _without_scripts(shown, total))


def _without_scripts(shown: int, total: int) -> Markup | None:
    if shown == total:
        return None
    text = f"Without scripts, {shown:,} of {total:,} slices stand here: the worst and the largest."
    return element("noscript", element("p", text))


def _group_row(columns: Sequence[Column]) -> Markup:
    blank = element("td", colspan=2, class_="first")
    heads = []
    for measure in dict.fromkeys(column.measure for column in columns):
        span = sum(column.measure is measure for column in columns)
        heads.append(
            element(
                "th",
                measure.label,
                class_="group",
                scope="colgroup",
                colspan=span,
                data_group=True,
                data_of=measure.label,
                data_judged=measure.is_judged,
            )
        )
    return element("tr", blank, *heads)


def _column_row(columns: Sequence[Column]) -> Markup:
    heads = [element("th", "Slice", class_="first", scope="col", data_column=0)]
    heads.append(element("th", "Rows", scope="col", data_column=1))
    for i, (heading, measure, _) in enumerate(columns):
        heads.append(
            element(
                "th",
                heading,
                class_="group" if _starts_group(columns, i) else None,
                scope="col",
                data_column=i + 2,
                data_of=measure.label,
                data_judged=measure.is_judged,
            )
        )
    return element("tr", *heads)


def _slice_row(slice_: Slice, columns: Sequence[Column]) -> Markup:
    classes = [None, *("group" if _starts_group(columns, i) else None for i in range(len(columns)))]
    cells = [cell(text, class_) for text, class_ in zip(row_of(slice_, columns), classes, strict=True)]
    return element("tr", row_head(shortened(slice_.name)), *cells)


def _starts_group(columns: Sequence[Column], i: int) -> bool:
    return i == 0 or columns[i - 1].measure is not columns[i].measure


def _controls(columns: Sequence[Column]) -> Markup:
    """The controls, which are hidden until the script runs."""
    measures = list(dict.fromkeys(column.measure for column in columns))
    judged = element("option", "those with a threshold", value="judged")
    names = [element("option", measure.label, value=measure.label) for measure in measures]
    has_judged = any(measure.is_judged for measure in measures) and len(measures) > 4

    choice = element("select", judged if has_judged else None, element("option", "all", value=""), *names, id="metric")
    text = element("input", id="filter", type="search", placeholder="for example sex=Female")
    count = element("span", id="count", class_="minor", role="status")
    return element(
        "div",
        element("label", "Slices with ", text),
        element("label", "Metrics ", choice),
        count,
        id="controls",
        class_="controls",
        hidden=True,
    )


def _more() -> Markup:
    return element("button", "Show more slices", id="more", class_="more", type="button", hidden=True)
