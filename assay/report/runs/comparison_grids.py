"""Two runs held against each other, as tables: for people, and for other programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from assay.report.grids.formats import objects_of
from assay.report.grids.grid import Column, Grid, Value
from assay.report.grids.printed import Fit, Section, Sentence
from assay.report.numbers import Number
from assay.report.runs.comparison import APART, Change, Comparison
from assay.results.labels import number_text
from assay.text.printable import shortened
from assay.verdict import Verdict

_MOST_NAMES, _MOST_FACTS, _WIDEST = 8, 40, 120
_VALUES = (
    Column("A", "number"),
    Column("B", "number"),
    Column("change", "change"),
    Column("note", colours={"better": "green", "worse": "red"}, follows=True),
)
"""Columns of a change, for people."""


def sections_of(runs: tuple[str, str], comparison: Comparison, top: int, fit: Fit) -> list[Section]:
    """What people read.

    Args:
        runs: folders of run A and run B.
        comparison: of both.
        top: how many slices to show.
        fit: makes tables fit.
    """
    return [
        [*fit(_runs(runs, comparison), 1)],
        *_facts(comparison, fit),
        *_outcomes(comparison, fit),
        *_overall(comparison, fit),
        *_slices(comparison, top, fit),
        *_only_in_one(comparison, fit),
        *_words_on_certainty(comparison),
    ]


def changes_grid(changes: Sequence[Change]) -> Grid:
    """A row for each number that both runs have, with every digit; None where there is nothing.

    `a_lower_bound` and `a_upper_bound` are the ends of a confidence interval, `a_error_bound` by how much the value may
    be off.
    """
    of_run = [
        Column(f"{run}{part}", "number")
        for run in ("a", "b")
        for part in ("", "_lower_bound", "_upper_bound", "_error_bound")
    ]
    words, rows = [Column("direction"), Column("certainty")], [Column("rows_a", "number"), Column("rows_b", "number")]
    columns = [Column("slice"), Column("metric"), *of_run, Column("change", "change"), *words, *rows]
    return Grid(columns, [_values(change) for change in changes])


def as_objects(runs: tuple[str, str], comparison: Comparison, top: int | None) -> dict[str, Any]:
    """All of a comparison as JSON values; arguments as for `sections_of`, and None takes all slices."""
    heads = [
        {"run": run, "verdict": verdict.status if verdict else None, "rows": verdict.rows if verdict else None}
        for run, verdict in zip(runs, comparison.verdicts, strict=True)
    ]
    return {
        "a": heads[0],
        "b": heads[1],
        "differences": [change._asdict() for change in comparison.facts],
        "thresholds": [change._asdict() for change in comparison.thresholds],
        "ordered_by": comparison.leading,
        "changes": objects_of(changes_grid(comparison.changes(top))),
        "slices_only_in_a": list(comparison.gone_slices),
        "slices_only_in_b": list(comparison.new_slices),
        "metrics_only_in_a": list(comparison.gone_metrics),
        "metrics_only_in_b": list(comparison.new_metrics),
        "not_compared": list(comparison.not_compared),
    }


def _values(change: Change) -> list[Value]:
    words = change.direction or None, change.certainty or None
    numbers = (*_parts(change.before), *_parts(change.after))
    return [change.slice, change.metric + change.at, *numbers, change.by, *words, *change.rows]


def _parts(number: Number) -> tuple[float | None, ...]:
    return (number.value, *(number.interval or (None, None)), number.error_bound or None)


def _runs(runs: tuple[str, str], comparison: Comparison) -> Grid:
    rows = [(name, run, *_told(v)) for name, run, v in zip("AB", runs, comparison.verdicts, strict=True)]
    return Grid([Column(""), Column("run"), Column("verdict"), Column("rows", "number")], rows)


def _told(verdict: Verdict | None) -> tuple[str, int | None]:
    return ("none", None) if verdict is None else (verdict.status, verdict.rows)


def _titled(title: str, grid: Grid, fit: Fit, keep: int = 1) -> Section:
    return [Sentence(title), *fit(grid, keep)]


def _facts(comparison: Comparison, fit: Fit) -> Iterator[Section]:
    facts = comparison.facts
    if not facts:
        yield [Sentence("Data, models and config: no difference that the results tell.")]
        return
    rows = [(what, *(_fact_text(what, side) or None for side in sides)) for what, *sides in facts[:_MOST_FACTS]]
    few = f" ({_MOST_FACTS} of {len(facts):,}; --format json has all)" if len(facts) > _MOST_FACTS else ""
    yield _titled(f"What differs{few}:", Grid([Column("what"), Column("A"), Column("B")], rows), fit)


def _fact_text(what: str, text: str) -> str:
    """A fact for people; of a digest, the digits that are told."""
    return text[:8] if what == "plan" else shortened(text, _WIDEST)


def _outcomes(comparison: Comparison, fit: Fit) -> Iterator[Section]:
    if comparison.thresholds:
        rows = [(threshold, before or None, after or None) for threshold, before, after in comparison.thresholds]
        grid = Grid([Column("threshold"), Column("A"), Column("B")], rows)
        yield _titled("Thresholds with another outcome:", grid, fit)


def _overall(comparison: Comparison, fit: Fit) -> Iterator[Section]:
    changes = comparison.overall
    if changes:
        told = [f"{rows:,} in {run}" for run, rows in zip("AB", changes[0].rows, strict=True) if rows is not None]
        ends = _end_columns(changes)
        rows = [(*_values_for_people(change), *_ends(change)[: len(ends)]) for change in changes]
        grid = Grid([Column("metric"), *_VALUES, *ends], rows)
        yield _titled(f"All rows{', ' if told else ''}{' and '.join(told)}:", grid, fit)
    elif not comparison.slices:
        yield [Sentence("No number to compare: none is in both runs, or none meets the condition.")]


def _slices(comparison: Comparison, top: int, fit: Fit) -> Iterator[Section]:
    moved = [changes for changes in comparison.slices.values() if any(change.size > 0 for change in changes)]
    if comparison.slices and not moved:
        yield [Sentence(f"None of {len(comparison.slices):,} slices moved by {comparison.leading}.")]
    changes = [change for of_slice in moved[:top] for change in of_slice]
    if not changes:
        return

    ends = _end_columns(changes)
    columns = [
        Column("slice"),
        Column("metric"),
        *_VALUES,
        Column("rows A", "number"),
        Column("rows B", "number"),
        *ends,
    ]
    rows = [(c.slice, *_values_for_people(c), *c.rows, *_ends(c)[: len(ends)]) for c in changes]
    title = f"Slices that moved most by {comparison.leading}, {min(top, len(moved)):,} of {len(moved):,}:"
    yield _titled(title, Grid(columns, rows), fit, 2)


def _only_in_one(comparison: Comparison, fit: Fit) -> Iterator[Section]:
    found = {
        ("A", "metrics"): comparison.gone_metrics,
        ("B", "metrics"): comparison.new_metrics,
        ("A", "slices"): comparison.gone_slices,
        ("B", "slices"): comparison.new_slices,
    }
    rows = [(run, what, len(names), _named(names)) for (run, what), names in found.items() if names]
    if rows:
        columns = [Column("run"), Column("what"), Column("number", "number"), Column("names")]
        yield _titled("In one of the runs only:", Grid(columns, rows), fit)
    if comparison.not_compared:
        names = _named(comparison.not_compared)
        yield [Sentence(f"Not compared, because they are not numbers or not alike in both runs: {names}.")]


def _values_for_people(change: Change) -> tuple[Value, ...]:
    note = ", ".join(filter(None, (change.direction, change.certainty)))
    return change.metric + change.at, change.before.value, change.after.value, change.by, note or None


def _end_columns(changes: Sequence[Change]) -> list[Column]:
    """Columns of confidence intervals, where there are any."""
    has_any = any(change.before.interval or change.after.interval for change in changes)
    return [Column("A interval", "number"), Column("B interval", "number", follows=True)] if has_any else []


def _ends(change: Change) -> tuple[Value, Value]:
    """The confidence intervals as texts."""
    return _interval(change.before), _interval(change.after)


def _interval(number: Number) -> str | None:
    return f"[{', '.join(map(number_text, number.interval))}]" if number.interval else None


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(shortened(name) for name in names[:_MOST_NAMES]) + more


def _words_on_certainty(comparison: Comparison) -> Iterator[Section]:
    changes = [change for change in comparison.changes(None) if change.size > 0]
    if not changes:
        return
    if any(change.before.interval and change.after.interval for change in changes):
        yield [Sentence(f"{APART}: the confidence intervals of A and B have no value in common.")]
    else:
        yield [
            Sentence(
                "Without confidence intervals in both runs, nothing tells whether a change is more than chance; set "
                "compute_confidence_intervals in options of the eval config."
            )
        ]
