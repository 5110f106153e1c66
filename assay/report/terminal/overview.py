"""What a terminal shows of a run: the verdict with each threshold, then slices and metrics, the worst first."""

from __future__ import annotations

from collections.abc import Sequence

from assay.report.cells import counts_text, without_classes
from assay.report.evidence import Evidence, Slice
from assay.report.figures import Figure, figures_of, named, of_candidates
from assay.report.found_slices import found_grid, found_sentences, left_out_sentences, specs_texts
from assay.report.grids.grid import Grid
from assay.report.grids.printed import Fit, Section, Sentence
from assay.report.terminal.checks import checks_grid, checks_of, evidence_grid, tally_text, verdict_object
from assay.report.terminal.classes_grid import classes_grid
from assay.report.terminal.evidence_lines import NOT_SHOWN, not_passed, ordered_lines
from assay.report.terminal.selection import Selection, chosen_slices, limited
from assay.report.terminal.slices_grid import metrics_grid, slices_grid
from assay.text.counted import counted
from assay.text.printable import shortened
from assay.verdict import Reason, Status

_MOST_CHECKS, _MOST_REASONS, _MOST_SLICES, _MOST_CLASSES, _MOST_REMARKS = 40, 10, 20, 40, 5
_MOST_LINES, _FEW_SLICES = 20, 4
_STATUS_COLOURS = {Status.BLESSED: "bold green", Status.NOT_BLESSED: "bold red", Status.NOT_EVALUATED: "bold yellow"}


def overview(evidence: Evidence, selection: Selection, fit: Fit) -> list[Section]:
    """The sections to show of a run, none of them empty.

    Args:
        evidence: of the run.
        selection: what of it is wanted.
        fit: fits grids to the room that there is.

    Raises:
        ResultsError: no such metric or slice.
        UsageError: a condition or an order that cannot be read.
    """
    figures = figures_of(evidence)
    slices = chosen_slices(evidence, figures, selection)
    sections = [
        _outcome(evidence),
        _thresholds(evidence, selection, fit),
        _lines(evidence, selection, fit),
        _slices(evidence, slices, figures, selection, fit),
        _found(evidence, fit),
        _classes(evidence, slices, figures, selection, fit),
        _remarks(evidence, selection),
    ]
    return [section for section in sections if section]


# The verdict ----------------------------------------------------------------------------------------------------------


def _outcome(evidence: Evidence) -> Section:
    """The verdict, and each reason that the list of thresholds below does not tell."""
    verdict = evidence.verdict
    if verdict is None:
        return [Sentence("There is no verdict with these results.")]
    head = f"{verdict.status.replace('_', ' ')}: {'; '.join(counts_text(verdict))}"
    is_listed = bool(verdict.checks)
    reasons = [r for r in verdict.reasons if not (is_listed and r.slice and (r.value is not None or not r.metric))]
    more = len(reasons) - _MOST_REASONS
    rest = [Sentence(f"... and {counted(more, 'reason')} more, in verdict.json")] if more > 0 else []
    lines = [Sentence(_reason_text(reason)) for reason in reasons[:_MOST_REASONS]]
    return [Sentence(head, _STATUS_COLOURS[verdict.status]), *lines, *rest]


def _reason_text(reason: Reason) -> str:
    rows = "" if reason.rows is None else f" ({counted(reason.rows, 'row')})"
    return f"{shortened(reason.slice)}: {reason.message}{rows}" if reason.slice else reason.message


def _thresholds(evidence: Evidence, selection: Selection, fit: Fit) -> Section:
    checks = checks_of(evidence)
    if not checks:
        return []
    shown = checks if selection.everything else checks[:_MOST_CHECKS]
    hidden = len(checks) - len(shown)
    rest = [Sentence(f"... and {counted(hidden, 'threshold')} more; --all shows them")] if hidden else []
    return [fit(checks_grid(shown, evidence.models), 4)[0], *rest, Sentence(tally_text(checks), "bold")]


def _lines(evidence: Evidence, selection: Selection, fit: Fit) -> Section:
    """Of thresholds that ask for evidence each slice that does not pass; with `--all` each slice."""
    verdict = verdict_object(evidence.verdict)
    if not verdict or not verdict.get("evidence"):
        return []
    lines = ordered_lines(verdict) if selection.everything else not_passed(verdict)
    if not lines:
        return []
    shown = lines if selection.everything else lines[:_MOST_LINES]
    hidden = len(lines) - len(shown)
    rest = [Sentence(f"... and {counted(hidden, 'line')} more; --all shows them")] if hidden else []
    return [Sentence(NOT_SHOWN, "bold"), fit(evidence_grid(shown), 4)[0], *rest]


# Slices and metrics ---------------------------------------------------------------------------------------------------


