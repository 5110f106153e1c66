"""The runs of an output over time as one page of HTML: metrics by run and slice, verdicts, and what changed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from assay.metrics.keys import MetricKey
from assay.report.cells import ValueCell
from assay.report.html import page_script
from assay.report.html.document import document
from assay.report.html.markup import Markup, element, joined
from assay.report.html.packed import data_element, packed
from assay.report.html.tables import row_head, scrolling, table, value_cell
from assay.report.marks import FAILS
from assay.report.numbers import Number, change_of
from assay.report.page.sections import section
from assay.report.runs.history import Entry, History, SliceOfRun, has_same_settings, history_of
from assay.report.runs.match import OVERALL
from assay.results.labels import change_text, number_text
from assay.storage.file_paths import FilePath, path_text
from assay.text.counted import counted
from assay.text.printable import printable_line, shortened
from assay.verdict import Status

_BADGES: Mapping[str, str] = {Status.BLESSED: "good", Status.NOT_BLESSED: "bad"}
_MOST_CHANGES, _MOST_SLICES = 12, 200


def runs_page(output: FilePath, top: int = 60) -> str:
    """One page about the newest runs of an output.

    It asks for nothing from outside; scripts choose metric and slices, and draw them over time.

    Args:
        output: folder or `gs://` URI of an analysis.
        top: how many runs to show, at least 1.

    Raises:
        ResultsError: there are no runs.
    """
    history = history_of(output, slices="", top=top)
    name = path_text(output, "output").rstrip("/").rpartition("/")[2]
    title = f"Runs of {name or output}"
    body = joined(
        element("h1", title),
        _summary(history),
        section("Over time", element("div", id="over-time", class_="needs-script", hidden=True), _no_scripts()),
        section("Runs", _runs(history)),
        section("Slices", _slices(history), name="slices-by-run"),
        *(element("p", shortened(fault, 600), class_="error") for fault in history.faults),
    )
    return document(title, joined(element("main", body), _data(history)), page_script.script_of_runs())


def _summary(history: History) -> Markup:
    """How many runs of each outcome, and from when to when."""
    counts = Counter(entry.status for entry in history.shown)
    outcomes = [f"{count:,} {status.replace('_', ' ')}" for status, count in counts.most_common()]
    days = [_date(entry)[:10] for entry in history.shown]
    text = f"{counted(len(history.shown), 'run')} from {days[-1]} to {days[0]}: {', '.join(outcomes)}."
    more = (
        f" {history.total - len(history.shown):,} older ones are left out."
        if history.total > len(history.shown)
        else ""
    )
    return element("p", text + more)


def _no_scripts() -> Markup:
    return element("noscript", element("p", "The chart needs scripts; the tables below have its values."))


# Runs -----------------------------------------------------------------------------------------------------------------


def _runs(history: History) -> Markup:
    """A row for each run: verdict, values of all rows, their change since the run before, and what else changed."""
    labels = list(history.metrics)
    heads = ("Date (UTC)", "Verdict", "Rows", *labels, "What changed", "Run")
    rows = [_run_row(history, entry) for entry in history.shown]
    return table("runs", heads, rows, words=(len(heads) - 2,))


def _run_row(history: History, entry: Entry) -> Sequence[str | Markup]:
    before, notes = history.before(entry), history.notes(entry)
    small = element("small", f" {', '.join(notes)}") if notes else None
    badge = element(
        "strong", entry.status.replace("_", " "), class_=f"badge small {_BADGES.get(entry.status, 'unsure')}"
    )
    overall = entry.slices.get(OVERALL, SliceOfRun())
    values = [_value(overall, _earlier(entry, before, key), key) for key in history.metrics.values()]
    changes = _changes(entry, before)
    return (
        _date(entry),
        element("td", badge, small),
        "" if overall.rows is None else f"{overall.rows:,}",
        *values,
        changes,
        shortened(entry.run.name),
    )


def _earlier(entry: Entry, before: Entry | None, key: MetricKey) -> SliceOfRun:
    """All rows of the run before, with which a metric is compared; nothing where its settings were others."""
    if before is None or not has_same_settings(entry, before, key):
        return SliceOfRun()
    return before.slices.get(OVERALL, SliceOfRun())


def _value(slice_: SliceOfRun, before: SliceOfRun, key: MetricKey) -> Markup:
    """The first number of a metric, and below it its change since the run before."""
    numbers, earlier = slice_.numbers.get(key, ()), before.numbers.get(key, ())
    if not numbers:
        return element("td")
    change = change_text(change_of(earlier[0], numbers[0])) if earlier else ""
    return value_cell(ValueCell(number_text(numbers[0].value), change, FAILS if key in slice_.failed else ""))


def _changes(entry: Entry, before: Entry | None) -> str:
    """Data, models, parameters and settings that are others than in the run before."""
    if before is None or entry.fault:
        return ""
    names = dict.fromkeys([*entry.facts, *before.facts])
    changed = [
        name for name in names if entry.facts.get(name) != before.facts.get(name) and name not in ("rows", "plan")
    ]
    parts = [f"{name}: {_short(before.facts.get(name))} → {_short(entry.facts.get(name))}" for name in changed]
    more = len(parts) - _MOST_CHANGES
    return "; ".join(parts[:_MOST_CHANGES]) + (f"; and {more:,} more" if more > 0 else "")


def _short(value: str | None) -> str:
    return "none" if value is None else shortened(value, 60)


def _date(entry: Entry) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(entry.run.when))


# Slices ---------------------------------------------------------------------------------------------------------------


def _slices(history: History) -> Markup:
    """The first metric: a row for each slice, a column for each run, the newest first."""
    label, key = next(iter(history.metrics.items()), ("", None))
    shown = _named(history)
    heads = [element("th", "Slice", class_="first", scope="col")]
    heads += [element("th", _date(entry)[5:10], scope="col") for entry in history.shown]
    lines = [_slice_row(history, name, key) for name in shown if key]
    more = len(history.slices) - len(shown)
    rest = element("p", f"And {counted(more, 'slice')} more, in the files.") if more > 0 else None
    head, body = element("thead", element("tr", *heads)), element("tbody", *lines)
    whole = element("table", element("caption", label), head, body, id="by-run")
    return joined(scrolling(whole, "slices by run"), rest)


def _named(history: History) -> list[str]:
    """The overall slice, then those that fail most often, then the largest; without those too small to be shown."""
    valued = {name for entry in history.shown for name, slice_ in entry.slices.items() if slice_.numbers}
    last = {name: entry.slices[name].rows or 0 for entry in reversed(history.shown) for name in entry.slices}
    fails = Counter(name for entry in history.shown for name, slice_ in entry.slices.items() if slice_.failed)
    order = sorted(valued, key=lambda name: (name != OVERALL, -fails[name], -last.get(name, 0)))
    return order[:_MOST_SLICES]


def _slice_row(history: History, name: str, key: MetricKey) -> Markup:
    cells = []
    for entry in history.shown:
        slice_ = entry.slices.get(name)
        numbers = slice_.numbers.get(key, ()) if slice_ else ()
        mark = FAILS if slice_ and key in slice_.failed else ""
        cells.append(value_cell(ValueCell(number_text(numbers[0].value), "", mark) if numbers else None))
    return element("tr", row_head(shortened(name)), *cells)


# Data of the script ---------------------------------------------------------------------------------------------------


def _data(history: History) -> Markup:
    """Values of the metrics by run and slice, the oldest run first."""
    entries, names = history.shown[::-1], _named(history)
    keys = list(history.metrics.values())
    numbers = np.full((3, len(keys), len(names), len(entries)), np.nan)
    failed = []
    for run, entry in enumerate(entries):
        for slice_, name in enumerate(names):
            found = entry.slices.get(name, SliceOfRun())
            for metric, key in enumerate(keys):
                number = next(iter(found.numbers.get(key, ())), Number())
                numbers[:, metric, slice_, run] = number.value, *(number.interval or (np.nan, np.nan))
                failed += [[metric, slice_, run]] if key in found.failed else []

    head = {
        "metrics": [printable_line(label) for label in history.metrics],
        "slices": [printable_line(shortened(name)) for name in names],
        "runs": [
            {"name": printable_line(e.run.name), "when": e.run.when, "date": _date(e), "status": e.status}
            for e in entries
        ],
    }
    parts: Mapping[str, np.ndarray] = dict(zip(("values", "lower", "upper"), numbers.reshape(3, -1), strict=True))
    return data_element("runs-data", packed(head, {**parts, "failed": np.array(failed, int).reshape(-1)}))