def _slices(
    evidence: Evidence, slices: Sequence[Slice], figures: Sequence[Figure], selection: Selection, fit: Fit
) -> Section:
    """Slices by metric; few slices with more metrics than fit beside each other are columns, if they fit."""
    if not slices:
        return [Sentence("No slice meets the conditions.")] if evidence.slices else []
    most = None if selection.everything else selection.top or _MOST_SLICES
    shown = limited(slices, evidence, most)
    wanted = _wanted(evidence, figures, selection)
    if not wanted:
        return []

    parts = fit(slices_grid(shown, wanted), 2)
    tall = fit(metrics_grid(shown, wanted), 1) if len(parts) > 1 and len(shown) <= _FEW_SLICES else []
    if len(tall) == 1 or (tall and len(shown) == 1):
        parts = tall
    elif selection.metrics is None and not selection.everything:
        parts = parts[:1]
    return [*parts, *_left_out(slices, shown, wanted, parts)]


def _wanted(evidence: Evidence, figures: Sequence[Figure], selection: Selection) -> list[Figure]:
    """The figures that are asked for; else those of candidates, without values of classes, which have a table."""
    if selection.metrics is not None:
        return named(figures, selection.metrics)
    numbers = [figure for figure in figures if figure.is_number]
    if selection.everything:
        return numbers
    shown = {measure.key for measure in without_classes(evidence)}
    return [f for f in of_candidates(numbers, evidence) if f.measure.key in shown and not _is_rows(f)]


def _is_rows(figure: Figure) -> bool:
    """Whether it is the number of rows, which stands beside each slice."""
    return figure.stem == "example_count" and not figure.key.example_weighted


def _left_out(
    slices: Sequence[Slice], shown: Sequence[Slice], wanted: Sequence[Figure], parts: Sequence[Grid]
) -> Section:
    """How many slices and metrics there are beyond those shown, and what shows them."""
    named_in = {column.name for part in parts for column in part.columns}
    named_in |= {str(row[0]) for part in parts for row in part.rows if part.columns[0].name == "metric"}
    stems = {figure.stem for figure in wanted}
    seen = {figure.stem for figure in wanted if {figure.name, figure.stem} & named_in}

    counts, options = [], []
    if len(shown) < len(slices):
        counts.append(f"{len(shown):,} of {len(slices):,} slices")
        options.append("--top N")
    if len(seen) < len(stems):
        counts.append(f"{len(seen):,} of {len(stems):,} metrics")
        options.append("--metrics A,B")
    if not counts:
        return []
    return [Sentence(f"{', '.join(counts)}; assay show has more with {', '.join(options)} or --all", "dim")]


def _found(evidence: Evidence, fit: Fit) -> Section:
    """The slices that a search found, and what to add to the eval config to keep those that are confirmed."""
    found = evidence.found
    if found is None:
        return []
    grid, specs = found_grid(found), specs_texts(found)
    left_out = [Sentence(f"Left out: {line}", "dim") for line in left_out_sentences(found)]
    keep = [Sentence("To have the confirmed ones in every run, add to the eval config:"), *map(Sentence, specs)]
    table = fit(grid, 1) if grid.rows else []
    return [
        Sentence("Worst slices found", "bold"),
        *map(Sentence, found_sentences(found)),
        *table,
        *left_out,
        *(keep if specs else []),
    ]


# Classes and remarks --------------------------------------------------------------------------------------------------


def _classes(
    evidence: Evidence, slices: Sequence[Slice], figures: Sequence[Figure], selection: Selection, fit: Fit
) -> Section:
    """Metrics by class of the first slice, unless metrics are asked for."""
    if selection.metrics is not None or not slices:
        return []
    wanted = figures if selection.everything else of_candidates(figures, evidence)
    whole = classes_grid(slices[0], wanted, evidence)
    if whole is None:
        return []

    grid = whole if selection.everything else Grid(whole.columns, whole.rows[:_MOST_CLASSES])
    parts = fit(grid, 1) if selection.everything else fit(grid, 1)[:1]
    hidden = len(whole.rows) - len(grid.rows), len(whole.columns) - sum(len(part.columns) for part in parts)
    texts = [counted(count, noun) for count, noun in zip(hidden, ("row", "column"), strict=True) if count > 0]
    more = [Sentence(f"... and {', '.join(texts)} more; assay show --all shows them", "dim")] if texts else []
    return [Sentence(f"{slices[0].name}, by class", "bold"), *parts, *more]


def _remarks(evidence: Evidence, selection: Selection) -> Section:
    remarks = evidence.remarks if selection.everything else evidence.remarks[:_MOST_REMARKS]
    hidden = len(evidence.remarks) - len(remarks)
    more = [Sentence(f"... and {counted(hidden, 'remark')} more; assay show --all shows them", "dim")] if hidden else []
    return [*map(Sentence, remarks), *more]
